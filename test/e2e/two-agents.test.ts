import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { parseConfig } from "../../src/config/load.ts";
import type { CompareJson } from "../../src/web/api/verdicts.ts";
import {
  configOf,
  startInProcess,
  urlOf,
  verdictsAt,
  type Service,
} from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { missing, type RealServer } from "../support/real-servers.ts";
import { startPrometheus } from "../support/servers/prometheus.ts";

/** What one of several agents has of its own. */
interface OwnPart {
  readonly agent: string;
  readonly shard?: string;
  readonly connectTo?: Readonly<Record<string, string>>;
}

async function startAgent(
  world: { yaml: string; env: Readonly<Record<string, string>>; directory: string },
  { agent, shard, connectTo = {} }: OwnPart,
): Promise<Service> {
  const stateDir = join(world.directory, agent);
  await mkdir(stateDir);
  const written = parse(world.yaml) as Record<string, unknown>;
  const mapped = written["connect_to"] as Record<string, string>;
  const text = stringify({
    ...written,
    agent,
    state_dir: stateDir,
    connect_to: { ...mapped, ...connectTo },
    ...(shard === undefined ? {} : { shard }),
  });
  const source = { file: agent, baseDir: world.directory, env: world.env };
  return startInProcess(await configOf(parseConfig(text, source)));
}

function memberOf(row: CompareJson["rows"][number]): string {
  return [row.adc, row.adc_service, row.server, row.port].join(" ");
}

/** A member by the address that the ns.conf of the lab gives it. */
const IMAP_OF_EX01 = "198.51.100.11:143";

const absent = missing("prometheus", "prometheus");

describe.skipIf(absent !== null)("two agents of one estate in a real Prometheus", () => {
  test("are joined in both-say and one-says series, and a lost or lying agent does not change the other's", async () => {
    await withLab({ scenario: "healthy" }, async ({ lab, ...world }) => {
      const imap = Object.keys(lab.connectTo).find((key) => key === IMAP_OF_EX01) ?? "";
      expect(imap).toBe(IMAP_OF_EX01);
      const dc1 = await startAgent(world, { agent: "dc1" });
      // From dc2 one member's port is closed: it finds the ADC wrong about a member that works.
      const dc2 = await startAgent(world, { agent: "dc2", connectTo: { [imap]: "127.0.0.1:1" } });
      const prometheus = await startPrometheus({
        agents: Object.entries({ dc1, dc2 }).map(([agent, service]) => ({
          url: urlOf(service),
          // Each under the label that its configuration gives it.
          labels: { agent },
        })),
        every: "2s",
      });
      const query = (expression: string) => ask(prometheus, expression);
      try {
        await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
        const ofEx01 = '{adc_service="sg_imap", server="ex01", port="143"}';
        const ofEx02 = '{adc_service="sg_imaps", server="ex02", port="993"}';
        await until(
          "both say of ex02, one says of ex01",
          async () => ({
            both: await query(`adc_witness:member:all_say_mismatch${ofEx02}`),
            divided: await query(`adc_witness:member:only_some_say_mismatch${ofEx01}`),
          }),
          ({ both, divided }) => both[0]?.value === 1 && divided[0]?.value === 1,
          180_000,
        );
        // Rules are evaluated one after another: what follows may be a moment behind what was waited for.
        for (const [record, one, two] of [
          ["agents_saying_mismatch", 1, 2],
          ["agents_knowing", 2, 2],
          ["agents_agreement_ratio", 0, 1],
          ["all_say_mismatch", 0, 1],
          ["only_some_say_mismatch", 1, 0],
        ] as const) {
          await until(
            `${record} of ex01 and ex02`,
            async () => [
              await valuesOf(query, record, ofEx01),
              await valuesOf(query, record, ofEx02),
            ],
            (seen) => JSON.stringify(seen) === JSON.stringify([[one], [two]]),
            60_000,
          );
        }

        // Alerts are per agent: a false one has the name of the agent that raised it, and no other's.
        const whoSays = (alert: string, selector: string) => agentsSaying(query, alert, selector);
        await until(
          "the alerts fire",
          async () => [
            await whoSays("AdcWitnessAdcFalseUp", ofEx01),
            await whoSays("AdcWitnessAdcRoutesToMaintenance", ofEx02),
          ],
          (seen) => JSON.stringify(seen) === JSON.stringify([["dc2"], ["dc1", "dc2"]]),
          90_000,
        );

        // One agent is lost: the other's alerts go on firing, and an alert reports the loss.
        await dc1.stop();
        await until(
          "dc1 is missed",
          () => query('ALERTS{alertname="AdcWitnessAgentMissing", alertstate="firing"}'),
          (seen) => seen.some(({ metric }) => metric["agent"] === "dc1"),
          90_000,
        );
        await until(
          "dc2 goes on saying it",
          () => whoSays("AdcWitnessAdcRoutesToMaintenance", ofEx02),
          (agents) => agents.includes("dc2"),
          60_000,
        );
        await until(
          "dc2 speaks alone, and nothing is divided",
          async () => ({
            ex02: [
              await valuesOf(query, "agents_knowing", ofEx02),
              await valuesOf(query, "all_say_mismatch", ofEx02),
            ],
            divided: await query("adc_witness:member:only_some_say_mismatch == 1"),
          }),
          ({ ex02, divided }) => JSON.stringify(ex02) === "[[1],[1]]" && divided.length === 0,
          90_000,
        );
      } finally {
        await prometheus.stop();
        await Promise.all([dc1.stop(), dc2.stop()]);
      }
    });
  }, 600_000);
});

test("two agents › divide the estate, each member and vserver once, when each has a shard", async () => {
  await withLab({ scenario: "healthy" }, async (world) => {
    const agents = await Promise.all([
      startAgent(world, { agent: "whole" }),
      startAgent(world, { agent: "part-0", shard: "0/2" }),
      startAgent(world, { agent: "part-1", shard: "1/2" }),
    ]);
    try {
      const [all, ...shares] = await Promise.all(
        agents.map((service) =>
          until(
            "an estate is imported and judged",
            () => verdictsAt(urlOf(service)),
            ({ rows }) => rows.length > 0 && rows.every(({ verdict }) => verdict === "agree_up"),
            240_000,
          ),
        ),
      );
      expect(shares.map(({ rows }) => rows.length > 0)).toEqual([true, true]);
      expect(shares.flatMap(({ rows }) => rows.map(memberOf)).sort()).toEqual(
        all?.rows.map(memberOf).sort(),
      );
      const names = (one: CompareJson | undefined): string[] =>
        (one?.vservers ?? []).map(({ vserver }) => vserver);
      expect(shares.flatMap(names).sort()).toEqual(names(all).sort());
    } finally {
      await Promise.all(agents.map((service) => service.stop()));
    }
  });
}, 400_000);

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}
type Query = (expression: string) => Promise<readonly Sample[]>;

async function ask(prometheus: RealServer, expression: string): Promise<readonly Sample[]> {
  const url = `http://127.0.0.1:${String(prometheus.ports["http"])}/api/v1/query?query=${encodeURIComponent(expression)}`;
  const answer = (await (await fetch(url)).json()) as {
    data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return (answer.data?.result ?? []).map(({ metric, value }) => ({
    metric,
    value: Number(value[1]),
  }));
}

async function valuesOf(query: Query, record: string, selector: string): Promise<number[]> {
  return (await query(`adc_witness:member:${record}${selector}`)).map(({ value }) => value);
}

/** Whose alert of that name fires for a member. */
async function agentsSaying(query: Query, alert: string, selector: string): Promise<string[]> {
  const firing = await query(
    `ALERTS${selector.replace("{", `{alertname="${alert}", alertstate="firing", `)}`,
  );
  return firing.map(({ metric }) => metric["agent"] ?? "").sort();
}
