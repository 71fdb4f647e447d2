import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { expect, test } from "vitest";
import { tokenFileOf } from "../../src/cli/lab-config.ts";
import { packageRoot } from "../../src/cli/package-info.ts";
import { mismatchesIn, failuresIn, type BuiltAgent } from "../support/built-agent.ts";
import { until } from "../support/lab-agent.ts";
import { allAgree, withWatchedLab } from "./watched-lab.ts";

const RELOADS = 50;
/** After so many of them what is kept once and for all (compiled code, series) is there. */
const WARM_AFTER = 14;
/** Smaller than anything that a reload could leak each time. */
const HEAP_PER_RELOAD_BYTES = 60_000;

/** Told by the agent itself when it is sent SIGUSR2, after a collection of garbage. */
interface Inside {
  readonly generations: number;
  readonly heapBytes: number;
  readonly timers: number;
}

const TELLER = `
import { queryObjects } from "node:v8";
const found = import(${JSON.stringify(built("agent/agent-run.js"))});
process.on("SIGUSR2", async () => {
  const { AgentRun } = await found;
  const told = {
    generations: queryObjects(AgentRun, { format: "count" }),
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
  gc();
  console.log(JSON.stringify({ inside: { ...told, heapBytes: process.memoryUsage().heapUsed } }));
});
`;

function built(path: string): string {
  return pathToFileURL(join(packageRoot(), "dist", "src", path)).href;
}

async function inside(agent: BuiltAgent): Promise<Inside> {
  const said = agent.lines.length;
  agent.signal("SIGUSR2");
  const line = await until(
    "the agent tells of itself",
    () => agent.lines.slice(said).find((each) => each.startsWith('{"inside"')) ?? "",
    (found) => found !== "",
    60_000,
  );
  return (JSON.parse(line) as { inside: Inside }).inside;
}

/** For every member its verdict, since when, and the agent's opinions. */
async function memoryOf(agent: BuiltAgent): Promise<string[]> {
  const { rows, vservers } = await agent.verdicts();
  return [
    ...rows.map(
      ({ adc_service: group, server, verdict, since, opinions }) =>
        `${group} ${server} ${verdict} since ${String(since)} replica ${opinions.replica}`,
    ),
    ...vservers.map(
      ({ vserver, verdict, since, reason }) =>
        `${vserver} ${verdict} ${String(since)} ${String(reason)}`,
    ),
  ];
}

async function lastReload(agent: BuiltAgent): Promise<string | undefined> {
  const metrics = await agent.metrics();
  return /adc_witness_config_last_reload_successful (\d)\n/.exec(metrics)?.[1];
}

test(
  "agent › keeps its state and leaks nothing when good and bad files are reloaded fifty times during probes",
  { timeout: 480_000 },
  async () => {
    const preload = `data:text/javascript,${encodeURIComponent(TELLER)}`;
    const timing = "-interval 4 -resptimeout 3 -downTime 4";
    await withWatchedLab(
      { timing, nodeOptions: ["--expose-gc", "--import", preload] },
      async ({ agent, lab, directory, configFile, yaml }) => {
        // So slow that at any moment some probe is waiting for its answer.
        for (const name of ["ex01", "ex02", "ex03"]) {
          await lab.servers.get(name)?.set("all", { kind: "slow", delayMs: 300 });
        }
        await allAgree(agent);
        const written = parse(yaml) as Record<string, unknown> & { maintenance: object };
        const files = {
          good: [
            yaml,
            stringify({ ...written, maintenance: { ...written.maintenance, stability: "90s" } }),
          ],
          bad: ["agent: [", `${yaml}\nadcs: nowhere\n  - broken`],
        };
        const token = (await readFile(tokenFileOf(directory), "utf8")).trim();
        const before = await memoryOf(agent);
        const descriptors = await most(40, () => agent.descriptors());
        const unlike = new Set<string>();
        let first: Inside | null = null;
        const beganAt = performance.now();
        for (let reload = 0; reload < RELOADS; reload += 1) {
          // Good by request, bad by signal, good by signal, bad by request: each can be told from the one before.
          const [kind, by] = (
            [
              ["good", "request"],
              ["bad", "signal"],
              ["good", "signal"],
              ["bad", "request"],
            ] as const
          )[reload % 4] ?? ["good", "request"];
          await writeFile(configFile, files[kind][Math.floor(reload / 4) % 2] ?? "");
          if (by === "request") {
            const { status } = await agent.ask("/-/reload", { method: "POST", token });
            expect(status).toBe(kind === "good" ? 200 : 500);
          } else {
            agent.signal("SIGHUP");
          }
          await until(
            `reload ${String(reload)} has been done`,
            async () => {
              (await memoryOf(agent))
                .filter((each) => !before.includes(each))
                .forEach((each) => unlike.add(each));
              return lastReload(agent);
            },
            (seen) => seen === (kind === "good" ? "1" : "0"),
            30_000,
          );
          if (reload === WARM_AFTER) {
            first = await inside(agent);
          }
        }
        const tookMs = performance.now() - beganAt;
        expect([...unlike]).toEqual([]);
        expect(await memoryOf(agent)).toEqual(before);

        // Probes that were broken off may hold theirs a little longer, and each that is in flight has timers of its own.
        const mostTimers = (first?.timers ?? 0) + 3;
        const last = await until(
          "no earlier generation is left, nor a timer of one",
          () => inside(agent),
          ({ generations, timers }) => generations === 1 && timers <= mostTimers,
          60_000,
        );
        const grownBytes = last.heapBytes - (first?.heapBytes ?? 0);
        process.stderr.write(
          `${String(RELOADS)} reloads in ${(tookMs / 1000).toFixed(1)} s; heap ${String(first?.heapBytes)} → ${String(last.heapBytes)} B; ${JSON.stringify(last)} descriptors ${String(descriptors)}\n`,
        );
        expect(grownBytes).toBeLessThan((RELOADS - WARM_AFTER) * HEAP_PER_RELOAD_BYTES);
        await until(
          "no more descriptors than before",
          () => agent.descriptors(),
          (count) => count <= descriptors + 2,
          20_000,
        );
        await until(
          "every generation but the last has logged out",
          () => lab.nitro.map((server) => server.openSessions()),
          (sessions) => sessions.join() === "1",
          20_000,
        );

        await allAgree(agent);
        const metrics = await agent.metrics();
        expect(mismatchesIn(metrics)).toEqual([]);
        expect(failuresIn(metrics)).toEqual([]);
        expect(await agent.end()).toBe(0);
        expect(lab.nitro.map((server) => server.openSessions())).toEqual([0]);
      },
    );
  },
);

/** The largest of so many looks: probes in flight come and go. */
async function most(looks: number, look: () => Promise<number>): Promise<number> {
  let largest = 0;
  for (let count = 0; count < looks; count += 1) {
    largest = Math.max(largest, await look());
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return largest;
}
