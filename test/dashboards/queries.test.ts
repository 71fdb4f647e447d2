import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DASHBOARDS } from "../../dashboards/build.ts";
import { ANNOTATIONS, renderDashboard } from "../../dashboards/dashboard.ts";
import { toneOf } from "../../dashboards/tones.ts";
import type { LiveProbe, LiveState } from "../../src/model/live.ts";
import type { Verdict } from "../../src/model/verdicts.ts";
import { createMetrics, type Metrics } from "../../src/exporters/prometheus/metrics.ts";
import {
  aFailure,
  anAdc,
  anObservation,
  aProbe,
  deadSite,
  maintenanceHour,
  tlsFacts,
} from "../support/live-state.ts";
import { until } from "../support/lab-agent.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";

const FROM_OUTSIDE = aProbe({
  id: "outside",
  kind: "transaction",
  vserver: "v_owa",
  adcService: "",
  server: "",
  port: "",
  monitor: "",
  transaction: "https_challenge",
  vantage: "public",
  address: "203.0.113.10",
});

/** The hour of maintenance: ex02 gets clients although it is away, ex03 is out as declared and may come back. */
function scenario(): LiveState {
  const hour = maintenanceHour();
  const now = Date.now();
  const members = hour.members.map((member) =>
    member.server === "ex03"
      ? {
          ...member,
          adcOpinion: "out" as const,
          verdict: "ready_to_return" as const,
          readyToReturn: true,
          maintenance: { declared: "open" as const, adc: true, detected: false },
          connections: 2,
        }
      : { ...member, connections: 9 },
  );
  const servers = hour.servers.map((server) =>
    server.server === "ex03"
      ? {
          ...server,
          maintenance: { declared: true, adc: true, detected: false },
          maintenanceEnd: now + 3_600_000,
        }
      : server,
  );
  return {
    ...hour,
    members,
    servers,
    adcs: [
      anAdc({
        name: "prod",
        up: true,
        lastPollAt: now,
        nodes: [{ node: "ns1", primary: true, reachable: true }],
      }),
    ],
    probes: [...hour.probes, FROM_OUTSIDE],
    vservers: hour.vservers.map((vserver) => ({
      ...vserver,
      clientAddressKept: true,
      certificateDiffers: false,
      oddSchemes: [],
      verdict: "vip_served_by_drained_server",
      mismatch: true,
      gslb: deadSite().gslb ?? null,
      probes: [FROM_OUTSIDE, ...vserver.probes].map((probe) => ({
        ...probe,
        last: anObservation({ tls: tlsFacts() }),
      })),
    })),
  };
}

const TONE_NUMBERS = { agree: 1, maintenance: 2, waiting: 3, wrong: 4 } as const;

const SCENARIO = scenario();
const { members: MEMBERS, vservers: VSERVERS, probes: PROBES } = SCENARIO;
type Numbers = Readonly<Record<string, number>>;

/** What a query must answer. `asked`: the query, put so that no clock decides what the answer is. */
interface Meaning {
  readonly answer: Numbers;
  readonly asked: (expr: string) => string;
}

const asItIs = (answer: Numbers): Meaning => ({ answer, asked: (expr) => expr });
/** How long something has lasted: the instant at which it began. */
const begunAt = (answer: Numbers): Meaning => ({ answer, asked: (expr) => `time() - (${expr})` });
/** A rate: how often for each time that the agent was asked, which is when it records. */
const perScrape = (answer: Numbers): Meaning => ({
  answer,
  asked: (expr) => `(${expr}) / scalar(sum(rate(adc_witness_missed_probes_total[1m])))`,
});
/** Each agent has a line of its own. */
const ofAllAgents = (by: "sum" | "max", { answer, asked }: Meaning): Meaning => ({
  answer,
  asked: (expr) => asked(`${by}(${expr})`),
});

/** What an agent measures of its own process: whatever it is. */
const OF_THE_PROCESS = ["Event loop lag A", "Memory A", "Memory B", "CPU A", "File descriptors A"];

function count(holds: (member: LiveState["members"][number]) => boolean): number {
  return MEMBERS.filter(holds).length;
}

/** The queries of a panel, A first, with one number each. */
function numbers(dashboard: string, title: string, ...values: readonly number[]) {
  return values.map((value, index) => {
    const query = `${dashboard}: ${title} ${String.fromCharCode(65 + index)}`;
    return [query, asItIs({ "": value })] as const;
  });
}

/** Values by labels, as `answerOf` has them. */
function byLabels<Row>(
  rows: readonly Row[],
  labelsOf: (row: Row) => Readonly<Record<string, string | number>>,
  valueOf: (row: Row) => number,
  merged: (one: number, other: number) => number = Math.max,
): Numbers {
  const found = new Map<string, number>();
  for (const row of rows) {
    const labels = Object.entries(labelsOf(row))
      .filter(([, text]) => text !== "")
      .map(([label, text]) => `${label}="${String(text)}"`)
      .sort()
      .join(",");
    const value = valueOf(row);
    found.set(labels, found.has(labels) ? merged(found.get(labels) ?? 0, value) : value);
  }
  return Object.fromEntries(found);
}

type Member = LiveState["members"][number];
const memberLabels = ({ adc, adcService, server, port }: Member) => ({
  adc,
  adc_service: adcService,
  server,
  port,
});
const vserverLabels = ({ adc, vserver }: LiveState["vservers"][number]) => ({ adc, vserver });
const sum = (one: number, other: number): number => one + other;

function countsOfTheEstate() {
  const wrong = count(({ mismatch }) => mismatch);
  return [
    ...numbers("estate", "Members the ADC is wrong about", wrong, MEMBERS.length),
    ...numbers("estate", "Vservers the ADC is wrong about", VSERVERS.length, VSERVERS.length),
    ...numbers(
      "estate",
      "Clients sent into maintenance",
      count(({ verdict }) => verdict === "routes_to_maintenance"),
    ),
    ...numbers(
      "estate",
      "Members in maintenance",
      count(
        ({ maintenance: { declared, adc, detected } }) => declared === "open" || adc || detected,
      ),
    ),
    ...numbers("estate", "ADCs that respond", 1),
    [
      "estate: Capacity on the ADC and real capacity A",
      asItIs(
        Object.fromEntries(
          VSERVERS.flatMap(({ vserver, members: { configured, adcUp, reallyUp } }) => [
            [`of="configured",vserver="${vserver}"`, configured],
            [`of="adc_up",vserver="${vserver}"`, adcUp],
            [`of="really_up",vserver="${vserver}"`, reallyUp],
          ]),
        ),
      ),
    ],
    [
      "estate: Members up on the ADC minus members really up A",
      asItIs(
        byLabels(
          VSERVERS,
          ({ vserver }) => ({ vserver }),
          ({ members: { adcUp, reallyUp } }) => adcUp - reallyUp,
        ),
      ),
    ],
    [
      "estate: Mismatches by verdict A",
      asItIs(
        byLabels(
          MEMBERS.filter(({ mismatch }) => mismatch),
          ({ verdict }) => ({ verdict }),
          () => 1,
          sum,
        ),
      ),
    ],
    [
      "estate: Mismatches by verdict B",
      asItIs(
        byLabels(
          VSERVERS,
          ({ verdict }) => ({ verdict }),
          () => 1,
          sum,
        ),
      ),
    ],
    [
      "estate: Mismatches by vserver A",
      asItIs(
        byLabels(
          MEMBERS,
          ({ adc, vservers: [vserver = ""] }) => ({ adc, vserver }),
          ({ mismatch }) => Number(mismatch),
          sum,
        ),
      ),
    ],
    ["estate: Agents A", ofAllAgents("sum", asItIs({ "": 2 }))],
    [
      "estate: Server and service A",
      asItIs(worst(MEMBERS, ({ adcService, server }) => ({ adc_service: adcService, server }))),
    ],
  ] as const;
}

function countsOfTheHour() {
  const hour = (title: string, ...values: readonly number[]) =>
    numbers("maintenance-hour", title, ...values);
  return [
    ...hour(
      "Still UP on the ADC",
      count(({ adcOpinion }) => adcOpinion === "up"),
      MEMBERS.length,
    ),
    ...hour(
      "Remaining connections",
      MEMBERS.reduce((total, { connections }) => total + (connections ?? 0), 0),
    ),
    ...hour(
      "Leak: in maintenance, still gets clients",
      count(({ verdict }) => verdict === "routes_to_maintenance"),
      MEMBERS.length,
    ),
    ...hour(
      "Working members",
      count(({ service }) => service === "up"),
      MEMBERS.length,
    ),
    ...hour(
      "Ready to return",
      count(({ readyToReturn }) => readyToReturn),
      MEMBERS.length,
    ),
    ["maintenance-hour: Verdicts A", asItIs(worst(MEMBERS, memberLabels))],
    [
      "maintenance-hour: Connections by service A",
      asItIs(
        byLabels(
          MEMBERS,
          ({ adcService, port }) => ({ adc_service: adcService, port }),
          ({ connections }) => connections ?? 0,
          sum,
        ),
      ),
    ],
    [
      "maintenance-hour: Remaining capacity A",
      asItIs(
        byLabels(
          VSERVERS,
          ({ vserver }) => ({ vserver }),
          ({ members }) => members.reallyUp,
        ),
      ),
    ],
  ] as const;
}

function statesAndTimes() {
  const opinions = { A: "adcOpinion", B: "replica", C: "service" } as const;
  const bySource = SCENARIO.servers.flatMap(({ server, maintenance }) =>
    Object.entries(maintenance).flatMap(([source, holds]) => (holds ? [{ server, source }] : [])),
  );
  return [
    [
      "estate: Members the ADC is wrong about, by name A",
      begunAt(
        byLabels(
          MEMBERS.filter(({ mismatch }) => mismatch),
          (member) => ({ ...memberLabels(member), verdict: member.verdict }),
          ({ since }) => (since ?? 0) / 1000,
        ),
      ),
    ],
    [
      "maintenance-hour: Window ends A",
      asItIs(
        byLabels(
          SCENARIO.servers.filter(({ maintenanceEnd }) => maintenanceEnd !== null),
          ({ server }) => ({ server }),
          ({ maintenanceEnd }) => maintenanceEnd ?? 0,
        ),
      ),
    ],
    [
      "maintenance-hour: Maintenance by source A",
      asItIs(
        byLabels(
          bySource,
          (labels) => labels,
          () => 1,
        ),
      ),
    ],
    ...Object.entries(opinions).flatMap(([query, whose]) => {
      const isUp = (member: Member): number => Number(member[whose] === "up");
      return [
        [
          `maintenance-hour: Opinions over time ${query}`,
          asItIs(
            byLabels(
              MEMBERS,
              ({ adcService, server, port }) => ({ adc_service: adcService, server, port }),
              isUp,
            ),
          ),
        ] as const,
        [
          `vserver: Opinions on $server ${query}`,
          asItIs(byLabels(MEMBERS, memberLabels, isUp)),
        ] as const,
      ];
    }),
    [
      "maintenance-hour: VIP responses from this server A",
      perScrape(
        byLabels(
          VSERVERS.flatMap(({ vserver, servedBy }) =>
            [...servedBy].map(([server, times]) => ({ vserver, server, times })),
          ),
          ({ vserver, server }) => ({ vserver, server }),
          // Both agents answer as often as they are asked.
          ({ times }) => times,
        ),
      ),
    ],
  ] as const;
}

function ofVservers() {
  const sites = VSERVERS.flatMap(({ adc, vserver, gslb }) =>
    (gslb?.sites ?? []).map((site) => ({ adc, vserver, ...site })),
  );
  const siteLabels = ({ vserver, site, server, port }: (typeof sites)[number]) => ({
    vserver,
    site: site ?? "",
    server,
    port,
  });
  const atVip = PROBES.filter(({ vserver }) => vserver !== "");
  const seconds = ({ last }: LiveProbe): number => (last?.durationMs ?? 0) / 1000;
  const [aCertificateOf = null] = tlsFacts().chain;
  const one =
    (value: number) =>
    (title: string): readonly [string, Meaning] => [
      `vserver: ${title} A`,
      asItIs(byLabels(VSERVERS, vserverLabels, () => value)),
    ];
  return [
    ["vserver: Verdict on the vserver A", asItIs(worst(VSERVERS, vserverLabels))],
    ["vserver: Verdicts A", asItIs(worst(MEMBERS, memberLabels))],
    one(1)("Client's address kept"),
    one(0)("Certificates differ"),
    one(0)("Login schemes differ"),
    [
      "vserver: Certificate valid for A",
      {
        answer: byLabels(
          VSERVERS,
          ({ vserver }) => ({ vserver }),
          () => (aCertificateOf?.notAfter ?? 0) / 1000,
        ),
        asked: (expr: string) => `time() + 86400 * (${expr})`,
      },
    ],
    [
      "vserver: Public addresses and names A",
      asItIs(
        byLabels(
          sites.flatMap(({ vserver, addressStates }) =>
            (addressStates ?? []).map(({ address, state }) => ({ vserver, address, state })),
          ),
          // The one name that all sites of the scenario are behind.
          ({ vserver, address }) => ({ vserver, address, name: "mail.example.com" }),
          ({ state }) => Number(state === "up"),
        ),
      ),
    ],
    [
      "vserver: Public addresses and VIP A",
      asItIs(byLabels(atVip, ({ vserver, vantage }) => ({ vserver, vantage }), seconds)),
    ],
    [
      "vserver: Sites in DNS and in service A",
      asItIs(byLabels(sites, siteLabels, ({ handedOut }) => Number(handedOut))),
    ],
    [
      "vserver: Sites in DNS and in service B",
      asItIs(
        byLabels(
          sites.filter(({ serves }) => serves !== "unknown"),
          siteLabels,
          ({ serves }) => Number(serves === "up"),
        ),
      ),
    ],
    [
      "vserver: Metric exchange (MEP) A",
      asItIs(
        byLabels(
          sites.filter(({ mep }) => mep !== null),
          ({ adc, site }) => ({ adc, site: site ?? "" }),
          ({ mep }) => Number(mep === "up"),
        ),
      ),
    ],
    [
      "vserver: Last probe through the VIP and at the members A",
      asItIs(
        byLabels(
          atVip,
          ({ vserver, monitor, transaction }) => ({ vserver, monitor, transaction }),
          seconds,
        ),
      ),
    ],
    [
      "vserver: Last probe through the VIP and at the members B",
      asItIs(
        byLabels(
          PROBES.filter(({ vantage }) => vantage === "backend"),
          ({ server, monitor, transaction }) => ({ server, monitor, transaction }),
          seconds,
        ),
      ),
    ],
    [
      "vserver: 95th percentile, VIP against members A",
      // All of them take 12.5 ms, which is in the bucket of 5 to 20 ms.
      asItIs(
        byLabels(
          PROBES,
          ({ vantage }) => ({ vantage }),
          () => 0.005 + 0.95 * 0.015,
        ),
      ),
    ],
    [
      "vserver: Mean by phase A",
      asItIs(
        byLabels(
          Object.entries(anObservation().phases),
          ([phase]) => ({ phase }),
          ([, ms]) => ms / 1000,
        ),
      ),
    ],
    [
      "vserver: VIP responses by server A",
      perScrape(
        byLabels(
          VSERVERS.flatMap(({ servedBy }) => [...servedBy]),
          ([server]) => ({ server }),
          ([, times]) => times,
          sum,
        ),
      ),
    ],
    [
      "vserver: Why probes fail A",
      asItIs(
        byLabels(
          PROBES.filter(({ lastPassed }) => lastPassed === false),
          ({ adc, adcService, last, ...probe }) => ({
            adc,
            adc_service: adcService,
            vserver: probe.vserver,
            server: probe.server,
            port: probe.port,
            monitor: probe.monitor,
            transaction: probe.transaction,
            vantage: probe.vantage,
            step: last?.step ?? "",
            reason: last?.reason ?? "",
          }),
          () => 1,
        ),
      ),
    ],
    ["vserver: Schedule lag of the agent A", asItIs({ "": 0.99 * 0.001 })],
  ] as const;
}

function ofTheAgent() {
  return [
    ...numbers("agent", "Suspended accounts", 0),
    ...numbers("agent", "Cut off", 0),
    ...numbers("agent", "Configuration loaded", 1),
    ["agent: Oldest ADC state A", begunAt({ "": (SCENARIO.adcs[0]?.lastPollAt ?? 0) / 1000 })],
    // A lag of 1 ms is at the upper end of the first bucket.
    ["agent: Schedule lag A", ofAllAgents("max", asItIs({ "": 0.5 * 0.001 }))],
    ["agent: Schedule lag B", ofAllAgents("max", asItIs({ "": 0.99 * 0.001 }))],
    [
      "agent: Probes A",
      perScrape(
        byLabels(
          PROBES,
          ({ vantage }) => ({ vantage }),
          () => RUNS_PER_SCRAPE,
          sum,
        ),
      ),
    ],
    ["agent: Logins A", perScrape({ 'account="probe-a",outcome="accepted"': 1 })],
    ["agent: Missed probes A", ofAllAgents("sum", perScrape({ "": 1 }))],
    ["agent: Failures by reason A", perScrape({ 'reason="refused"': PROBES.length })],
    // 20 ms are in the bucket of 10 to 50 ms.
    [
      "agent: Request duration, 95th percentile A",
      asItIs({ 'adc="prod",node="ns1"': 0.01 + 0.95 * 0.04 }),
    ],
    ["agent: Errors A", perScrape({ 'adc="prod",code="444",node="ns1"': 1 })],
    ["agent: Primary node A", asItIs({ 'adc="prod",node="ns1"': 1 })],
  ] as const;
}

/** The number of the worst verdict behind each set of labels. */
function worst<Row extends { readonly verdict: Verdict }>(
  rows: readonly Row[],
  labelsOf: (row: Row) => Readonly<Record<string, string | number>>,
): Numbers {
  return byLabels(rows, labelsOf, ({ verdict }) => TONE_NUMBERS[toneOf(verdict)]);
}

/** The scenario after so many scrapes: each time every server has answered through the VIP as often as it says. */
function servedTimes(scrapes: number): LiveState {
  const vservers = VSERVERS.map((vserver) => ({
    ...vserver,
    servedBy: new Map([...vserver.servedBy].map(([server, times]) => [server, times * scrapes])),
  }));
  return { ...SCENARIO, vservers };
}

/** A query as the dashboard asks it with everything chosen. */
function concrete(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "1m")
    .replaceAll(/\$(job|instance|adc|vserver|server)\b/g, ".+");
}

/** Values by labels. */
function answerOf(found: readonly Sample[]): Numbers {
  return Object.fromEntries(
    found.map(({ metric, value }) => [
      Object.entries(metric)
        .map(([label, text]) => `${label}="${text}"`)
        .sort()
        .join(","),
      Number(value[1]),
    ]),
  );
}

const RUNS_PER_SCRAPE = 2;

/** To what a division leaves exact. */
function rounded(answer: Numbers): Numbers {
  return Object.fromEntries(
    Object.entries(answer).map(([labels, value]) => [labels, Number(value.toPrecision(9))]),
  );
}

/** What an agent records beside its live state. */
function record(metrics: Metrics, live: LiveState): void {
  metrics.configReloaded(true, Date.now());
  metrics.scheduleLag(0.001);
  metrics.missedProbe();
  metrics.loginEnded("probe-a", "accepted");
  metrics.adcRequest({ adc: "prod", node: "ns1", durationMs: 20, code: null });
  metrics.adcRequest({ adc: "prod", node: "ns1", durationMs: 20, code: 444 });
  for (const probe of live.probes) {
    metrics.probeFinished(probe, anObservation(), true);
    metrics.probeFinished(probe, aFailure("connect", "refused"), false);
  }
}

/** What the scenario's truth is, in every panel: nothing of it twice, though two agents say it. */
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ...countsOfTheEstate(),
  ...countsOfTheHour(),
  ...statesAndTimes(),
  ...ofVservers(),
  ...ofTheAgent(),
]);

describe.skipIf(missing("prometheus", "prometheus") !== null)(
  "dashboard queries in a real Prometheus",
  () => {
    let exporter: Server;
    let metrics: Metrics;
    let prometheus: RealServer;

    beforeAll(async () => {
      metrics = createMetrics({ version: "0.1.0", revision: "test", phases: true });
      let asked = 0;
      // One after the other, so that all of an answer was recorded equally often.
      let last = Promise.resolve();
      exporter = createServer((_request, response) => {
        response.setHeader("content-type", "text/plain; version=0.0.4");
        last = last.then(async () => {
          asked += 1;
          record(metrics, SCENARIO);
          response.end(Buffer.concat(await metrics.render(servedTimes(asked), "text")));
        });
      });
      exporter.listen(0, "127.0.0.1");
      await once(exporter, "listening");
      const { port } = exporter.address() as AddressInfo;
      prometheus = await startServer({
        program: "prometheus",
        ports: ["http"],
        prepare: ({ directory, ports }) => [
          `--config.file=${put(directory, "prometheus.yml", configuration(port))}`,
          `--storage.tsdb.path=${join(directory, "data")}`,
          `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
        ],
        answers: async (ports) => {
          const url = `http://127.0.0.1:${String(ports["http"])}`;
          const scraped = await ask(
            url,
            "min(count_over_time(up[5m])) >= 3 and count(up) == 2",
          ).catch(() => []);
          return scraped.length > 0;
        },
      });
    }, 120_000);
    afterAll(async () => {
      await prometheus.stop();
      exporter.close();
      metrics.close();
    });

    const queries = [...DASHBOARDS].flatMap(([name, dashboard]) => {
      const { panels } = renderDashboard(dashboard) as {
        panels: { title: string; targets?: { expr: string; refId: string }[] }[];
      };
      return panels.flatMap(({ title, targets = [] }) =>
        targets.map(({ expr, refId }): [string, string] => [`${name}: ${title} ${refId}`, expr]),
      );
    });

    test.each(queries)("%s › returns what the scenario holds", async (name, expr) => {
      const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
      const meant = MEANINGS.get(name);
      const query = (meant?.asked ?? String)(concrete(expr));
      // A busy machine may miss a scrape now and then, and series are stale until the next one.
      const found = await until(
        "there is data",
        () => ask(url, query),
        (each) => each.length > 0 && each.every(({ value }) => Number.isFinite(Number(value[1]))),
        30_000,
      );
      if (meant !== undefined) {
        expect(rounded(answerOf(found))).toEqual(rounded(meant.answer));
      }
    });

    test("have an expected answer each, except those of the process", () => {
      const names = queries.map(([name]) => name);
      const own = OF_THE_PROCESS.map((title) => `agent: ${title}`);
      expect([...MEANINGS.keys(), ...own].toSorted()).toEqual(names.toSorted());
    });

    test("draw maintenance windows and verdict changes", async () => {
      const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
      const of = (name: string): string =>
        concrete(ANNOTATIONS.find((each) => each.name === name)?.expr ?? "");
      const windows = await ask(url, of("Maintenance windows"));
      expect(windows.map(({ metric }) => metric["server"])).toEqual(["ex03"]);
      const changes = await ask(url, of("Verdict changes"));
      const members = MEMBERS;
      expect(changes).toHaveLength(members.length);
      for (const { metric, value } of changes) {
        const member = members.find(
          ({ server, adcService, port }) =>
            server === metric["server"] &&
            adcService === metric["adc_service"] &&
            String(port) === metric["port"],
        );
        expect([metric["verdict"], Number(value[1])]).toEqual([member?.verdict, member?.since]);
      }
      expect(await ask(url, of("Alerts"))).toEqual([]);
    });

    test("select a server in maintenance first when the maintenance hour opens", async () => {
      const { templating } = renderDashboard(
        DASHBOARDS.get("maintenance-hour") ?? expect.fail(),
      ) as {
        templating: { list: { name: string; query: { query: string }; sort: number }[] };
      };
      const variable = templating.list.find(({ name }) => name === "server");
      const query = /^query_result\((.*)\)$/.exec(variable?.query.query ?? "")?.[1] ?? "";
      const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
      const servers = (await ask(url, concrete(query))).map(({ metric }) => metric["server"]);
      expect(new Set(servers.slice(0, 2))).toEqual(new Set(["ex02", "ex03"]));
      expect(servers.slice(2)).toEqual(["ex01"]);
    });

    test("show leak and return on the maintenance dashboard", async () => {
      const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
      const of = (title: string): string =>
        (DASHBOARDS.get("maintenance-hour")?.rows ?? [])
          .flatMap(({ panels }) => panels)
          .find((panel) => panel.title === title)?.queries[0]?.expr ?? "";
      const numberOf = async (title: string, server: string): Promise<number> => {
        const expr = of(title)
          .replaceAll("$server", server)
          .replaceAll(/\$(job|instance|adc)\b/g, ".+");
        return Number((await ask(url, expr))[0]?.value[1]);
      };
      await until(
        "all four say so",
        async () => [
          await numberOf("Leak: in maintenance, still gets clients", "ex02"),
          await numberOf("Leak: in maintenance, still gets clients", "ex01"),
          await numberOf("Still UP on the ADC", "ex03"),
          await numberOf("Ready to return", "ex03"),
        ],
        (found) => found.join() === "1,0,0,2",
        30_000,
      );
    });
  },
);

function configuration(port: number): string {
  return [
    "global: { scrape_interval: 1s, scrape_timeout: 1s }",
    "scrape_configs:",
    "  - job_name: adc-witness",
    // Two agents that see the same: what is counted once by one must not be twice by both.
    `    static_configs: [{ targets: ["127.0.0.1:${String(port)}", "localhost:${String(port)}"] }]`,
    "",
  ].join("\n");
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** An instant query; rejects when Prometheus does not understand it. */
async function ask(url: string, query: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query }),
  });
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: Sample[] };
  };
  if (answer.status !== "success" || answer.data === undefined) {
    throw new Error(`${answer.error ?? "no data"}: ${query}`);
  }
  return answer.data.result;
}
