import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { windowReport } from "../../src/change/window-report.ts";
import { windowReportPage } from "../../src/web/page/window-report-page.ts";
import { browserMissing, launchBrowser } from "../support/browser.ts";
import { maintenanceHour, NOON } from "../support/live-state.ts";
import { at, iso, RECORDED_HOUR, RECORDED_WINDOW } from "../support/recorded-hour.ts";
import { realDeclarations } from "./real-declarations.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";

const require = createRequire(import.meta.url);
/** Its text, since its types need the DOM's. */
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

interface AxeResults {
  readonly passes: readonly unknown[];
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

const CONF = [
  "add server ex02 192.0.2.12",
  "add lb monitor tcp_long TCP -LRTM DISABLED -interval 30",
  "add serviceGroup svc_imap TCP",
  "bind serviceGroup svc_imap ex02 143",
  "bind serviceGroup svc_imap -monitorName tcp_long",
].join("\n");
const PATHS = [
  "/",
  "/?wall",
  "/?embed",
  "/member?adc=prod&adc_service=svc_imap&server=ex02&port=143",
  "/vserver?adc=prod&vserver=v_imap",
  "/maintenance",
  "/maintenance?server=ex02",
  "/maintenance/report?name=ex02",
  "/lint",
  "/no-such-page",
];

const REPORT = windowReport(RECORDED_WINDOW, RECORDED_HOUR, at(90), (_track, verdict) => [
  `what corrects ${verdict}`,
]);

describe.skipIf(browserMissing() !== null)("accessibility in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  async function open(options: Parameters<Browser["newContext"]>[0]) {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.clock.setFixedTime(NOON);
    return page;
  }

  test.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
  ] as const)("pages › have no axe violations in %s at %d pixels", async (colorScheme, width) => {
    const declarations = await realDeclarations({ now: NOON });
    const look = (server: string) => Promise.resolve({ server, ok: true, checks: [] });
    const maintenance = {
      ...declarations,
      preflight: look,
      verify: look,
      report: () => Promise.resolve(REPORT),
    };
    const web = await serve(maintenanceHour(), {
      estates: () => [parseNsConf(CONF, { adc: "prod" })],
      actions: { ...IDLE_ACTIONS, maintenance },
      token: () => "s3cret",
    });
    const page = await open({ colorScheme, viewport: { width, height: 900 } });
    for (const path of PATHS) {
      await page.goto(web.url + path);
      await page.evaluate(`${AXE}; undefined`);
      const found = await page.evaluate<AxeResults>("axe.run()");
      expect(found.passes.length).toBeGreaterThan(5);
      const violations = found.violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ")}`,
      );
      expect([path, violations]).toEqual([path, []]);
    }
  });

  test("report › shows steps, incidents and commands and requests nothing when its file is opened alone", async () => {
    const page = await open({});
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.setContent(windowReportPage(REPORT, "Europe/Berlin"));
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toContain("ex02");
    for (const words of ["CU15", "what corrects routes_to_maintenance"]) {
      expect([words, await page.getByText(words).first().isVisible()]).toEqual([words, true]);
    }
    const berlin = new Intl.DateTimeFormat("en-GB", {
      timeZone: "Europe/Berlin",
      timeStyle: "short",
    });
    const returned = berlin.format(new Date(iso(50)));
    expect(await page.getByRole("main").innerText()).toContain(returned);
    expect(asked.filter((url) => /^https?:/.test(url))).toEqual([]);
  });
});
