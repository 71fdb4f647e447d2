import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { ROOT } from "../docs/pages.ts";
import { browserMissing, launchBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { manyEstates } from "./many-estates.ts";

const PAGE = pathToFileURL(join(ROOT, "dist", "lint-page.html")).href;
/** On an idle machine. Processors that share a core, and collectors beside the worker, take up to twice that. */
const PROMISED_SECONDS = 3;

test.skipIf(browserMissing() !== null)(
  "lint page › shows findings and plan of 20,000 lines within the promised processor time",
  async () => {
    const file = join(await temporaryFolder(), "large.conf");
    await writeFile(file, await manyEstates(20_000));
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(PAGE);
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Performance.enable");
      // Of the process that shows the page, its workers included: others that want the processor do not count.
      const processSeconds = async (): Promise<number> => {
        const { metrics } = await devtools.send("Performance.getMetrics");
        return metrics.find(({ name }) => name === "ProcessTime")?.value ?? expect.fail();
      };
      const before = await processSeconds();
      await page.setInputFiles("#file", file);
      await page.waitForSelector("html[data-read]", { timeout: 100_000 });
      const took = (await processSeconds()) - before;
      expect(took).toBeGreaterThan(0);
      expect(took).toBeLessThan(2 * PROMISED_SECONDS);
    } finally {
      await browser.close();
    }
  },
  120_000,
);
