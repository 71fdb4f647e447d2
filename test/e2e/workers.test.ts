import { expect, test } from "vitest";
import { demoConfig } from "../../src/cli/demo.ts";
import type { Config } from "../../src/config/schema.ts";
import { startInProcess, urlOf, type Service } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { partOfDemo } from "../support/part-of-demo.ts";

const CONF = partOfDemo({ groups: ["sg_imaps", "sg_owa"] });

/** What each probe saw last and what is made of it: everything but times. */
function opinions({ agent }: Service): Record<string, string> {
  const { probes, members, vservers } = agent.state;
  return Object.fromEntries([
    ...probes.map(({ id, last, lastPassed, opinion }) => {
      const chain = last?.tls?.chain.map(({ sha256 }) => sha256.slice(0, 8)) ?? [];
      const seen =
        last === null
          ? "nothing"
          : `${last.outcome} ${last.reason} at ${last.step}, ${String(last.servedBy)}, ${chain.join()}`;
      return [id, `${seen}: ${String(lastPassed)}, ${opinion}`];
    }),
    ...members.map((each) => [
      `${each.adcService}/${each.server}`,
      `${each.verdict}: adc ${each.adcOpinion}, replica ${each.replica}, service ${each.service}`,
    ]),
    ...vservers.map((each) => [each.vserver, `${each.verdict}: ${each.vip}`]),
  ]) as Record<string, string>;
}

/** Through a VIP the ADC chooses who answers: those probes are no matter of threads. */
function atMembers(all: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/\bv(?:ip|_)/.test(name)));
}

async function metric(service: Service, name: string): Promise<number> {
  const text = await (await fetch(`${urlOf(service)}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

test(
  "an estate is seen alike by one thread and by three, and a reload changes from one to the other",
  { timeout: 240_000 },
  async () => {
    await withLab({ confText: CONF }, async ({ lab, directory }) => {
      await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
      const config = await demoConfig(lab, directory);
      let written: Config = { ...config, workers: 1 };
      const service = await startInProcess(written, {
        reread: () => Promise.resolve({ kind: "config", config: written, warnings: [] }),
      });
      try {
        const byOne = await until(
          "ex02 is in maintenance at both its ports, and still routed to at one of them",
          () => atMembers(opinions(service)),
          (seen) =>
            seen["sg_imaps/ex02"]?.startsWith("routes_to_maintenance") === true &&
            seen["sg_owa/ex02"]?.startsWith("maintenance_expected") === true &&
            !Object.values(seen).some((text) =>
              /^(?:nothing|settling|unknown)|unknown$/.test(text),
            ),
          90_000,
        );
        expect(await metric(service, "adc_witness_workers")).toBe(0);

        written = { ...written, workers: 2 };
        expect(await service.reload()).toEqual({ ok: true });
        const reloadedAt = Date.now();
        expect(await metric(service, "adc_witness_workers")).toBe(2);
        await until(
          "every probe has been run anew",
          () =>
            service.agent.state.probes.filter(({ last }) => (last?.startedAt ?? 0) < reloadedAt),
          (waiting) => waiting.length === 0,
          90_000,
        );
        await until(
          "all is seen as before",
          () => differences(byOne, atMembers(opinions(service))),
          (different) => different.length === 0,
          60_000,
        );
        expect(await metric(service, "adc_witness_worker_lag_seconds_count")).toBeGreaterThan(5);
        expect(await metric(service, "adc_witness_worker_failures_total")).toBe(0);

        written = { ...written, workers: 1 };
        expect(await service.reload()).toEqual({ ok: true });
        expect(await metric(service, "adc_witness_workers")).toBe(0);
        // A probe that this busy process held says nothing for a moment; one that was forgotten has nothing to say.
        expect(
          Object.values(atMembers(opinions(service))).filter((text) => /^nothing/.test(text)),
        ).toEqual([]);
        await until(
          "all is seen as before by one thread",
          () => differences(byOne, atMembers(opinions(service))),
          (different) => different.length === 0,
          60_000,
        );
      } finally {
        await service.stop();
      }
      expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
    });
  },
);

function differences(one: Record<string, string>, other: Record<string, string>): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((name) => one[name] !== other[name])
    .map((name) => `${name}: ${String(one[name])} | ${String(other[name])}`);
}
