import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { member } from "../support/compared-world.ts";
import { until, withLabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";
import { debianProgram } from "../support/debian-program.ts";

async function verdicts(url: string): Promise<CompareJson> {
  const response = await fetch(`${url}/api/v1/verdicts`);
  expect(response.status).toBe(200);
  return (await response.json()) as CompareJson;
}

const HTTPS_SERVICES = ["sg_owa", "sg_ews", "sg_mapi", "sg_oab", "sg_ecp", "sg_autodiscover"];

test("maintenance › reports IMAPS as still routed, HTTPS as taken out, and agreement after the return", async () => {
  const confText = partOfDemo({ groups: ["sg_imaps", ...HTTPS_SERVICES] });
  await withLabAgent({ confText }, async ({ lab, url, service }) => {
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

test("metrics › pass promtool before and after an OpenMetrics scrape", async () => {
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
