// A browser, what must not happen in it, and what people do with it.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { PASSWORD } from "./semio.mjs";

const GL = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: GL });
}

/** The texts of a language, from the file that the program holds. */
export function texts(language) {
  const file = fileURLToPath(new URL(`../crates/semio-clinic/src/words/${language}.ftl`, import.meta.url));
  const lines = readFileSync(file, "utf8").split("\n");
  return new Map(lines.flatMap((line) => /^([a-zA-Z][\w-]*) = (.*)$/.exec(line)?.slice(1, 3) ? [/^([a-zA-Z][\w-]*) = (.*)$/.exec(line).slice(1, 3)] : []));
}

/** A context whose pages note what must not happen: errors in the console, breaches of the policy, faults of the server. */
export async function visitor(browser, address, language, more = {}) {
  const context = await browser.newContext({ baseURL: address, locale: language === "fr" ? "fr-FR" : "en-GB", ...more });
  context.setDefaultTimeout(15_000);
  const faults = [];
  context.on("weberror", (error) => faults.push(`error: ${error.error().message}`));
  context.on("console", (line) => {
    // A page that says 4xx is what was asked for; the tests say which they expect.
    if (line.type() === "error" && !/status of 4\d\d/.test(line.text())) faults.push(`console: ${line.text()} (${line.location().url})`);
  });
  context.on("response", (answer) => {
    if (answer.status() >= 500) faults.push(`${answer.status()} of ${answer.request().method()} ${answer.url()}`);
  });
  const page = await context.newPage();
  await page.addInitScript(() =>
    document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)),
  );
  return { context, page, faults, language, words: texts(language), t: (key) => texts(language).get(key) };
}

export async function signIn(page, email, password = PASSWORD) {
  await page.goto("/sign-in");
  await page.fill("[name=email]", email);
  await page.fill("[name=password]", password);
  await page.click("main form button");
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/** Keys that stand where their text should. */
export async function missingWords(page, words) {
  const shown = await page.evaluate(() => {
    const found = new Set();
    const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) found.add(node.data.trim());
    for (const element of document.querySelectorAll("*")) {
      for (const name of ["title", "alt", "aria-label", "placeholder", "value", "data-key-label", "data-confirm"]) {
        if (name !== "value" || element.matches("button, input[type=submit]")) found.add((element.getAttribute(name) ?? "").trim());
      }
      if (element.dataset?.words) for (const word of Object.values(JSON.parse(element.dataset.words))) found.add(word);
      if (element.localName === "template") for (const word of Object.values(element.dataset)) found.add(word);
    }
    return [...found];
  });
  const keyed = shown.filter((text) => (words.has(text) && ![...words.values()].includes(text)) || /^[a-z]+(-[a-z]+)+$/.test(text) && /^(fault|done|role|state|person|outcome|reason|failure|problem|verdict|system|audit|field|col|figure|part|sex|viewer)-/.test(text));
  return [...keyed, ...shown.filter((text) => /\{\s*\$/.test(text))];
}

/** What axe finds serious or worse, in both looks. */
export async function unfair(page) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.evaluate(AXE);
    const answer = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, nodes } of answer.violations) {
      if (impact === "serious" || impact === "critical") {
        found.push(`${colorScheme}: ${id} (${impact}) at ${nodes.map((n) => `${n.target.join(" ")} ${n.any.map((a) => a.message).join("; ")}`).join(" | ")}`);
      }
    }
  }
  await page.emulateMedia({ colorScheme: null });
  return found;
}

/** Sends files on the open upload page and waits until each has its answer. */
export async function send(page, files) {
  const before = await page.locator("#upload-rows .upload").count();
  const held = files.map((file) => (typeof file === "string" ? { name: basename(file), mimeType: "application/octet-stream", buffer: readFileSync(file) } : file));
  await page.setInputFiles("[name=file]", held);
  const rows = page.locator("#upload-rows .upload");
  await page.waitForFunction((n) => {
    const all = [...document.querySelectorAll("#upload-rows > .upload")].slice(n);
    return all.length > 0 && all.every((row) => /^(done|decide|failed)$/.test(row.dataset.state));
  }, before, { timeout: 120_000 });
  return rows;
}

/** Waits until the study's result is there, whatever it says. */
export async function result(page) {
  await page.waitForSelector("#panel:not([hx-get])", { timeout: 60_000 });
}

/** A photograph-like picture, many colours and edges, as PNG; and a black one. */
export async function drawn(browser) {
  const page = await browser.newPage();
  const [photo, black] = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.width = 480;
    canvas.height = 320;
    const c = canvas.getContext("2d");
    const data = async () => [...new Uint8Array(await (await new Promise((done) => canvas.toBlob(done, "image/png"))).arrayBuffer())];
    c.fillRect(0, 0, 480, 320);
    const dark = await data();
    const sky = c.createLinearGradient(0, 0, 0, 200);
    sky.addColorStop(0, "#2a6fd0");
    sky.addColorStop(1, "#cfe6ff");
    c.fillStyle = sky;
    c.fillRect(0, 0, 480, 200);
    c.fillStyle = "#3f8a2c";
    c.fillRect(0, 190, 480, 130);
    for (let n = 0; n < 900; n += 1) {
      c.fillStyle = `hsl(${80 + ((n * 37) % 70)} 60% ${20 + ((n * 53) % 50)}%)`;
      c.fillRect((n * 97) % 480, 190 + ((n * 61) % 130), 3, 9);
    }
    c.fillStyle = "#c0392b";
    c.fillRect(180, 110, 130, 110);
    c.fillStyle = "#f4d03f";
    c.beginPath();
    c.arc(400, 60, 34, 0, 7);
    c.fill();
    return [await data(), dark];
  });
  await page.close();
  const file = (name, bytes) => ({ name, mimeType: "image/png", buffer: Buffer.from(bytes) });
  return { photo: file("holiday.png", photo), black: file("black.png", black) };
}
