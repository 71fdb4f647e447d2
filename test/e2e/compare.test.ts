import { expect, test } from "vitest";
import { runCompare } from "../../src/cli/compare.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import { member } from "../support/compared-world.ts";
import { until, withLab } from "../support/lab-agent.ts";

test("compare › exits with 0 before and after a mismatch, and with 2 naming it while it lasts", async () => {
  await withLab({ scenario: "healthy" }, async ({ lab, configFile }) => {
    const compare = async (json: boolean): Promise<{ status: number; out: string }> => {
      let out = "";
      const status = await runCompare(
        {
          config: configFile,
          // Without the domain controller: to its NTP monitor silence is a pass, which takes ten seconds at the VIP.
          server: "ex*",
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
