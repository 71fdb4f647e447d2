import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES } from "../../lab/faults/catalogue.ts";
import { startFault, type FaultServer } from "../../lab/faults/start-fault.ts";
import { runMonitor } from "../../src/probes/monitors/run-monitor.ts";
import { probeContext } from "../support/probe-context.ts";
import { startBlackbox } from "./blackbox.ts";
import { CASES, DIFFERENCES, PEERS, type FaultCase, type Peer } from "./cases.ts";
import { CHECKS } from "./checks.ts";
import { inParallel } from "./in-parallel.ts";
import { judgeByHaproxy } from "./haproxy.ts";
import { judgeByPlugin, pluginsInstalled } from "./plugins.ts";
import { faultTable, type Row } from "./table.ts";

/** As the time-outs of blackbox_exporter's modules and of HAProxy. */
const TIMEOUT_MS = 1_500;
const DRIP_MS = 100;
/** Most of them wait for silence. */
const AT_ONCE = 12;

type Judged = Awaited<ReturnType<typeof runMonitor>> & {
  readonly peers: Readonly<Record<Peer, "up" | "down" | null>>;
};

/** One for each case. */
let servers: readonly FaultServer[] = [];
let judged: readonly Judged[] = [];

/** Every fault is played for us and for all peers, who judge it while it runs. */
beforeAll(async () => {
  servers = await startAll();
  const blackbox = await startBlackbox();
  const plugins = pluginsInstalled();
  const asked = CASES.map(([, check], at) => ({ check, port: servers[at]?.port ?? 0 }));
  try {
    const [ours, haproxy] = await Promise.all([
      inParallel(asked, AT_ONCE, async ({ check, port }) => {
        const target = { host: "127.0.0.1", port, server: null };
        return Promise.all([
          runMonitor(CHECKS[check], target, probeContext(TIMEOUT_MS)),
          blackbox?.judge(check, port) ?? null,
        ]);
      }),
      judgeByHaproxy(asked, TIMEOUT_MS),
    ]);
    // On their own: starting a process holds this one, which plays the servers.
    const byPlugin = plugins
      ? await inParallel(asked, AT_ONCE, ({ check, port }) => judgeByPlugin(check, port))
      : [];
    judged = ours.map(([own, byBlackbox], at) => ({
      ...own,
      peers: {
        blackbox: byBlackbox,
        haproxy: haproxy?.[at] ?? null,
        plugins: byPlugin[at] ?? null,
      },
    }));
  } finally {
    await blackbox?.close();
  }
}, 180_000);
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

/** Where nobody shall listen, the port is given up last, so that no other server comes to get it. */
async function startAll(): Promise<readonly FaultServer[]> {
  const started = new Map<FaultCase, FaultServer>();
  const refused = CASES.filter(([fault]) => fault === "tcp.refused");
  const others = CASES.filter(([fault]) => fault !== "tcp.refused");
  for (const each of [...others, ...refused]) {
    started.set(each, await startFault(each[0], { dripMs: DRIP_MS }));
  }
  return CASES.flatMap((each) => started.get(each) ?? []);
}

test("every fault of the catalogue is tried", () => {
  const tried = new Set(CASES.map(([fault]) => fault));
  expect(FAULT_NAMES.filter((fault) => !tried.has(fault))).toEqual([]);
});

describe("faults", () => {
  test.each(CASES.map((each, at) => [titleOf(each), each, at] as const))(
    "%s",
    (_title, each, at) => {
      const [, , opinion, outcome, step, reason, differences] = each;
      const found = judged[at];
      if (found === undefined) {
        throw new Error("not judged");
      }
      const { observation, passed, peers } = found;
      expect({ passed, outcome: observation.outcome, step: observation.step }).toEqual({
        passed: opinion === "up",
        outcome,
        step,
      });
      expect(reason.split("|")).toContain(observation.reason);
      for (const peer of PEERS) {
        const opposite = opinion === "up" ? "down" : "up";
        const expected = differences?.[peer] === undefined ? opinion : opposite;
        expect(peers[peer] ?? expected, peer).toBe(expected);
      }
    },
  );
});

test("docs/fault-table.md is the table of this run", async (context) => {
  const rows = CASES.map((each, at): Row => ({ case: each, peers: judged[at]?.peers ?? NOBODY }));
  if (rows.some(({ peers }) => peers.haproxy === null || peers.plugins === null)) {
    context.skip("not all peers are installed");
  }
  await expect(faultTable(rows)).toMatchFileSnapshot("../../docs/fault-table.md");
});

const NOBODY: Judged["peers"] = { blackbox: null, haproxy: null, plugins: null };

function titleOf([fault, check, opinion, , step, reason, differences]: FaultCase): string {
  const aside = Object.entries(differences ?? {}).map(
    ([peer, difference]) => `; ${peer} differs: ${DIFFERENCES[difference]}`,
  );
  return `${fault} at ${check}: ${opinion}, ${step} ${reason}${aside.join("")}`;
}
