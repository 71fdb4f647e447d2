import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { chromium, type Browser } from "playwright-core";
import { startLab } from "../../lab/lab.ts";
import { demoConfig } from "../../src/cli/demo.ts";
import { startService } from "../../src/cli/service.ts";

/**
 * Makes the screenshots of the documentation from the demo itself: lab and agent run, ex02 goes into maintenance, and
 * Chromium looks. `node dist/docs/screenshots/make.js [folder]`, then `pngquant --ext .png --force --strip` on what it made;
 * CHROMIUM names another browser than Debian's.
 */
const FOLDER = resolve(process.argv[2] ?? "docs/screenshots");

const MEMBER = "/member?adc=demo&adc_service=sg_imaps&server=ex02&port=993";

const SHOTS = [
  { name: "desktop-light", path: "/", width: 1280, height: 960, colorScheme: "light" },
  { name: "desktop-dark", path: "/", width: 1280, height: 960, colorScheme: "dark" },
  { name: "phone-light", path: "/", width: 390, height: 844, colorScheme: "light" },
  { name: "phone-dark", path: "/", width: 390, height: 844, colorScheme: "dark" },
  { name: "member", path: MEMBER, width: 1280, height: 1100, colorScheme: "light" },
] as const;

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-screenshots-"));
  const lab = await startLab({ scenario: "maintenance" });
  const service = await startService({
    config: await demoConfig(lab, directory),
    listen: ["127.0.0.1:0"],
    log: pino({ level: "silent" }),
    reread: null,
  });
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  try {
    if (service.kind === "failed") {
      throw new Error(service.message);
    }
    lab.play();
    await shoot(browser, service.addresses[0] ?? "");
  } finally {
    await browser.close();
    if (service.kind === "started") {
      await service.stop();
    }
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function shoot(browser: Browser, url: string): Promise<void> {
  const first = await browser.newPage();
  await first.goto(url);
  await first
    .getByText(/IMAP.* clients to ex02, which is in maintenance/)
    .first()
    .waitFor({ timeout: 90_000 });
  for (const { name, path, width, height, colorScheme } of SHOTS) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      locale: "en-GB",
      deviceScaleFactor: width < 500 ? 2 : 1,
    });
    const page = await context.newPage();
    await page.goto(url + path);
    await page.getByText("● live").waitFor();
    const file = join(FOLDER, `${name}.png`);
    await page.screenshot({ path: file });
    process.stdout.write(`${file}\n`);
    await context.close();
  }
}

await main();
