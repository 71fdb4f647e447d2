import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { ROOT } from "../docs/pages.ts";
import { browserMissing, launchBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { manyEstates } from "./many-estates.ts";

const PAGE = pathToFileURL(join(ROOT, "dist", "lint-page.html")).href;
const ATTEMPTS = 10;

test.skipIf(browserMissing() !== null)(
  "the page of lint › shows findings and plan of 20,000 lines in under 3 s when the machine has time for it",
  async () => {
    const file = join(await temporaryFolder(), "large.conf");
    await writeFile(file, await manyEstates(20_000));
    const browser = await launchBrowser();
    try {
      let fastestMs = Infinity;
      // Others may have the processor for a while, never for all of the attempts.
      for (let attempt = 0; attempt < ATTEMPTS && fastestMs >= 3_000; attempt += 1) {
        const page = await browser.newPage();
        await page.goto(PAGE);
        await page.setInputFiles("#file", file);
        await page.waitForSelector("html[data-read]", { timeout: 50_000 });
        const plannedMs = Number(await page.getAttribute("html", "data-planned"));
        fastestMs = Math.min(fastestMs, plannedMs);
        await page.close();
      }
      expect(fastestMs).toBeLessThan(3_000);
    } finally {
      await browser.close();
    }
  },
  600_000,
);
