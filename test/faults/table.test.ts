import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES } from "../../lab/faults/catalogue.ts";
import { startFault, type FaultServer } from "../../lab/faults/start-fault.ts";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import { probeContext } from "../support/probe-context.ts";
import { startBlackbox } from "./blackbox.ts";
import { CASES, type FaultCase } from "./cases.ts";
import { DIFFERENCES, EITHER, PEERS, type Peer } from "./cases/peers.ts";
import { CHECKS, type CheckName } from "./checks.ts";
import { inParallel } from "../support/in-parallel.ts";
import { unheld } from "../../lab/unheld.ts";
import { judgeByHaproxy } from "./haproxy.ts";
import { judgeByPlugin, pluginsInstalled } from "./plugins.ts";
import { judgeDns, type DnsJudged } from "./dns.ts";
import { DNS_CASES } from "./dns-cases.ts";
import { judgeNitro, type NitroJudged } from "./nitro.ts";
import { NITRO_CASES, type NitroCase } from "./nitro-cases.ts";
import { judgeSetUp, SET_UPS, setUpTable } from "./nitro-set-ups.ts";
import { codesTable, DISPENSABLE, refuseEverything } from "./nitro-codes.ts";
import { dnsTable, faultTable, nitroTable, type Row } from "./table.ts";

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
let dnsJudged: readonly DnsJudged[] = [];
let nitroJudged: readonly NitroJudged[] = [];
let codesText = "";

/** Every fault is played for the monitors and for all peers at the same time. */
beforeAll(async () => {
  servers = await startAll();
  const blackbox = await startBlackbox();
  const plugins = pluginsInstalled();
  // What ends well by itself may take its time on a busy machine.
  const asked = CASES.map(({ check, opinion, differences }, at) => ({
    check,
    port: servers[at]?.port ?? 0,
    patience: opinion === "up" ? 10_000 : TIMEOUT_MS,
    differs: differences?.blackbox !== undefined,
  }));
  try {
    const [ours, haproxy] = await Promise.all([
      inParallel(asked, AT_ONCE, async ({ check, port, patience, differs }) => {
        return Promise.all([
          judge(check, port, patience),
          blackbox?.judge(check, port, differs ? TIMEOUT_MS : patience) ?? null,
        ]);
      }),
      judgeByHaproxy(asked),
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
    dnsJudged = await inParallel(DNS_CASES, AT_ONCE, (each) => judgeDns(each, blackbox, plugins));
    nitroJudged = await judgeAllNitro();
  } finally {
    await blackbox?.close();
  }
}, 180_000);
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

function judge(check: CheckName, port: number, timeoutMs: number) {
  const target = { host: "127.0.0.1", port, server: null };
  return unheld(
    () => runMonitor(CHECKS[check], target, probeContext(timeoutMs)),
    ({ observation }) => observation,
  );
}

/** Cases that judge the timeout itself have a short one and run alone, so that nothing else uses this process's time. */
async function judgeAllNitro(): Promise<readonly NitroJudged[]> {
  const found = new Map<NitroCase, NitroJudged>();
  const timed = NITRO_CASES.filter(({ expected }) => expected.codes === "timeout");
  const others = NITRO_CASES.filter((each) => !timed.includes(each));
  await inParallel(others, AT_ONCE, async (each) => {
    found.set(each, await judgeNitro(each.nodes, each.begin, 20_000));
  });
  for (const each of timed) {
    found.set(each, await judgeNitro(each.nodes, each.begin, 500));
  }
  return NITRO_CASES.flatMap((each) => found.get(each) ?? []);
}

async function startAll(): Promise<readonly FaultServer[]> {
  const started: FaultServer[] = [];
  for (const { fault } of CASES) {
    started.push(await startFault(fault, { dripMs: DRIP_MS }));
  }
  return started;
}

test("fault cases › cover every fault of the catalogue", () => {
  const tried = new Set(CASES.map(({ fault }) => fault));
  expect(FAULT_NAMES.filter((fault) => !tried.has(fault))).toEqual([]);
});

describe("monitors at server faults", () => {
  test.each(CASES.map((each, at) => [titleOf(each), each, at] as const))(
    "end as expected: %s",
    (_title, each, at) => {
      const { opinion, outcome, step, reason, differences } = each;
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
        const difference = differences?.[peer];
        if (difference === EITHER) {
          continue;
        }
        const opposite = opinion === "up" ? "down" : "up";
        const expected = difference === undefined ? opinion : opposite;
        expect(peers[peer] ?? expected, peer).toBe(expected);
      }
    },
  );
});

describe("monitors at DNS faults", () => {
  test.each(
    DNS_CASES.map(
      (each, at) => [`${each[0]} at ${each[1]}: ${each[2]}, ${each[5]}`, each, at] as const,
    ),
  )("end as expected: %s", (_title, [, , opinion, outcome, step, reason], at) => {
    const found = dnsJudged[at];
    if (found === undefined) {
      throw new Error("not judged");
    }
    const { seen, everDown, peers } = found;
    expect({
      opinion: found.opinion,
      outcome: seen.outcome,
      step: seen.step,
      reason: seen.reason,
    }).toEqual({ opinion, outcome, step, reason });
    expect(everDown).toBe(opinion === "down");
    for (const peer of PEERS) {
      expect(peers[peer] ?? opinion, peer).toBe(opinion);
    }
  });
});

describe("NITRO poll", () => {
  test.each(NITRO_CASES.map(({ fault, expected }, at) => [fault, expected, at] as const))(
    "ends as expected with fault %s",
    (_fault, expected, at) => {
      expect(nitroJudged[at]).toEqual(expected);
    },
  );
});

describe("NITRO set-up", () => {
  test.each(SET_UPS.map((each) => [each.what, each] as const))(
    "is imported and polled as expected: %s",
    async (_what, setUp) => {
      const { all, ...found } = await judgeSetUp(setUp);
      expect(found).toEqual(setUp.expected);
      expect(all === "").toBe(setUp.expected.said === "");
    },
  );
});

describe("NITRO error codes", () => {
  let codes: Awaited<ReturnType<typeof refuseEverything>> = new Map();
  beforeAll(async () => {
    codes = await refuseEverything();
    codesText = codesTable(codes);
  });

  test("leave a gap in import and poll, which continue, unless the request is essential", () => {
    const ended = [...codes].flatMap(([refusal, outcomes]) =>
      DISPENSABLE.filter((each) => !/^(gap|as empty|gap or as empty)$/.test(outcomes[each])).map(
        (each) => `${String(refusal)} ${each}: ${outcomes[each]}`,
      ),
    );
    expect(ended).toEqual([
      "1028 poll: the rest: secondary",
      "reset poll: the rest: ends",
      "reset poll: connections: ends",
    ]);
  });

  test("prevent an import when an essential request is refused, unless a feature is off or nothing exists", () => {
    const poor = [...codes].filter(([, outcomes]) => outcomes["import: essential"] !== "ends");
    expect(poor.map(([refusal]) => refusal)).toEqual([
      ...[258, 344, 351, 356, 461, 462, 463, 1028, 1067, 1203],
    ]);
  });
});

test("docs/dev/fault-table.md › equals the table of this run", async (context) => {
  const rows = CASES.map((each, at): Row => ({ case: each, peers: judged[at]?.peers ?? NOBODY }));
  if (rows.some(({ peers }) => peers.haproxy === null || peers.plugins === null)) {
    context.skip("not all peers are installed");
  }
  const dns = DNS_CASES.map((each, at) => ({ case: each, peers: dnsJudged[at]?.peers ?? NOBODY }));
  const page = PAGE.replace("{servers}", faultTable(rows))
    .replace("{dns}", dnsTable(dns))
    .replace("{nitro}", nitroTable(NITRO_CASES))
    .replace("{setUps}", setUpTable())
    .replace("{codes}", codesText);
  await expect(page).toMatchFileSnapshot("../../docs/dev/fault-table.md");
});

const PAGE = `# Fault table

Made by \`npx vitest run test/faults/table.test.ts --update\`, and checked by every run of the tests: each fault is run on loopback, and
the agent's monitors and independent checkers probe the same server. See also [reliability.md](reliability.md).

Time-out 1.5 s (2 s for the plugins, which know whole seconds only). A peer's opinion in bold differs from the agent's.

## Servers

{servers}

## DNS

\`dns\` and \`dns-tcp\` are the monitors that query the name server; \`name\` is a member with a domain name instead of an address. The
opinion is the replica's after six probes with three retries. Names that cannot be resolved are a fault of the agent, not of the member.

{dns}

## NITRO

An appliance that was imported and polled successfully once, with a member UP, and then fails at every poll. \`held\`: the last state is
kept for three failed polls. No peer reads an ADC.

{nitro}

Set-ups of an appliance and its configuration: one import, then one poll. Each is also a scenario of the lab
(\`factory-certificate\`, \`cluster\`, \`partition\`, \`redirect\`, \`split-brain\`).

{setUps}

Every code of the vendor's lists, codes on none of them, and responses that are not NITRO, for every class of resource (logins,
roles, and the requests of an import and a poll). \`ends\`: this round has no result; after an overload or a lost session the agent
pauses. \`stopped\`: the password is not sent again. Otherwise the round continues: with a reported \`gap\`, or \`as empty\`, because there
is nothing (for roles: a stand-alone node).

{codes}
`;
const NOBODY: Judged["peers"] = { blackbox: null, haproxy: null, plugins: null };

function titleOf({ fault, check, opinion, step, reason, differences }: FaultCase): string {
  const aside = Object.entries(differences ?? {}).map(
    ([peer, difference]) => `; ${peer} differs: ${DIFFERENCES[difference]}`,
  );
  return `${fault} at ${check}: ${opinion}, ${step} ${reason}${aside.join("")}`;
}
