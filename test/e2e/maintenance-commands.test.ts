import { expect, test } from "vitest";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { runMaintenance, type MaintenanceCommand } from "../../src/cli/maintenance.ts";
import { until, withLabAgent } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const START: Extract<MaintenanceCommand, { kind: "start" }> = {
  kind: "start",
  servers: ["ex02"],
  name: null,
  start: null,
  end: null,
  for: "2h",
  reason: "CU15",
  author: "jo",
  autoEnd: false,
  flexible: false,
};

test("maintenance commands › work through preflight, start, verify, end and verify again", async () => {
  const confText = partOfDemo({ groups: ["sg_owa", "sg_imaps"] });
  await withLabAgent({ confText }, async ({ lab, url, directory, service }) => {
    const { state } = service.agent;
    const tokenFile = tokenFileOf(directory);
    const type = async (
      command: MaintenanceCommand,
      token: string | null = tokenFile,
    ): Promise<{ status: number; out: string; err: string }> => {
      let out = "";
      let err = "";
      const status = await runMaintenance(
        { config: null, url, tokenFile: token, json: false, pollEveryMs: 500, command },
        { out: (text) => (out += text), err: (text) => (err += text) },
      );
      return { status, out, err };
    };
    const verify = (want: "drained" | "returned", waitMs: number) =>
      type({ kind: "verify", server: "ex02", want, waitMs });
    const verdictOf = (adcService: string): string =>
      state.members.find((each) => each.adcService === adcService && each.server === "ex02")
        ?.verdict ?? "";
    await until(
      "all is well",
      () => [...state.members, ...state.vservers].map(({ verdict }) => verdict),
      (seen) => seen.every((verdict) => verdict.endsWith("agree_up")),
      90_000,
    );

    const preflight = await type({ kind: "preflight", server: "ex02" });
    expect(preflight).toMatchObject({ status: 0, err: "" });
    expect(preflight.out).toMatch(/^WITNESS OK - ex02 can be taken out \| failed=0 checks=\d+\n/);

    const refused = await type(START, null);
    expect(refused).toMatchObject({ status: 2, out: "" });
    const started = await type(START);
    expect(started).toMatchObject({ status: 0, err: "" });
    // While ex02 is to go, its brothers may not.
    const brother = await type({ kind: "preflight", server: "ex01" });
    expect(brother.status).toBe(2);
    expect(brother.out).toContain("ex02 is open for ex02");

    await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
    await until(
      "IMAPS leaks and HTTPS is out",
      () => [verdictOf("sg_imaps"), verdictOf("sg_owa")].join(),
      (seen) => seen === "routes_to_maintenance,maintenance_expected",
      60_000,
    );
    const drained = await verify("drained", 0);
    expect(drained.status).toBe(2);
    expect(drained.out).toMatch(/^WITNESS CRITICAL - ex02 is not drained yet \|/);
    expect(drained.out).toMatch(/NO +out +sg_imaps \(ex02:993\) is UP on demo\.\n/);
    expect(drained.out).not.toMatch(/sg_owa \(ex02:443\) is UP/);

    // What the administrator should have done: then it is drained, and the command sees it.
    lab.adc.disableServer("ex02");
    const truly = await verify("drained", 60_000);
    expect({ ...truly, err: "" }).toMatchObject({ status: 0 });
    expect(truly.out).toMatch(/^WITNESS OK - ex02 is drained \|/);

    await lab.servers.get("ex02")?.set("all", { kind: "healthy" });
    lab.adc.enableServer("ex02");
    const ended = await type({ kind: "end", name: "ex02", author: "jo" });
    expect(ended).toMatchObject({ status: 0, err: "" });
    const early = await verify("returned", 0);
    expect(early.status).toBe(2);
    const returned = await verify("returned", 150_000);
    expect(returned.out + (returned.status === 0 ? "" : returned.err)).toMatch(
      /^WITNESS OK - ex02 is returned \|/,
    );
    expect(returned.status).toBe(0);
    // It was said all the while what was still missing.
    expect(returned.err).toMatch(/^waiting: /);
    expect((await type({ kind: "list" })).out).toMatch(/^WITNESS OK - 0 of /);
  });
}, 330_000);
