import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { chromium, type Browser } from "playwright-core";
import { startLab } from "../../lab/lab.ts";
import { isScenarioName, type ScenarioName } from "../../lab/scenarios.ts";
import { demoConfig } from "../../src/cli/lab-config.ts";
import { startService } from "../../src/cli/service.ts";

/**
 * Makes the screenshots of the documentation from the demo itself: lab and agent run, a scenario plays until the page says
 * what it is about, and Chromium looks. `node dist/docs/screenshots/make.js [folder [scenario…]]`, then
 * `pngquant --ext .png --force --strip` on what it made; CHROMIUM names another browser than Debian's.
 */
const FOLDER = resolve(process.argv[2] ?? "docs/screenshots");

const DESKTOP = { path: "/", width: 1440, height: 900, colorScheme: "light" } as const;
const PHONE = { path: "/", width: 390, height: 844, colorScheme: "light" } as const;
const MEMBER = "/member?adc=demo&adc_service=sg_imaps&server=ex02&port=993";

interface Shot {
  readonly name: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

interface Story {
  readonly scenario: ScenarioName;
  /** What the headline says when it is time. */
  readonly says: RegExp;
  readonly shots: readonly Shot[];
}

const STORIES: readonly Story[] = [
  {
    scenario: "maintenance",
    says: /SMTP and IMAP clients to ex02, which is in maintenance/,
    shots: [
      { ...DESKTOP, name: "desktop-light" },
      { ...DESKTOP, name: "desktop-dark", colorScheme: "dark" },
      { ...PHONE, name: "phone-light" },
      { ...PHONE, name: "phone-dark", colorScheme: "dark" },
      { ...DESKTOP, name: "wall", path: "/?wall", width: 1920, height: 1080, colorScheme: "dark" },
      { ...DESKTOP, name: "member", path: MEMBER },
      { ...DESKTOP, name: "maintenance-page", path: "/maintenance?server=ex02" },
    ],
  },
  {
    scenario: "dead-backend",
    says: /ex02, which does not work, and its monitor cannot detect it/,
    shots: [{ ...DESKTOP, name: "dead-backend" }],
  },
  {
    scenario: "custom-banner",
    says: /to ex02, which works: the monitor is too strict/,
    shots: [{ ...DESKTOP, name: "custom-banner" }],
  },
  {
    scenario: "certificate",
    says: /ex02 presents another certificate.*IMAP/,
    shots: [{ ...DESKTOP, name: "certificate" }],
  },
  {
    scenario: "drained",
    says: /ex02 is out of service/,
    shots: [{ ...DESKTOP, name: "drained" }],
  },
  {
    scenario: "healthy",
    says: /agree about every server/,
    shots: [{ ...DESKTOP, name: "healthy" }],
  },
];

async function tell({ scenario, says, shots }: Story): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-screenshots-"));
  const lab = await startLab({ scenario });
  const service = await startService({
    config: await demoConfig(lab, directory),
    listen: ["127.0.0.1:0"],
    log: pino({ level: "silent" }),
    reread: null,
    firstLoginDelayMs: 0,
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
    await shoot(browser, service.addresses[0] ?? "", says, shots);
  } finally {
    await browser.close();
    if (service.kind === "started") {
      await service.stop();
    }
    await lab.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function shoot(
  browser: Browser,
  url: string,
  says: RegExp,
  shots: readonly Shot[],
): Promise<void> {
  const first = await browser.newPage();
  await first.goto(url);
  await first.getByRole("heading", { level: 1, name: says }).waitFor({ timeout: 180_000 });
  for (const { name, path, width, height, colorScheme } of shots) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      locale: "en-GB",
      deviceScaleFactor: width < 500 ? 2 : 1,
    });
    const page = await context.newPage();
    await page.goto(url + path);
    // The script has put the times into the reader's zone.
    await page.locator("time:not([title])").first().waitFor({ state: "detached" });
    const file = join(FOLDER, `${name}.png`);
    await page.screenshot({ path: file });
    process.stdout.write(`${file}\n`);
    await context.close();
  }
}

const chosen = process.argv.slice(3).filter(isScenarioName);
for (const story of STORIES) {
  if (chosen.length === 0 || chosen.includes(story.scenario)) {
    await tell(story);
  }
}
