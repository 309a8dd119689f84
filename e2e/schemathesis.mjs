// The API against its own description: schemathesis asks every route in many ways, with a key that may write.
//
//   pip install schemathesis
//   node schemathesis.mjs [path of schemathesis] [further arguments of `schemathesis run`]
//
// The server is a fresh one (SEMIO, SEMIO_MODELS as in semio.mjs), with a patient and a result to find.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { launch, result, send, signIn, visitor } from "./browser.mjs";
import { PASSWORD, pictures, serve } from "./semio.mjs";

const [program = "schemathesis", ...more] = process.argv.slice(2);
const settings = fileURLToPath(new URL("../crates/semio-clinic/schemathesis.toml", import.meta.url));
const server = await serve();
const browser = await launch();
let code = 1;
try {
  await server.add("physician", "api@example.org", "Ida", "Interface", "10003759114");
  const { page } = await visitor(browser, server.address, "en");
  await signIn(page, "api@example.org");
  await page.goto("/patients/new");
  for (const [name, value] of Object.entries({ family_name: "Curie", given_name: "Marie", birth_date: "1967-11-07" })) await page.fill(`[name=${name}]`, value);
  await page.check("[name=sex][value=female]");
  await page.click("main form button");
  await page.waitForURL(/done=saved/);
  const patient = new URL(page.url()).pathname.split("/").pop();
  await page.goto(`/upload?patient=${patient}`);
  await page.selectOption("[name=job]", "brain-tumor");
  await send(page, (await pictures(server.work, "brain-tumor", 4)).slice(0, 1));
  await page.goto(await page.locator("#upload-rows a[href^='/studies/']").first().getAttribute("href"));
  await result(page);
  await page.goto("/account/keys");
  await page.fill("[name=token_name]", "schemathesis");
  await page.check("[name=writes]");
  await page.fill("[name=old]", PASSWORD);
  await page.click("form[action='/account/keys'] button");
  const key = await page.locator("p.message code").innerText();
  const args = ["--config-file", settings, "run", `${server.address}/api/v1/openapi.json`, "-H", `Authorization: Bearer ${key}`, ...more];
  const child = spawn(program, args, { stdio: "inherit" });
  code = await new Promise((resolve) => child.once("exit", resolve));
} finally {
  await browser.close();
  await server.stop();
}
process.exitCode = code;
