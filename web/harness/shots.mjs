// Pictures of a harness page at three widths, light and dark, into shots/: `node harness/shots.mjs [page…]`.
import { mkdir } from "node:fs/promises";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const pages = process.argv.slice(2);
const server = await serve();
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
await mkdir("shots", { recursive: true });
for (const page of pages.length ? pages : ["looks.html"])
  for (const width of [390, 1024, 1920])
    for (const colorScheme of ["light", "dark"]) {
      const tab = await browser.newPage({ viewport: { width, height: width === 390 ? 844 : 1000 }, colorScheme, hasTouch: width === 390, isMobile: width === 390 });
      tab.on("console", (line) => line.type() === "error" && console.log(page, width, line.text()));
      await tab.goto(`http://127.0.0.1:${server.address().port}/${page}`);
      await tab.waitForTimeout(800);
      await tab.evaluate(() => (document.activeElement?.blur(), scrollTo(0, 0)));
      const over = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) console.log(`${page} at ${width}: ${over} px wider than the screen`);
      await tab.screenshot({ path: `shots/${page.replace(".html", "")}-${width}-${colorScheme}-top.png` });
      await tab.screenshot({ path: `shots/${page.replace(".html", "")}-${width}-${colorScheme}.png`, fullPage: true });
      await tab.close();
    }
await browser.close();
server.close();
