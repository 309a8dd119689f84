// The whole way of a physician through the web app, in a real browser, in both languages. Every page that is passed is
// looked at by axe in both looks; errors in the console, breaches of the policy, faults of the server and texts that are
// missing fail the test.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { drawn, launch, missingWords, result, send, signIn, unfair, visitor } from "./browser.mjs";
import { PASSWORD, pictures, program, serve } from "./semio.mjs";

const skip = program ? false : "no program: set SEMIO, or run `cargo build -p semio`";
/** What an authenticator app shows for a secret (RFC 6238). */
function code(secret) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac("sha1", key).update(step).digest();
  const at = hash[19] & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const FAMILY = "de la Rochefoucauld-Montmorency-Luxe";

for (const language of ["en", "fr"]) {
  describe(`the whole way, ${language}`, { skip }, () => {
    let server, browser, drawings, brains, chests, admin, me;
    const record = {};

    before(async () => {
      server = await serve();
      browser = await launch();
      drawings = await drawn(browser);
      brains = await pictures(server.work, "brain-tumor", 16);
      chests = await pictures(server.work, "pneumonia", 2, "dicom");
      admin = await visitor(browser, server.address, language);
      me = await visitor(browser, server.address, language);
    });
    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    /** What must hold of every page. */
    const look = async ({ page, words, faults }, name) => {
      assert.equal(await page.getAttribute("html", "lang"), language, `${name}: language`);
      assert.deepEqual(await missingWords(page, words), [], `${name}: texts`);
      assert.deepEqual(await unfair(page), [], `${name}: axe`);
      assert.equal(await page.locator("h1").count(), 1, `${name}: one title`);
      assert.deepEqual(faults.splice(0), [], `${name}: faults`);
    };
    const visit = async (who, address) => {
      await who.page.goto(address);
      await look(who, address);
    };
    /** Sends the form without the browser's own checks, so that the server's are seen. */
    const sendUnchecked = async (page, form, values) => {
      await page.locator(form).evaluate((form, values) => {
        form.noValidate = true;
        for (const [name, value] of Object.entries(values)) {
          const field = form.elements[name];
          if (field instanceof RadioNodeList) for (const one of field) one.checked = one.value === value;
          else field.value = value;
        }
        form.requestSubmit();
      }, values);
      await page.waitForLoadState();
    };
    /** Each of these fields has a message of its own, tied to it. */
    const faulty = async (page, names) => {
      await page.waitForSelector("[aria-invalid=true]");
      for (const name of names) {
        const field = page.locator(`[name="${name}"]`).first();
        assert.equal(await field.getAttribute("aria-invalid"), "true", `${name} is marked`);
        const said = await field.evaluate((f) => {
          const by = f.getAttribute("aria-describedby") ?? f.closest("fieldset")?.getAttribute("aria-describedby") ?? "";
          return by.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
        });
        assert.ok(said.length > 5, `${name} says what is wrong: “${said}”`);
      }
      assert.ok(await page.locator("main [role=alert]").first().isVisible());
    };
    const said = (page, role = "status") => page.locator(`main > [role=${role}]`).first().innerText();

    it("registers, with every field wrong before", async () => {
      const { page } = me;
      await visit(me, "/about");
      await visit(me, "/register");
      await sendUnchecked(page, "main form", { given_name: "", family_name: "", register_number: "10003759115", email: "nobody", password: "short" });
      await faulty(page, ["given_name", "family_name", "register_number", "email", "password"]);
      await look(me, "register with faults");
      await page.fill("[name=given_name]", "Zoë");
      await page.fill("[name=family_name]", "O’Brien-Żółć");
      await page.fill("[name=register_number]", "10003759114");
      await page.fill("[name=email]", "Zoe@Example.org");
      await page.fill("[name=password]", PASSWORD);
      await page.click("main form button");
      assert.equal(await page.innerText("h1"), me.t("registered-title"));
      await look(me, "registered");
    });

    it("cannot sign in before an administrator has confirmed", async () => {
      const { page } = me;
      await visit(me, "/sign-in");
      for (const [password, key] of [["wrong horse battery", "sign-in-wrong"], [PASSWORD, "sign-in-unconfirmed"]]) {
        await page.fill("[name=email]", "zoe@example.org");
        await page.fill("[name=password]", password);
        await page.click("main form button");
        assert.equal(await said(page, "alert"), me.t(key));
        await look(me, key);
      }
    });

    it("is confirmed by an administrator, who sees that all is well", async () => {
      const { page } = admin;
      await signIn(page, "admin@example.org");
      await look(admin, "people");
      await sendUnchecked(page, "form[action='/admin/people']", { given_name: "", family_name: "", email: "x", password: "a" });
      await faulty(page, ["given_name", "family_name", "email", "password"]);
      await look(admin, "people with faults");
      await page.goto("/admin");
      await page.click("form[action$='/confirm'] button");
      assert.equal(await said(page), admin.t("done-confirmed"));
      const row = page.locator("tr", { hasText: "Żółć" });
      await row.locator("[name=team]").fill("Radiology 2");
      await row.locator("form[action$='/team'] button").click();
      assert.equal(await row.locator("[name=team]").inputValue(), "Radiology 2");
      await visit(admin, "/models");
      assert.ok((await page.locator("main tbody tr").count()) >= 2, "models of two jobs");
      await visit(admin, "/admin/system");
      await visit(admin, "/admin/audit");
      await page.click("form[action='/admin/audit'] button");
      await page.waitForSelector("main [role=status]");
      await look(admin, "audit checked");
    });

    it("signs in to empty pages that say what to do", async () => {
      const { page } = me;
      await signIn(page, "zoe@example.org");
      for (const address of ["/", "/patients", "/patients?scope=team", "/patients?scope=deleted", "/upload", "/models", "/account"]) {
        await visit(me, address);
      }
      const model = await page.goto("/models").then(() => page.locator("tbody a").first().getAttribute("href"));
      await visit(me, model);
      const forbidden = await page.goto("/admin");
      assert.equal(forbidden.status(), 403);
      await look(me, "forbidden");
      assert.equal((await page.goto("/studies/01a20153-d619-76c2-9f93-898ac464b979")).status(), 404);
      await look(me, "missing");
    });

    it("moves the twin's sliders", async () => {
      const { page } = me;
      await visit(me, "/twin");
      const before = await page.locator("#shown-myelin").innerText();
      const picture = await page.locator("#axon img").getAttribute("src");
      await page.locator("[name=myelin]").focus();
      await page.keyboard.press("End");
      await page.waitForFunction((old) => document.querySelector("#axon img").getAttribute("src") !== old, picture);
      assert.notEqual(await page.locator("#shown-myelin").innerText(), before);
      // The other figure's values stay where its sliders stand.
      const moved = await page.locator("#shown-myelin").innerText();
      const nerve = await page.locator("#neuron img").getAttribute("src");
      await page.locator("[name=current]").focus();
      await page.keyboard.press("Home");
      await page.waitForFunction((old) => document.querySelector("#neuron img").getAttribute("src") !== old, nerve);
      assert.match(await page.locator("#shown-current").innerText(), /^0[.,]50$/);
      assert.equal(await page.locator("#shown-myelin").innerText(), moved);
      // The curve has a ring where the impulse above it stands.
      const myelin = await page.locator("[name=myelin]").inputValue();
      assert.ok((await page.locator("#velocity img").getAttribute("src")).includes(`myelin=${myelin}&`));
      await look(me, "twin, moved");
    });

    it("moves the twin's network by buttons and sliders", async () => {
      const { page } = me;
      await visit(me, "/twin");
      const source = (id) => page.locator(`#${id} img`).getAttribute("src");
      const changed = (id, old) => page.waitForFunction(([at, before]) => document.querySelector(`#${at} img`).getAttribute("src") !== before, [id, old]);
      let before = await source("network");
      await page.locator("#choose-severe").focus();
      await page.keyboard.press("Enter");
      await changed("network", before);
      assert.match(await page.locator("#shown-delay").innerText(), /^5[.,]0\s?ms$/);
      assert.equal(await page.locator("#choose-severe").getAttribute("aria-pressed"), "true");
      assert.equal(await page.evaluate(() => document.activeElement.id), "choose-severe", "whoever presses a key goes on from there");
      // A slider moved by hand stands for no name any more.
      before = await source("network");
      await page.locator("[name=failure]").focus();
      await page.keyboard.press("ArrowRight");
      await changed("network", before);
      await page.waitForFunction(() => document.querySelector("#choose-severe").getAttribute("aria-pressed") === "false");
      assert.match(await source("network"), /wiring=chain.*failure=0\.35/);
      before = await source("network");
      await page.click("#choose-random");
      await changed("network", before);
      assert.equal(await page.locator("[name=length][type=range]").count(), 0);
      before = await source("network");
      await page.locator("[name=connections]").focus();
      await page.keyboard.press("End");
      await changed("network", before);
      assert.match(await source("network"), /wiring=random.*connections=100.*failure=0\.35/);
      assert.equal(new URL(page.url()).pathname, "/twin");
      const drawn = await page.locator(".twin img").evaluateAll((all) => Promise.all(all.map((img) => img.decode().then(() => img.naturalWidth > 0))));
      assert.deepEqual(drawn, [true, true, true, true]);
      await look(me, "twin, network");
      // Words in a figure stay readable on a phone: it is moved sideways within its frame, and the page is not.
      const size = page.viewportSize();
      await page.setViewportSize({ width: 390, height: 844 });
      const wide = await page.evaluate(() => [document.documentElement.scrollWidth - document.documentElement.clientWidth, document.querySelector("#network img").clientWidth]);
      assert.ok(wide[0] <= 0 && wide[1] >= 500, `${wide}`);
      await page.setViewportSize(size);
      // An address that says what no slider can is told so.
      const refused = await page.goto("/twin?myelin=7");
      assert.equal(refused.status(), 422);
      assert.match(await page.locator("main [role=alert]").innerText(), /2\s%.*100\s%/);
    });

    it("makes a patient's record, with every field wrong before", async () => {
      const { page } = me;
      await visit(me, "/patients/new");
      await sendUnchecked(page, "main form", { family_name: "", given_name: "", sex: "", birth_date: "2091-01-01" });
      await faulty(page, ["family_name", "given_name", "sex", "birth_date"]);
      await look(me, "patient with faults");
      await page.fill("[name=family_name]", FAMILY);
      await page.fill("[name=given_name]", "Wilhelmine-Alexandrine Marie");
      await page.check("[name=sex][value=female]");
      await page.fill("[name=birth_date]", "1951-03-04");
      await page.fill("[name=identifier]", "L-1001");
      await page.fill("[name=note]", "<script>alert(1)</script> & “quoted”");
      await page.click("main form button");
      await page.waitForURL(/done=saved/);
      record.path = new URL(page.url()).pathname;
      record.id = record.path.split("/").pop();
      assert.ok((await page.innerText("main")).includes("<script>alert(1)</script>"));
      await look(me, "empty record");
      await visit(me, `${record.path}/edit`);
      await sendUnchecked(page, "main form", { family_name: " ", birth_date: "1800-01-01" });
      await faulty(page, ["family_name", "birth_date"]);
    });

    it("is stopped where file and record disagree, decides, and files all the same", async () => {
      const { page } = me;
      await visit(me, `/upload?patient=${record.id}`);
      await page.selectOption("[name=job]", "pneumonia");
      await send(page, [chests[0], { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a picture") }]);
      const rows = page.locator("#upload-rows .upload");
      assert.deepEqual(await rows.evaluateAll((all) => all.map((row) => row.dataset.state)), ["decide", "failed"]);
      assert.ok((await rows.first().innerText()).includes(FAMILY), "what the record says");
      assert.ok((await rows.first().innerText()).includes("SYNTHETIC"), "what the file says");
      await look(me, "upload to be decided");
      await rows.first().locator(`button[value="${record.id}"]`).click();
      await rows.first().locator("a[href^='/studies/']").waitFor();
      await look(me, "upload filed");
      record.chest = await rows.first().locator("a").getAttribute("href");
      // Without a record chosen, the file is asked whose it is; it can be discarded.
      await page.goto("/upload");
      await send(page, [chests[1]]);
      await look(me, "upload, whose?");
      await page.locator("#upload-rows button[value='']").click();
      await page.locator("#upload-rows .upload[data-state=done]").waitFor();
      assert.ok((await page.locator("#upload-rows").innerText()).includes(me.t("upload-discarded")));
    });

    it("uploads pictures of several days and reads each result", async () => {
      const { page } = me;
      record.studies = [];
      for (const [n, file] of brains.slice(0, 12).entries()) {
        await page.goto(`/upload?patient=${record.id}`);
        await page.selectOption("[name=job]", "brain-tumor");
        await page.fill("[name=taken_on]", `20${String(14 + n)}-0${1 + (n % 9)}-11`);
        await send(page, [file]);
        record.studies.push(await page.locator("#upload-rows a[href^='/studies/']").getAttribute("href"));
      }
      record.outcomes = {};
      for (const address of record.studies) {
        await page.goto(address);
        await result(page);
        const outcome = await page.locator("#panel .outcome").getAttribute("data-outcome");
        (record.outcomes[outcome] ??= []).push(address);
      }
      assert.ok(record.outcomes.answered?.length >= 2, `of 12 pictures at least two are answered: ${JSON.stringify(record.outcomes)}`);
    });

    it("sees the result, its certainty, and the map over the picture", async () => {
      const { page } = me;
      await page.goto(record.outcomes.answered[0]);
      await page.waitForSelector(".viewer .tools");
      await look(me, "study, answered");
      assert.ok((await page.innerText("header.patient")).includes(FAMILY));
      assert.match(await page.innerText(".certainty"), /100/);
      assert.ok((await page.locator(".certainty svg rect.interval").count()) === 1);
      const painted = () =>
        page.locator(".viewer canvas.map").evaluate((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return canvas.checkVisibility() && data.some((value, n) => n % 4 === 3 && value > 0);
        }).catch(() => false);
      const before = await painted();
      await page.keyboard.press("o");
      await page.waitForTimeout(800);
      assert.notEqual(await painted(), before, "O switches the map");
      await page.keyboard.press("?");
      assert.ok((await page.innerText("dialog#keys")).includes("O"));
      await look(me, "keys");
      await page.keyboard.press("Escape");
    });

    it("approves with the keyboard alone, from the work list on", async () => {
      const { page } = me;
      await page.goto("/");
      await look(me, "work list");
      const wanted = record.outcomes.answered[0];
      for (let n = 0; n < 150; n += 1) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((to) => document.activeElement?.getAttribute("href") === to, wanted)) break;
      }
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === wanted);
      await result(page);
      await page.keyboard.press("a");
      await page.waitForURL(/done=approved/);
      assert.equal(await said(page), me.t("done-approved"));
      assert.ok((await page.innerText("#review .word")).includes("Żółć"));
      await look(me, "approved");
      await page.goBack();
      await page.waitForURL((url) => url.pathname === wanted || url.pathname === "/");
      assert.equal(await page.locator("h1").count(), 1);
    });

    it("contests with an own label and a comment", async () => {
      const { page } = me;
      await page.goto(record.outcomes.answered[1]);
      await page.waitForSelector(".viewer .tools");
      await page.keyboard.press("c");
      assert.equal(await page.evaluate(() => document.activeElement.name), "label");
      const labels = await page.locator("#review select option").allInnerTexts();
      // A "no" alone is refused beside the field.
      await page.click("#review button[value=contested]");
      await faulty(page, ["label"]);
      assert.ok((await page.innerText("#fault-label")).includes(me.t("review-nothing")));
      await look(me, "contested without a word");
      await page.selectOption("#review select", { index: 2 });
      await page.fill("#review textarea", "Seen with Dr Okafor");
      await page.click("#review button[value=contested]");
      await page.waitForURL(/done=contested/);
      const word = await page.innerText("#review .word");
      assert.ok(word.includes(labels[2]) && word.includes("Okafor"), word);
      await look(me, "contested");
    });

    it("sees what was before: prior picture, time line and chart", async () => {
      const { page } = me;
      await page.goto(record.outcomes.answered[1]);
      await page.waitForSelector(".viewer .tools");
      assert.ok((await page.locator(".others li").count()) >= 11);
      await page.keyboard.press("p");
      await page.waitForFunction(() => document.querySelectorAll(".study .viewer .stage").length > 1);
      await look(me, "study with the prior one");
      await visit(me, record.path);
      assert.ok((await page.locator("ol.timeline > li").count()) >= 12);
      assert.ok((await page.locator("svg.chart circle").count()) >= 12);
    });

    it("is refused a result for a photograph and for a black picture", async () => {
      const { page } = me;
      for (const file of [drawings.photo, drawings.black]) {
        await page.goto(`/upload?patient=${record.id}`);
        await page.selectOption("[name=job]", "brain-tumor");
        await send(page, [file]);
        await page.click("#upload-rows a[href^='/studies/']");
        await result(page);
        assert.equal(await page.locator("#panel .outcome").getAttribute("data-outcome"), "refused", file.name);
        assert.equal(await page.locator("#panel .classes, #panel .certainty, #review button[value=approved]").count(), 0);
        await look(me, `refused ${file.name}`);
      }
    });

    it("reads first where wished: the result stays folded until an impression is noted", async () => {
      const { page } = me;
      const wish = async (on) => {
        await page.goto("/account");
        await page.setChecked("[name=reads_first]", on);
        await page.click("form[action='/account'] button");
        await page.waitForURL(/done=saved/);
      };
      await wish(true);
      await page.goto(record.studies.at(-1) === record.outcomes.answered[0] ? record.studies.at(-2) : record.studies.at(-1));
      assert.equal(await page.locator("#panel .outcome, .certainty").count(), 0);
      await look(me, "folded");
      await page.selectOption("#panel select", { index: 1 });
      await page.click("#panel button[value=impression]");
      await page.waitForURL(/done=impression/);
      assert.equal(await page.locator("#panel .outcome").count(), 1);
      await look(me, "unfolded");
      await wish(false);
    });

    it("prints the report", async () => {
      const { page } = me;
      await page.goto(record.outcomes.answered[0]);
      await page.click("a[href$='/print']");
      await page.waitForURL(/print$/);
      await look(me, "print");
      assert.ok((await page.innerText("article.print")).includes("Żółć"), "who approved");
      await page.emulateMedia({ media: "print" });
      assert.equal(await page.locator("header.site").isVisible(), false);
      assert.equal(await page.locator("article.print .outcome").isVisible(), true);
      const paper = (await page.pdf({ format: "A4" })).toString("latin1");
      await page.emulateMedia({ media: "screen" });
      assert.ok(paper.startsWith("%PDF"));
      assert.equal(paper.match(/\/Type \/Page\b/g)?.length, 1, "one page");
    });

    it("finds patients while typing, deletes and restores one after a question", async () => {
      const { page } = me;
      await page.goto("/patients");
      await page.locator("[name=q]").pressSequentially("de la Ro");
      await page.waitForURL(/q=de/);
      assert.equal(await page.locator("#list tbody tr").count(), 1);
      await page.fill("[name=q]", "zzz");
      await page.waitForSelector("#list .empty");
      await look(me, "nobody found");
      await page.goto(record.path);
      const ask = () => page.click("form[action$='/delete'] button");
      await ask();
      await page.waitForSelector("dialog#confirm[open]");
      await look(me, "question");
      await page.keyboard.press("Escape");
      assert.equal(new URL(page.url()).pathname, record.path);
      await ask();
      await page.click("dialog#confirm button[value=yes]");
      await page.waitForURL(/done=deleted/);
      await visit(me, "/patients?scope=deleted");
      await page.click("form[action$='/restore'] button");
      await page.waitForURL(/done=restored/);
    });

    it("is told beside the field where a study cannot be moved to", async () => {
      const { page } = me;
      await page.goto(record.chest);
      await page.click("details.further summary");
      await page.fill("[name=to]", "/patients/nobody");
      await page.click("form[action$='/move'] button");
      await page.click("dialog#confirm button[value=yes]");
      await faulty(page, ["to"]);
      assert.equal(await page.inputValue("[name=to]"), "/patients/nobody");
      await look(me, "moved nowhere");
    });

    it("takes files that are dropped on the work list", async () => {
      const { page } = me;
      await page.goto("/");
      const bytes = [...(await readFile(chests[1]))];
      const transfer = await page.evaluateHandle((bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "chest.dcm"));
        return transfer;
      }, bytes);
      await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
      const row = page.locator("#upload-rows .upload[data-state=decide]");
      await row.waitFor();
      // Its tags say too little for a record: the form for it opens filled as far as they go.
      const form = row.locator("a[href^='/patients/new?']");
      assert.ok((await form.getAttribute("href")).includes("family_name=SYNTHETIC"));
      await look(me, "dropped on the work list");
      const [blank] = await Promise.all([me.context.waitForEvent("page"), form.click()]);
      await blank.waitForLoadState();
      assert.equal(await blank.inputValue("[name=family_name]"), "SYNTHETIC");
      await blank.close();
      await row.locator("button[value='']").click();
      await page.locator("#upload-rows .upload[data-state=done]").waitFor();
    });

    it("sets up a code at sign-in, and takes it away", async () => {
      const { page } = me;
      await page.goto("/account");
      await page.click("a[href='/account/second-factor']");
      await look(me, "code, to be set up");
      const secret = await page.innerText("main code");
      await page.fill("[name=code]", code(secret));
      await page.fill("[name=old]", PASSWORD);
      await page.click("main form button");
      await page.waitForSelector("ul.codes");
      assert.equal(await page.locator("ul.codes li").count(), 10);
      await look(me, "recovery codes");
      const recovery = await page.locator("ul.codes code").first().innerText();
      const other = await visitor(browser, server.address, language);
      await other.page.goto("/sign-in");
      await other.page.fill("[name=email]", "zoe@example.org");
      await other.page.fill("[name=password]", PASSWORD);
      await other.page.click("main form button");
      await other.page.waitForSelector("[name=code]");
      await look(other, "asked for a code");
      await other.page.fill("[name=code]", "000000");
      await other.page.click("main form button");
      await other.page.waitForSelector("[role=alert]");
      await other.page.fill("[name=code]", recovery);
      await other.page.click("main form button");
      await other.page.waitForURL((url) => url.pathname === "/");
      await other.context.close();
      await page.goto("/account/second-factor");
      await look(me, "code, to be taken away");
      await page.fill("[name=old]", PASSWORD);
      await page.click("main form button");
      await page.waitForURL(/done=saved/);
    });

    it("stores a course of demyelination beside what was measured", async () => {
      const { page } = me;
      await visit(me, `${record.path}/course`);
      await look(me, "course, empty");
      const typed = { lesion_on_1: "2025-03-10", lesion_length_1: "12", lesion_myelin_1: "2", measured_on_1: "2025-04-09", measured_ms_1: "900" };
      await sendUnchecked(page, "form.course", { ...typed, lesion_length_1: "99" });
      await faulty(page, ["lesion_length_1"]);
      for (const [name, value] of Object.entries(typed)) await page.fill(`[name=${name}]`, value);
      await page.click("form.course button[type=submit]");
      await page.waitForURL(/done=saved/);
      assert.ok(await page.locator("figure.course img").evaluate((img) => img.complete && img.naturalWidth > 0));
      assert.ok((await page.innerText("table")).includes(me.t("course-outside")));
      await look(me, "course, stored");
    });

    it("exports the whole record", async () => {
      const { page } = me;
      await page.goto(record.path);
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[href$='/export.zip']")]);
      const script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print('\\n'.join(z.namelist()), file=sys.stderr); print(z.read('record.json').decode())";
      const { stdout: text, stderr: names } = await promisify(execFile)("python3", ["-c", script, await download.path()], { maxBuffer: 1 << 26 });
      for (const part of [/^pictures\/[0-9a-f]{64}\.(png|dcm)$/m, /^previews\/.+\.png$/m, /^reports\/.+\.html$/m]) assert.match(names, part);
      const whole = JSON.parse(text);
      assert.ok(text.includes(FAMILY) && text.includes("Seen with Dr Okafor"));
      assert.ok(JSON.stringify(whole).includes("approved"));
    });

    it("changes the password only with the present one", async () => {
      const { page } = me;
      await page.goto("/account");
      await page.fill("[name=old]", "not my password");
      await page.fill("[name=password]", "another long password 7");
      await page.click("form[action='/account/password'] button");
      assert.equal(await page.locator("main [role=alert]").innerText(), me.t("account-password-wrong"));
      await sendUnchecked(page, "form[action='/account/password']", { old: PASSWORD, password: "short" });
      await faulty(page, ["password"]);
      await look(me, "account with faults");
    });

    it("works without scripts, too", async () => {
      const state = await me.context.storageState();
      const plain = await visitor(browser, server.address, language, { javaScriptEnabled: false, storageState: state });
      await plain.page.goto(`/upload?patient=${record.id}`);
      await plain.page.setInputFiles("[name=file]", brains[13]);
      await plain.page.click("form.upload button");
      await plain.page.click("#upload-rows a[href^='/studies/']");
      assert.ok(await plain.page.locator(".viewer img").isVisible());
      assert.deepEqual(plain.faults, []);
      await plain.context.close();
    });

    it("changes the language and signs out; nothing of the patient is left behind", async () => {
      const { page } = me;
      await page.goto(record.path);
      const other = language === "en" ? "fr" : "en";
      await page.click(`form.language button[value=${other}]`);
      assert.equal(await page.getAttribute("html", "lang"), other);
      await page.click(`form.language button[value=${language}]`);
      await page.click("details.menu summary");
      await page.click("details.menu form[action='/sign-out'] button");
      await page.waitForURL(/sign-in/);
      assert.equal(await said(page), me.t("done-signed-out"));
      await look(me, "signed out");
      await page.goBack();
      await page.waitForLoadState();
      assert.ok(!(await page.innerText("body")).includes(FAMILY));
      await page.goto(record.path);
      assert.equal(new URL(page.url()).pathname, "/sign-in");
      assert.deepEqual(me.faults, []);
      assert.deepEqual(admin.faults, []);
    });
  });
}
