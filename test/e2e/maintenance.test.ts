import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { runCompare } from "../../src/cli/compare.ts";
import type { CompareJson, MemberRow } from "../../src/web/api/verdicts.ts";
import { until, withLab, withLabAgent } from "../support/lab-agent.ts";
import { debianProgram } from "../support/debian-program.ts";

async function verdicts(url: string): Promise<CompareJson> {
  const response = await fetch(`${url}/api/v1/verdicts`);
  expect(response.status).toBe(200);
  return (await response.json()) as CompareJson;
}

function member(json: CompareJson, adcService: string, server: string): MemberRow {
  const row = json.rows.find((each) => each.adc_service === adcService && each.server === server);
  if (row === undefined) {
    throw new Error(`no row for ${adcService} ${server}`);
  }
  return row;
}

const HTTPS_SERVICES = ["sg_owa", "sg_ews", "sg_mapi", "sg_oab", "sg_ecp", "sg_autodiscover"];

test("maintenance › the hour of maintenance: IMAPS still routed, HTTPS taken out, and back again", async () => {
  await withLabAgent({ scenario: "healthy" }, async ({ lab, url, service }) => {
    await until(
      "all agree",
      () => verdicts(url),
      (json) =>
        json.rows.every((row) => row.verdict === "agree_up") &&
        json.rows.every((row) => row.opinions.replica === "up") &&
        vserversAgree(json),
      120_000,
    );
    await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
    const changedAt = performance.now();
    const json = await until(
      "IMAPS of ex02 routes to maintenance",
      () => verdicts(url),
      (seen) => member(seen, "sg_imaps", "ex02").verdict === "routes_to_maintenance",
      30_000,
    );
    expect(performance.now() - changedAt).toBeLessThan(30_000);
    expect(member(json, "sg_imaps", "ex02")).toMatchObject({
      opinions: { adc: "up", replica: "up" },
      reason: "closed_without_data",
      monitor: expect.stringMatching(/^imap_(greeting|login)$/) as string,
    });
    await until(
      "HTTPS of ex02 is down as expected",
      () => verdicts(url),
      (seen) =>
        HTTPS_SERVICES.every(
          (name) => member(seen, name, "ex02").verdict === "maintenance_expected",
        ),
      60_000,
    );
    await until(
      "its brother agrees",
      () => verdicts(url),
      (seen) => member(seen, "sg_owa", "ex01").verdict === "agree_up",
      30_000,
    );

    await lab.servers.get("ex02")?.set("all", { kind: "healthy" });
    await until(
      "all agree again",
      () => verdicts(url),
      (seen) => seen.rows.every((row) => row.verdict === "agree_up"),
      90_000,
    );
    expect(service.agent.state.members.some((each) => each.mismatchSeconds > 0)).toBe(true);
  });
}, 400_000);

function vserversAgree(json: CompareJson): boolean {
  return json.vservers.every((row) => row.verdict.startsWith("vip_agree"));
}

test("maintenance › metrics pass promtool before and after an OpenMetrics scrape", async () => {
  const promtool = debianProgram("promtool", "prometheus");
  if (promtool === null) {
    return;
  }
  await withLabAgent({ scenario: "healthy" }, async ({ url }) => {
    const scrape = async (accept: string): Promise<string> =>
      (await fetch(`${url}/metrics`, { headers: { accept } })).text();
    const check = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const child = execFile(promtool, ["check", "metrics"], (error, stdout, stderr) => {
          if (error === null) {
            resolve(stdout + stderr);
          } else {
            reject(new Error(stdout + stderr));
          }
        });
        child.stdin?.end(text);
      });
    expect(await check(await scrape("text/plain"))).toBe("");
    expect(await scrape("application/openmetrics-text; version=1.0.0")).toMatch(/# EOF\n$/);
    expect(await check(await scrape("text/plain"))).toBe("");
  });
}, 240_000);

test("maintenance › compare exits 0 before, 2 with the mismatch named while it lasts, and 0 after", async () => {
  await withLab({ scenario: "healthy" }, async ({ lab, configFile }) => {
    const compare = async (json: boolean): Promise<{ status: number; out: string }> => {
      let out = "";
      const status = await runCompare(
        {
          config: configFile,
          server: null,
          waitMs: 0,
          timeoutMs: 50_000,
          strict: false,
          json,
        },
        { out: (text) => (out += text), err: () => undefined },
      );
      return { status, out };
    };
    // A single look at so much takes a busy process its time: what it could not hear it does not know.
    await until(
      "all is well",
      () => compare(false),
      ({ status }) => status === 0,
      90_000,
    );
    await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
    const during = await until(
      "the ADC has taken ex02's HTTPS out, and IMAPS routes to maintenance",
      () => compare(true),
      ({ out }) => {
        const json = JSON.parse(out) as CompareJson;
        return (
          member(json, "sg_owa", "ex02").opinions.adc === "down" &&
          member(json, "sg_imaps", "ex02").verdict === "routes_to_maintenance"
        );
      },
      90_000,
    );
    expect(during.status).toBe(2);
    const words = await compare(false);
    expect(words.out).toMatch(
      /^WITNESS CRITICAL - \d+ of \d+ disagree: .*\| mismatches=\d+ unknown=\d+ '\S+'=\d+(\.\d)?%;;;0;100.*\n/,
    );

    await lab.servers.get("ex02")?.set("all", { kind: "healthy" });
    await until(
      "all is well again",
      () => compare(false),
      ({ status }) => status === 0,
      90_000,
    );
    expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
  });
}, 240_000);
