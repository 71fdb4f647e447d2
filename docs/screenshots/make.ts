import { join, resolve } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { isScenarioName, type ScenarioName } from "../../lab/scenarios.ts";
import { withWatchedLab } from "../watched-lab.ts";

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
    says: /and this agent agree about/,
    shots: [{ ...DESKTOP, name: "healthy" }],
  },
];

function tell({ scenario, says, shots }: Story): Promise<void> {
  return withWatchedLab(scenario, async ({ lab, url }) => {
    const browser = await chromium.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      lab.play();
      await shoot(browser, url, says, shots);
    } finally {
      await browser.close();
    }
  });
}

async function shoot(
  browser: Browser,
  url: string,
  says: RegExp,
  shots: readonly Shot[],
): Promise<void> {
  const first = await browser.newPage();
  await first.goto(url);
  const isNone = (name: string) => ({ has: first.locator(".none", { hasText: name }) });
  // An animation that is not finished would be confusing in a still picture.
  await first
    .locator("main")
    .filter({ has: first.getByRole("heading", { level: 1, name: says }) })
    .filter({ has: first.locator(".counts").filter(isNone("settling")).filter(isNone("unknown")) })
    .waitFor({ timeout: 180_000 });
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
    await page.screenshot({ path: file, fullPage: width === PHONE.width });
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
