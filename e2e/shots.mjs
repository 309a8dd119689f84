// Pictures of every page, empty and full, at 390, 1024 and 1920 px, light and dark, in both languages, into shots/:
// `npm run shots [pattern]` takes those whose name fits. The server is a fresh one (SEMIO, SEMIO_MODELS as in semio.mjs).
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { drawn, launch, result, send, signIn, visitor } from "./browser.mjs";
import { pictures, serve } from "./semio.mjs";

const wanted = new RegExp(process.argv[2] ?? "");
const languages = (process.env.LANGUAGES ?? "en,fr").split(",");
const widths = (process.env.WIDTHS ?? "390,1024,1920").split(",").map(Number);
const looks = (process.env.LOOKS ?? "light,dark").split(",");
const LONG = ["Wilhelmine-Alexandrine Marie", "de la Rochefoucauld-Montmorency-Luxe"];
const FAMILIES = "Martin Bernard Dubois Żółć Nguyễn O’Brien Müller Lefèvre García Haddad Çelik Söderström Moreau Petit Roux".split(" ");
const GIVEN = "Jeanne Ahmed Łucja Paul Inès Malik Zoé Karim Élodie Hugo".split(" ");

const server = await serve();
const browser = await launch();
process.once("SIGINT", () => server.stop());
try {
  await server.add("physician", "full@example.org", "Claire", "Fontaine", "10003759114");
  await server.add("physician", "empty@example.org", "Émile", "Neuf", "10003759130");
  await server.add("physician", "folds@example.org", "Fanny", "Reads-First", "10003759148");
  const out = new URL("shots/", import.meta.url).pathname;
  await mkdir(out, { recursive: true });
  const places = await fill();
  for (const language of languages) await all(language, places, out);
} finally {
  await browser.close();
  await server.stop();
}

async function post(page, address, fields) {
  return page.evaluate(
    async ([to, pairs]) => {
      const csrf = document.querySelector('meta[name="csrf"]').content;
      const answer = await fetch(to, { method: "POST", body: new URLSearchParams({ csrf, ...pairs }) });
      return new URL(answer.url).pathname;
    },
    [address, fields],
  );
}

/** A physician with some hundred patients, studies of every kind, words about some of them. */
async function fill() {
  const { page, context } = await visitor(browser, server.address, "en");
  await signIn(page, "full@example.org");
  for (let n = 0; n < 230; n += 1) {
    const born = `${1930 + ((n * 7) % 90)}-${String(1 + (n % 12)).padStart(2, "0")}-${String(1 + (n % 28)).padStart(2, "0")}`;
    await post(page, "/patients/new", { family_name: FAMILIES[n % FAMILIES.length], given_name: GIVEN[n % GIVEN.length], sex: n % 2 ? "female" : "male", birth_date: born, identifier: `L-${1000 + n}` });
  }
  await post(page, "/patients/new", { family_name: LONG[1], given_name: LONG[0], sex: "female", birth_date: "1951-03-04", identifier: "2510375116001", note: "Allergic to gadolinium contrast (2019).\nComes with her daughter, who interprets." });
  await page.goto("/patients?q=Rochefoucauld");
  if (!(await page.locator("tbody a").count())) await page.goto("/patients?q=de%20la");
  const record = await page.locator("tbody a").first().getAttribute("href");
  const brains = await pictures(server.work, "brain-tumor", 12);
  const chests = await pictures(server.work, "pneumonia", 4, "dicom");
  const { photo, black } = await drawn(browser);
  const id = record.split("/").pop();
  for (const [n, file] of [...brains.slice(0, 8), photo, black].entries()) {
    await page.goto(`/upload?patient=${id}`);
    await page.selectOption("[name=job]", "brain-tumor");
    await page.fill("[name=taken_on]", `202${Math.floor(n / 2)}-0${1 + ((n * 3) % 8)}-1${n % 9}`);
    await send(page, [file]);
  }
  // A synthetic file says a name and no day of birth: its record is made by hand.
  const who = await nameOf(page, chests[0]);
  const chestRecord = await post(page, "/patients/new", { ...who, birth_date: "1968-11-02" });
  await page.goto(`/upload?patient=${chestRecord.split("/").pop()}`);
  await page.selectOption("[name=job]", "pneumonia");
  await send(page, chests.slice(0, 1));
  const chest = await page.locator("#upload-rows a[href^='/studies/']").first().getAttribute("href");
  await page.goto(chest);
  await result(page);
  const byOutcome = { chest };
  await page.goto(record);
  for (const link of await page.locator("ol.timeline > li > a").all()) {
    const study = await link.getAttribute("href");
    const html = await page.evaluate(async (to) => (await fetch(to)).text(), study);
    const outcome = /class="outcome" data-outcome="(\w+)"/.exec(html)?.[1] ?? "none";
    byOutcome[outcome] ??= study;
    if (outcome !== "refused" && !byOutcome[`said-${outcome}`]) {
      const comment = "Seen with Dr Okafor; the edge is sharper than in the prior picture.";
      await post(page, /action="(\/predictions\/[^"]+\/review)"/.exec(html)[1], { verdict: "contested", label: "-", comment });
      byOutcome[`said-${outcome}`] = study;
    }
  }
  // Readings that never end, and one that failed: nothing else changes their rows.
  const states = { waiting: "state = 'running'", failed: "state = 'failed', failure = 'failure-model'" };
  for (const [n, [name, change]] of Object.entries(states).entries()) {
    await page.goto(`/upload?patient=${id}`);
    await page.selectOption("[name=job]", "brain-tumor");
    await send(page, [brains[10 + n]]);
    const study = await page.locator("#upload-rows a[href^='/studies/']").first().getAttribute("href");
    await page.goto(study);
    await result(page);
    const prediction = /predictions\/([0-9a-f-]{36})/.exec(await page.content())[1].replaceAll("-", "");
    const statement = `UPDATE prediction SET ${change}, outcome = NULL, class = NULL, finding = NULL WHERE id = x'${prediction}'`;
    const script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()";
    await promisify(execFile)("python3", ["-c", script, `${server.work}/data/semio.db`, statement]);
    byOutcome[name] = study;
  }
  const folded = await fold(chests[0], who);
  const deleted = await page.goto("/patients?q=Martin").then(() => page.locator("tbody a").first().getAttribute("href"));
  await post(page, `${deleted}/delete`, {});
  const none = await page.goto("/patients?q=Bernard").then(() => page.locator("tbody a").first().getAttribute("href"));
  await page.goto("/models");
  const model = await page.locator("tbody a").first().getAttribute("href");
  await context.close();
  console.log(byOutcome);
  return { record, none, model, byOutcome, chests, brains, photo, folded };
}

/** A study of somebody who sees no result before an own impression. */
async function fold(file, who) {
  const { page, context } = await visitor(browser, server.address, "en");
  await signIn(page, "folds@example.org");
  await post(page, "/account", { language: "", reads_first: "on" });
  const record = await post(page, "/patients/new", { ...who, birth_date: "1968-11-02" });
  await page.goto(`/upload?patient=${record.split("/").pop()}`);
  await page.selectOption("[name=job]", "pneumonia");
  await send(page, [file]);
  const study = await page.locator("#upload-rows a[href^='/studies/']").first().getAttribute("href");
  await page.goto(study);
  await page.waitForSelector("form.impression");
  await context.close();
  return study;
}

/** The name in a synthetic file, as the upload page reads it out. */
async function nameOf(page, file) {
  await page.goto("/upload");
  await send(page, [file]);
  const said = await page.locator("#upload-rows .upload").first().innerText();
  const [, given, family, sex] = /(p\d{5}) (SYNTHETIC)(?:, (\w+))?/.exec(said) ?? [];
  return { family_name: family, given_name: given, sex: sex ?? "female" };
}

async function all(language, places, out) {
  const people = { full: "full@example.org", empty: "empty@example.org", admin: "admin@example.org", folds: "folds@example.org", nobody: null };
  const lists = {
    nobody: { "sign-in": "/sign-in", register: "/register", about: "/about", missing: "/nowhere", reset: "/reset/abc",
      "sign-in-wrong": ["/sign-in", async (p) => { await p.fill("[name=email]", "x@example.org"); await p.fill("[name=password]", "wrong horse"); await p.click("main form button"); await p.waitForSelector("[role=alert]"); }],
      "register-faults": ["/register", faulty],
    },
    empty: { work: "/", patients: "/patients", upload: "/upload", team: "/patients?scope=team", account: "/account", forbidden: "/admin" },
    full: {
      work: "/", patients: "/patients", "patients-end": "/patients?page=5&order=birth", deleted: "/patients?scope=deleted", "patients-none": "/patients?q=zzz",
      "patient-new": "/patients/new", "patient-faults": ["/patients/new", faulty], "patient-edit": `${places.record}/edit`,
      course: [`${places.record}/course`, course], "course-empty": `${places.none}/course`,
      record: places.record, "record-empty": places.none,
      upload: `/upload?patient=${places.record.split("/").pop()}`,
      "upload-rows": [`/upload?patient=${places.record.split("/").pop()}`, rows(places)],
      "upload-whose": ["/upload", async (p) => { await send(p, [places.chests[0], places.brains[0]]); }],
      ...Object.fromEntries(Object.entries(places.byOutcome).map(([outcome, address]) => [`study-${outcome}`, address])),
      "study-keys": [places.byOutcome.chest, async (p) => { await p.keyboard.press("?"); }],
      "study-confirm": [places.byOutcome.chest, async (p) => { await p.click("details > summary:has-text('')", { trial: true }).catch(() => {}); await p.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = !d.classList.contains("menu")))); }],
      print: `${places.byOutcome.answered ?? places.byOutcome.unsure}/print`,
      models: "/models", model: places.model, twin: "/twin", account: "/account", code: "/account/second-factor", compare: "/compare?job=pneumonia",
      "study-contested-empty": [places.byOutcome.chest, async (p) => { await p.click("#review button[value=contested]"); await p.waitForSelector("#fault-label"); }],
      "study-moved-nowhere": [places.byOutcome.chest, async (p) => { await p.click("details.further summary"); await p.fill("[name=to]", "nowhere"); await p.evaluate(() => document.querySelector("form[action$='/move']").submit()); await p.waitForSelector("#fault-to"); }],
      menu: ["/", async (p) => { await p.click("details.menu summary"); }],
    },
    folds: { work: "/", "study-folded": places.folded },
    admin: { people: "/admin", model: places.model, "models-send": ["/models", async (p) => { await p.click("details.add summary"); }], models: "/models", audit: "/admin/audit", system: "/admin/system", "audit-checked": ["/admin/audit", async (p) => { await p.click("main form button"); await p.waitForSelector("main [role=status]"); }], "people-faults": ["/admin", faulty] },
  };
  for (const [who, pages] of Object.entries(lists)) {
    for (const width of widths) {
      const phone = width < 600;
      const { page, context, faults } = await visitor(browser, server.address, language, { viewport: { width, height: phone ? 844 : width < 1100 ? 768 : 1080 }, hasTouch: phone, isMobile: phone });
      if (people[who]) {
        await signIn(page, people[who]);
        await post(page, "/language", { language, back: "/" });
      }
      for (const [name, step] of Object.entries(pages)) {
        if (!wanted.test(`${who}-${name}`)) continue;
        const [address, then] = Array.isArray(step) ? step : [step];
        for (const look of looks) {
          await page.emulateMedia({ colorScheme: look });
          await page.unrouteAll({ behavior: "ignoreErrors" });
          await page.goto(address);
          await then?.(page);
          if (name.startsWith("study")) await page.waitForTimeout(900);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          if (over > 0) console.log(`${who}-${name} at ${width} (${language}): ${over} px wider than the screen`);
          await page.screenshot({ path: `${out}${who}-${name}.${language}.${width}.${look}.png`, fullPage: !name.startsWith("study") || phone });
        }
        if (name === "print") await writeFile(`${out}print.${language}.pdf`, await page.pdf({ format: language === "fr" ? "A4" : "Letter", preferCSSPageSize: false }));
      }
      for (const fault of new Set(faults)) console.log(`${who} at ${width}: ${fault}`);
      await context.close();
    }
  }
}

/** A course with two lesions, a treatment and two measured latencies. */
async function course(page) {
  if (await page.locator("figure.course").count()) return;
  const typed = { lesion_on_1: "2025-03-10", lesion_length_1: "12", lesion_myelin_1: "2", lesion_on_2: "2025-12-01", lesion_length_2: "8", lesion_myelin_2: "3", treatment_on: "2025-06-08", measured_on_1: "2025-04-09", measured_ms_1: "148", measured_on_2: "2025-08-07", measured_ms_2: "117" };
  for (const [name, value] of Object.entries(typed)) await page.fill(`[name=${name}]`, value);
  await page.click("form.course button[type=submit]");
  await page.waitForSelector("figure.course img");
}

/** Every field wrong, without the browser's own help. */
async function faulty(page) {
  await page.evaluate(() => {
    const form = [...document.querySelectorAll("main form.stack")].pop();
    form.noValidate = true;
    for (const field of form.querySelectorAll("input:not([type=hidden], [type=radio], [type=checkbox])")) field.value = field.type === "date" ? "2091-01-01" : field.name === "register_number" ? "10003759115" : field.name === "email" ? "nobody" : field.name === "password" ? "short" : "";
    form.querySelector("button[type=submit]").click();
  });
  await page.waitForSelector("[aria-invalid=true]");
}

/** Every state of a row: filed, to be decided, refused, cut off, under way. */
function rows(places) {
  return async (page) => {
    await send(page, [places.chests[1], { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a picture") }, places.brains[9]]);
    await page.route("**/upload", (route) => (route.request().method() === "POST" ? undefined : route.continue()));
    await page.setInputFiles("[name=file]", [0, 1, 2, 3].map((n) => ({ ...places.photo, name: `later-${n}.png` })));
    await page.waitForTimeout(300);
    await page.locator("#upload-rows .upload button").last().click();
  };
}
