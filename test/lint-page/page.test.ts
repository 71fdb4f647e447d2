import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { read } from "../../lint-page/read.ts";
import { ROOT } from "../docs/pages.ts";
import { browserMissing, launchBrowser } from "../support/browser.ts";
import { aLiveState } from "../support/live-state.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { contrastFaults } from "../web/contrast.ts";
import { serve } from "../web/support.ts";
import { GUIDE, manyEstates } from "./many-estates.ts";

const PAGE = pathToFileURL(join(ROOT, "dist", "lint-page.html")).href;

describe.skipIf(browserMissing() !== null)("lint page in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  /** The page; any request behind its own file, and any complaint of the browser, fails the test. */
  async function open(url = PAGE, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(50_000);
    const complaints: string[] = [];
    page.on("console", (message) => {
      complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on("request", (request) => {
      const own = request.url() === url || request.url().startsWith("blob:");
      if (!own) {
        complaints.push(`asked for ${request.url()}`);
      }
    });
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    await page.goto(url);
    return page;
  }

  async function choose(page: Page, file: string): Promise<void> {
    await page.setInputFiles("#file", file);
    await page.waitForSelector("html[data-read]");
  }

  test("reads a file from disk: findings by cause, fixes with undo, plan", async () => {
    const page = await open();
    await choose(page, GUIDE);
    const first = page.locator(".cause").first();
    expect(await first.innerText()).toContain("lb_svg_exch2016_smtp_465");
    expect(await first.locator("pre").innerText()).toContain(
      "bind serviceGroup lb_svg_exch2016_smtp -monitorName",
    );
    await page.getByPlaceholder("Rule or object").fill("lb_svg_ntp");
    expect(await page.locator(".cause").count()).toBe(1);
    await page.getByRole("tab", { name: "Plan" }).click();
    // The page's bundle leaves out what speaks to servers, and plans the same.
    const plan = [...read(await readFile(GUIDE, "utf8"))].find(({ kind }) => kind === "plan");
    const shown: unknown = await page.evaluate(
      `[...document.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent))`,
    );
    expect(shown).toEqual(plan?.kind === "plan" ? plan.rows.map(({ cells }) => cells) : []);
    await page.getByPlaceholder("Server, service, vserver, monitor").fill("lb_mon_ex2016_ews");
    expect(await page.locator("tbody tr").count()).toBeGreaterThan(1);
    expect(await page.locator("tbody").innerText()).toContain("GET /ews/healthcheck.htm");
  });

  test("saves and copies the batch of fixes and its undo", async () => {
    const page = await open(PAGE, { permissions: ["clipboard-read", "clipboard-write"] });
    await choose(page, GUIDE);
    await page.getByRole("tab", { name: "Fixes" }).click();
    for (const [name, file] of [
      ["Fixes", "exchange-2016.conf.fixes.txt"],
      ["Undo", "exchange-2016.conf.fixes.undo.txt"],
    ] as const) {
      const section = page.getByRole("region", { name, exact: true });
      const shown = await section.locator("pre").innerText();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        section.getByRole("button", { name: "Save" }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(file);
      expect((await readFile(await download.path(), "utf8")).trim()).toBe(shown.trim());
      await section.getByRole("button", { name: "Copy" }).click();
      await section.getByRole("button", { name: "Copied" }).waitFor();
    }
  });

  test("shows what a file holds and never runs it", async () => {
    const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    const name = `"</pre>${evil.replaceAll('"', "'")}"`;
    const file = join(await temporaryFolder(), "ns.conf");
    await writeFile(
      file,
      [
        `add service ${name} 10.0.0.1 SSL 443 -comment q{${evil}}`,
        `add lb monitor m HTTP -httpRequest q{GET /${evil}}`,
        `bind service ${name} -monitorName m`,
        `add lb vserver "javascript:alert(3)" SSL 10.0.0.2 443`,
        `bind lb vserver "javascript:alert(3)" ${name}`,
      ].join("\n"),
    );
    const page = await open();
    await choose(page, file);
    for (const tab of ["Findings", "Fixes", "Plan"]) {
      await page.getByRole("tab", { name: tab }).click();
    }
    const made = page.locator("main img, main script, main a[href^='javascript']");
    expect(await made.count()).toBe(0);
    expect(await page.locator("main").innerText()).toContain("<img src=x onerror='alert(1)'>");
  });

  test("refuses every way to send data out by its policy", async () => {
    const page = await browser.newPage();
    let calls = 0;
    const server = createServer(() => (calls += 1)).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      await page.close();
      server.close();
    });
    const there = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
    await page.goto(PAGE);
    const out: unknown[] = await page.evaluate(`(async () => {
      const loads = (tag) => new Promise((resolve, reject) => {
        const element = document.createElement(tag);
        element.onload = resolve;
        element.onerror = reject;
        element.src = "${there}";
        document.body.append(element);
      });
      const ways = [fetch("${there}"), loads("img"), loads("script")];
      return (await Promise.allSettled(ways)).map(({ status }) => status);
    })()`);
    expect(out).toEqual(["rejected", "rejected", "rejected"]);
    expect(calls).toBe(0);
  });

  test("refuses a file that is not an ns.conf with a message and lets another be chosen", async () => {
    const page = await open();
    const file = join(await temporaryFolder(), "letter.txt");
    await writeFile(file, "Dear administrator,\n");
    await page.setInputFiles("#file", file);
    await page.getByText("letter.txt: No NetScaler command was found in this file.").waitFor();
    await choose(page, GUIDE);
    await page.getByRole("button", { name: "Another file" }).click();
    await page.getByRole("button", { name: "Paste text" }).click();
    await page.getByLabel("Commands or a captured session").fill("add service s 10.0.0.1 HTTP 80");
    await page.getByRole("button", { name: "Read it" }).click();
    await page.getByText("pasted text", { exact: true }).waitFor();
    expect(await page.locator(".cause").count()).toBe(1);
  });

  test.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
  ] as const)(
    "has AA contrast and nothing wider than the screen in %s at %i",
    async (colorScheme, width) => {
      const page = await open(PAGE, { colorScheme, viewport: { width, height: 900 } });
      const faults = [...(await contrastFaults(page))];
      await page.getByRole("button", { name: "Show an example" }).click();
      await page.waitForSelector("html[data-read]");
      for (const tab of ["Findings", "Fixes", "Plan"]) {
        await page.getByRole("tab", { name: tab }).click();
        faults.push(...(await contrastFaults(page)));
        const wide = await page.evaluate("document.documentElement.scrollWidth");
        expect([tab, wide]).toEqual([tab, width]);
      }
      expect(faults).toEqual([]);
    },
  );

  test("switches tabs by arrow keys", async () => {
    const page = await open();
    await choose(page, GUIDE);
    await page.getByRole("tab", { name: "Findings" }).press("ArrowRight");
    expect(await page.locator("#fixes").isVisible()).toBe(true);
    await page.keyboard.press("ArrowLeft");
    expect(await page.locator("#findings").isVisible()).toBe(true);
  });

  test("shows findings and plan of 20,000 lines and answers meanwhile", async () => {
    const file = join(await temporaryFolder(), "large.conf");
    await writeFile(file, await manyEstates(20_000));
    const page = await open();
    // How often the page has a turn while a worker reads; one that read by itself would have none.
    await page.evaluate(`{
      globalThis.turns = 0;
      const look = () => {
        if (document.documentElement.dataset.read !== undefined) return;
        globalThis.turns += 1;
        setTimeout(look, 10);
      };
      look();
    }`);
    await choose(page, file);
    expect(await page.evaluate("globalThis.turns")).toBeGreaterThan(5);
    expect(Number(await page.getAttribute("html", "data-planned"))).toBeGreaterThan(0);
    expect(await page.locator(".cause").count()).toBeGreaterThan(5);
  });

  test("is served by the agent at /lint, under its own policy", async () => {
    const web = await serve(aLiveState());
    const { status, headers, text } = await web.get("/lint");
    expect(status).toBe(200);
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; worker-src blob:.*frame-ancestors 'none'$/,
    );
    expect(text).toBe(await readFile(join(ROOT, "dist", "lint-page.html"), "utf8"));
    const page = await open(`${web.url}/lint`);
    await choose(page, GUIDE);
    expect(await page.locator(".cause").count()).toBeGreaterThan(5);
  });
});
