import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { LiveState } from "../../src/model/live.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { browserMissing, launchBrowser } from "../support/browser.ts";
import {
  aLargeEstate,
  aLiveState,
  aMember,
  anAdc,
  maintenanceHour,
  NOON,
} from "../support/live-state.ts";
import { contrastFaults } from "./contrast.ts";
import { realDeclarations } from "./real-declarations.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";

const CONF = [
  "add server ex02 192.0.2.12",
  "add lb monitor tcp_long TCP -LRTM DISABLED -interval 30",
  "add serviceGroup svc_imap TCP",
  "bind serviceGroup svc_imap ex02 143",
  "bind serviceGroup svc_imap -monitorName tcp_long",
].join("\n");
const ESTATES = () => [parseNsConf(CONF, { adc: "prod" })];
const MEMBER = "/member?adc=prod&adc_service=svc_imap&server=ex02&port=143";

/** Everything agrees: the hour before. */
function hourBefore(): LiveState {
  const live = maintenanceHour();
  const good = {
    adcOpinion: "up",
    replica: "up",
    service: "up",
    verdict: "agree_up",
    reason: "ok",
    mismatch: false,
  } as const;
  return { ...live, members: live.members.map((member) => ({ ...member, ...good })) };
}

describe.skipIf(browserMissing() !== null)("status page in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** A page that fails the test at the first complaint of the browser, or request to anywhere else. */
  async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      timezoneId: "Europe/Berlin",
      locale: "en-GB",
      ...options,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(new URL(url).origin)) {
        complaints.push(`asked for ${request.url()}`);
      }
    });
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    await page.clock.setFixedTime(NOON);
    await page.goto(url);
    return page;
  }

  test("shows server, protocol, cause, time and command on the first screen", async () => {
    const web = await serve(maintenanceHour(), { estates: ESTATES });
    const page = await open(web.url, { viewport: { width: 1280, height: 900 } });
    await page.getByText("● live").waitFor();
    const sentence = page.getByRole("heading", { level: 1 });
    expect(await sentence.innerText()).toMatch(
      /^✖\s*NetScaler prod sends IMAP clients to ex02, which is in maintenance, since 12:58 \(62 s ago\)\.$/,
    );
    expect(await page.title()).toBe("✖ 1 wrong · adc-witness dc1");
    expect(await page.locator("#icon").getAttribute("href")).toBe("/icon.svg?tone=bad");
    expect(await page.locator(".counts").innerText()).toMatch(
      /1 wrong\s+1 maintenance\s+0 settling\s+0 unknown\s+of 6 members and 2 vservers/,
    );
    expect(await page.locator(".fresh").innerText()).toMatch(
      /NITRO of prod polled 4 s ago, primary ns1\.example\.com\s+13:00:00/,
    );
    const card = page.getByRole("article").first();
    for (const words of [
      "ex02, in maintenance, still gets clients: IMAP 143",
      "tcp (sees no further than the bare port): “Success - Pattern found in response.”",
      "the connection was accepted and closed without data",
      "disable server ex02 60 -graceFul YES",
    ]) {
      const found = card.getByText(words, { exact: false }).first();
      expect([words, await found.isVisible()]).toEqual([words, true]);
      const box = await found.boundingBox();
      expect(box?.y ?? Infinity).toBeLessThan(900);
    }
  });

  test("says the same in the accessibility tree, without colours", async () => {
    const web = await serve(maintenanceHour(), { estates: ESTATES });
    const page = await open(web.url);
    await page.getByText("● live").waitFor();
    const card = await page.getByRole("article").first().ariaSnapshot();
    expect(card).toContain(
      `- 'heading "ex02, in maintenance, still gets clients: IMAP 143" [level=3]'`,
    );
    expect(card).toContain('- columnheader "Replica"');
    expect(card).toContain('button "Copy: disable server ex02 60 -graceFul YES"');
    const grid = await page.getByRole("region", { name: "Services of prod" }).ariaSnapshot();
    expect(grid).toContain(
      `- 'link "gets clients: ex02 port 143: ADC up, replica up, service down: in maintenance, still gets clients; the ADC''s monitors see no further than the bare port"'`,
    );
    expect(grid).toContain('- columnheader "ex02"');
    expect(grid).toContain('- rowheader "v_imap IMAP 143"');
    for (const landmark of ["banner", "main", "contentinfo", "navigation"] as const) {
      expect(await page.getByRole(landmark).count()).toBe(1);
    }
    const ids = await page.evaluate<string[]>(
      "[...document.querySelectorAll('[id]')].map((one) => one.id)",
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("lets a keyboard reach the content, the filters and the cells", async () => {
    const web = await serve(maintenanceHour());
    const page = await open(web.url);
    await page.keyboard.press("Tab");
    expect(await page.locator(":focus").innerText()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    const reached = new Set<string>();
    for (let index = 0; index < 40; index += 1) {
      await page.keyboard.press("Tab");
      reached.add(
        await page.evaluate<string>(
          "document.activeElement.getAttribute('class') ?? document.activeElement.tagName",
        ),
      );
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(["copy", "SELECT", "t bad d0", "SUMMARY", "scroll"]),
    );
  });

  test.each(["light", "dark"] as const)(
    "has AA contrast for every text, %s",
    async (colorScheme) => {
      const web = await serve(
        { ...maintenanceHour(), adcs: [anAdc({ up: false, lastError: "timeout" })] },
        { estates: ESTATES, token: () => "t" },
      );
      for (const path of ["/", MEMBER, "/vserver?adc=prod&vserver=v_owa", "/maintenance"]) {
        const page = await open(web.url + path, { colorScheme });
        expect([path, await contrastFaults(page)]).toEqual([path, []]);
      }
    },
  );

  test("follows changes without a reload and keeps the reader's place", async () => {
    let live = hourBefore();
    const web = await serve(() => live, { estates: ESTATES });
    const page = await open(web.url);
    await page.getByText("● live").waitFor();
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toContain(
      "and this agent agree about",
    );
    await page.evaluate("window.untouched = true");
    live = maintenanceHour();
    await page
      .getByText("NetScaler prod sends IMAP clients to ex02, which is in maintenance")
      .first()
      .waitFor();
    const cell = page.getByRole("link", { name: /ex03 port 443/ });
    await page.locator("details.evidence summary").first().click();
    await cell.focus();
    live = {
      ...live,
      members: live.members.map((member) =>
        member.server === "ex01"
          ? { ...member, verdict: "false_down" as const, mismatch: true }
          : member,
      ),
    };
    await page.locator(".counts", { hasText: "3 wrong" }).waitFor();
    expect(await page.evaluate("window.untouched")).toBe(true);
    expect(await page.locator("details.evidence[open]").count()).toBe(1);
    expect(await page.locator(":focus").getAttribute("aria-label")).toMatch(/ex03 port 443/);
    expect(await page.title()).toContain("✖ 3 wrong");
    expect(await page.locator("#icon").getAttribute("href")).toBe("/icon.svg?tone=bad");
  });

  test("says that the agent does not answer, and recovers by itself", async () => {
    const web = await serve(maintenanceHour());
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(web.url);
    await page.getByText("● live").waitFor();
    await web.close();
    await page.getByText(/^no news since \d\d:\d\d/).waitFor();
    expect(await page.locator("html.silent").count()).toBe(1);
    await serve(hourBefore(), { listen: [`127.0.0.1:${String(web.port)}`] });
    await page.getByText("● live").waitFor();
    await page.getByText("and this agent agree about").waitFor();
  });

  test("shows everything, filters and reloads itself when scripts are off", async () => {
    const web = await serve(maintenanceHour(), { estates: ESTATES });
    const page = await open(web.url, { javaScriptEnabled: false });
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toContain(
      "which is in maintenance, since 2026-11-22 11:58 UTC.",
    );
    expect(await page.locator('meta[http-equiv="refresh"]').count()).toBe(1);
    await page.getByLabel("Server", { exact: true }).selectOption("ex03");
    await page.getByRole("button", { name: "Show" }).click();
    expect(new URL(page.url()).searchParams.get("server")).toBe("ex03");
    expect(await page.locator("a.t[href^='/member']").count()).toBe(2);
    await page.getByRole("link", { name: "Show all" }).click();
    await page.getByRole("link", { name: /ex02 port 143/ }).click();
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toContain("ex02 IMAP (143)");
  });

  test("applies filters at once and puts them in the address", async () => {
    const web = await serve(maintenanceHour());
    const page = await open(web.url);
    await page.getByLabel("Verdict", { exact: true }).selectOption("maintenance_expected");
    await page.waitForURL("**/?verdict=maintenance_expected");
    expect(await page.locator("a.t[href^='/member']").count()).toBe(1);
    expect(await page.locator("article.card").count()).toBe(0);
    const again = await open(page.url());
    expect(await again.getByLabel("Verdict", { exact: true }).inputValue()).toBe(
      "maintenance_expected",
    );
  });

  test("copies a command with one click", async () => {
    const web = await serve(maintenanceHour(), { estates: ESTATES });
    const page = await open(web.url, { permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("button", { name: /^Copy: disable/ }).click();
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "disable server ex02 60 -graceFul YES",
    );
  });

  test("cuts nothing off at 390, 1280 or 2560 pixels", async () => {
    // A narrow screen first: that is how such a page is opened. The others are the same page, made wider.
    const widths = [390, 1280, 2560];
    const atEach = async (url: string, measure: string): Promise<readonly unknown[]> => {
      const page = await open(url, { viewport: { width: 390, height: 844 } });
      const found: unknown[] = [];
      for (const width of widths) {
        await page.setViewportSize({ width, height: 844 });
        found.push(await page.evaluate(`[innerWidth, ${measure}]`));
      }
      return found;
    };
    const nothing = widths.map((width) => [width, 0]);
    const overflow = "document.documentElement.scrollWidth - innerWidth";
    const web = await serve(maintenanceHour(), { estates: ESTATES, token: () => "t" });
    for (const path of ["/", MEMBER, "/vserver?adc=prod&vserver=v_owa", "/maintenance", "/?wall"]) {
      expect([path, await atEach(web.url + path, overflow)]).toEqual([path, nothing]);
    }
    const hour = maintenanceHour();
    const leaving = { adcOpinion: "leaving", verdict: "drained_undeclared" } as const;
    const members = hour.members.map((one) =>
      one.server === "ex02" ? { ...one, ...leaving, replica: "unknown" as const } : one,
    );
    const long = await serve({ ...hour, members });
    const outside = "[...document.querySelectorAll('.card, .card *')].filter((one) => {";
    const isCut = "return one.getBoundingClientRect().right > innerWidth - 8; }).length";
    expect(await atEach(long.url, `${outside} ${isCut}`)).toEqual(nothing);
    const large = await serve(aLargeEstate({ members: 2_000, monitors: 1 }));
    expect(await atEach(large.url, overflow)).toEqual(nothing);
  });

  test("shows a member's timeline, runs, monitors and what these cannot see", async () => {
    const web = await serve(maintenanceHour(), { estates: ESTATES });
    const page = await open(web.url + MEMBER);
    for (const name of ["Opinions", "Last 24 hours", "Probes", "Monitors as configured"]) {
      expect(await page.getByRole("heading", { name }).count()).toBe(1);
    }
    await page.getByText("As a table").waitFor();
    expect(await page.locator(".beats .lane > span").allInnerTexts()).toEqual([
      "ADC",
      "Replica",
      "Service",
      "Verdict",
      "",
    ]);
    expect(
      await page.getByRole("link", { name: "Probe now" }).first().getAttribute("href"),
    ).toContain("/probe?target=prod%2Fsvc_imap%2Fex02%3A143&monitor=tcp");
    expect(await page.getByText("Only a TCP handshake decides").count()).toBe(1);
    const lost = await open(`${web.url}/?server=ex02`);
    expect(await lost.locator("a.t[href^='/member']").count()).toBe(2);
  });

  test("declares and ends a window, with the token kept in the tab only", async () => {
    const clock = { now: NOON };
    const declarations = await realDeclarations(clock);
    const report = (server: string) => Promise.resolve({ server, ok: true, checks: [] });
    const maintenance = { ...declarations, preflight: report, verify: report };
    const web = await serve(maintenanceHour(), {
      actions: { ...IDLE_ACTIONS, maintenance },
      token: () => "s3cret",
    });
    const page = await open(`${web.url}/maintenance`);
    await page.locator("input[name=servers]").fill("ex02");
    await page.getByLabel("Why", { exact: true }).fill("CU15");
    await page.locator("form.stack [data-token]").fill("s3cret");
    await page.getByRole("button", { name: "Declare" }).click();
    await page.getByText("Declared: ex02.").waitFor();
    expect(declarations.list()).toMatchObject([
      { name: "ex02", servers: ["ex02"], reason: "CU15", endAt: NOON + 7_200_000 },
    ]);
    expect(
      await page.getByRole("list", { name: "Steps" }).getByRole("listitem").allInnerTexts(),
    ).toEqual([
      expect.stringMatching(/^✔\s*preflight/),
      expect.stringMatching(/^✔\s*drained/),
      expect.stringMatching(/^✔\s*in maintenance/),
      expect.stringMatching(/^○\s*good again[^]*1 of 2 services of it work/),
      expect.stringMatching(/^○\s*returned/),
    ]);
    clock.now += 60_000;
    await page.getByRole("button", { name: "End ex02 now" }).click();
    await page.getByText("Ended: ex02.").waitFor();
    expect(declarations.list()).toMatchObject([{ name: "ex02", state: "over" }]);
    expect(await page.context().cookies()).toEqual([]);
    expect(await page.content()).not.toContain("s3cret");
    const stranger = await web.get("/maintenance?server=nosuch");
    expect([stranger.status, stranger.text.includes("No ADC has a member on nosuch")]).toEqual([
      404,
      true,
    ]);
  });

  test("shows five hundred members at once", async () => {
    const web = await serve(aLargeEstate({ members: 500, monitors: 2 }));
    const page = await open(web.url);
    expect(await page.locator("a.t[href^='/member']").count()).toBe(500);
    await page.getByText("● live").waitFor();
  });

  test("shows names from outside as text and nothing else", async () => {
    const server = `<img src=x onerror="document.title='owned'">`;
    const member = aMember({
      server,
      vservers: [`"><script>alert(1)</script>`],
      adcLastResponse: server,
      verdict: "blind_monitor",
      mismatch: true,
    });
    const web = await serve(aLiveState({ members: [member] }), { estates: ESTATES });
    const page = await open(web.url);
    await page.getByText("● live").waitFor();
    expect(await page.locator("img, main script").count()).toBe(0);
    expect(await page.title()).toBe("✖ 1 wrong · adc-witness dc1");
    await page
      .getByRole("link", { name: /port 143/ })
      .first()
      .click();
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toContain(server);
  });
});
