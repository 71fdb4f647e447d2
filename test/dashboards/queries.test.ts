import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DASHBOARDS } from "../../dashboards/build.ts";
import { ANNOTATIONS, renderDashboard } from "../../dashboards/dashboard.ts";
import { toneOf } from "../../dashboards/tones.ts";
import type { LiveState } from "../../src/model/live.ts";
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

/** What the scenario's truth is, in panels that people count by: nothing of it twice, though two agents say it. */
const MEANINGS: ReadonlyMap<string, Readonly<Record<string, number>>> = meanings();

function meanings(): ReadonlyMap<string, Readonly<Record<string, number>>> {
  const { members, vservers } = scenario();
  const count = (holds: (member: LiveState["members"][number]) => boolean): number =>
    members.filter(holds).length;
  const wrong = count(({ mismatch }) => mismatch);
  const leaks = count(({ verdict }) => verdict === "routes_to_maintenance");
  const ofEstate = (title: string, ...values: readonly number[]) =>
    values.map(
      (value, index) =>
        [`estate: ${title} ${String.fromCharCode(65 + index)}`, { "": value }] as const,
    );
  const hour = (title: string, ...values: readonly number[]) =>
    values.map(
      (value, index) =>
        [`maintenance-hour: ${title} ${String.fromCharCode(65 + index)}`, { "": value }] as const,
    );
  return new Map<string, Readonly<Record<string, number>>>([
    ...ofEstate("Members the ADC is wrong about", wrong, members.length),
    ...ofEstate("Vservers the ADC is wrong about", vservers.length, vservers.length),
    ...ofEstate("Clients sent into maintenance", leaks),
    ...ofEstate(
      "Members in maintenance",
      count(
        ({ maintenance: { declared, adc, detected } }) => declared === "open" || adc || detected,
      ),
    ),
    ...ofEstate("ADCs that respond", 1),
    [
      "estate: Capacity on the ADC and real capacity A",
      Object.fromEntries(
        vservers.flatMap(({ vserver, members: { configured, adcUp, reallyUp } }) => [
          [`of="configured",vserver="${vserver}"`, configured],
          [`of="adc_up",vserver="${vserver}"`, adcUp],
          [`of="really_up",vserver="${vserver}"`, reallyUp],
        ]),
      ),
    ],
    ...hour(
      "Still UP on the ADC",
      count(({ adcOpinion }) => adcOpinion === "up"),
      members.length,
    ),
    ...hour(
      "Remaining connections",
      members.reduce((sum, { connections }) => sum + (connections ?? 0), 0),
    ),
    ...hour("Leak: in maintenance, still gets clients", leaks, members.length),
    ...hour(
      "Working members",
      count(({ service }) => service === "up"),
      members.length,
    ),
    ...hour(
      "Ready to return",
      count(({ readyToReturn }) => readyToReturn),
      members.length,
    ),
    [
      "estate: Server and service A",
      worst(members, ({ adcService, server }) => `adc_service="${adcService}",server="${server}"`),
    ],
    [
      "maintenance-hour: Verdicts A",
      worst(
        members,
        ({ adc, adcService, server, port }) =>
          `adc="${adc}",adc_service="${adcService}",port="${String(port)}",server="${server}"`,
      ),
    ],
    [
      "vserver: Verdict on the vserver A",
      worst(vservers, ({ adc, vserver }) => `adc="${adc}",vserver="${vserver}"`),
    ],
    ["agent: Suspended accounts A", { "": 0 }],
    ["agent: Cut off A", { "": 0 }],
    ["agent: Configuration loaded A", { "": 1 }],
  ]);
}

/** The number of the worst verdict behind each set of labels. */
function worst<Row extends { readonly verdict: Verdict }>(
  rows: readonly Row[],
  labelsOf: (row: Row) => string,
): Readonly<Record<string, number>> {
  const numbers = new Map<string, number>();
  for (const row of rows) {
    const labels = labelsOf(row);
    numbers.set(labels, Math.max(numbers.get(labels) ?? 0, TONE_NUMBERS[toneOf(row.verdict)]));
  }
  return Object.fromEntries(numbers);
}

/** A query as the dashboard asks it with everything chosen. */
function concrete(expr: string): string {
  return expr
    .replaceAll("$__rate_interval", "1m")
    .replaceAll(/\$(job|instance|adc|vserver|server)\b/g, ".+");
}

/** Values by labels. */
function answerOf(found: readonly Sample[]): Readonly<Record<string, number>> {
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

describe.skipIf(missing("prometheus", "prometheus") !== null)("in a real Prometheus", () => {
  let exporter: Server;
  let metrics: Metrics;
  let prometheus: RealServer;

  beforeAll(async () => {
    const live = scenario();
    metrics = createMetrics({ version: "0.1.0", revision: "test", phases: true });
    exporter = createServer((_request, response) => {
      record(metrics, live);
      response.setHeader("content-type", "text/plain; version=0.0.4");
      void metrics.render(live, "text").then((chunks) => {
        response.end(Buffer.concat(chunks));
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

  test.each(queries)("%s returns data", async (name, expr) => {
    const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
    // A busy machine may miss a scrape now and then, and series are stale until the next one.
    const found = await until(
      "there is data",
      () => ask(url, concrete(expr)),
      (each) => each.length > 0,
      30_000,
    );
    const meant = MEANINGS.get(name);
    if (meant !== undefined) {
      expect(answerOf(found)).toEqual(meant);
    }
  });

  test("every meaning is that of a query there is", () => {
    const names = queries.map(([name]) => name);
    expect([...MEANINGS.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });

  test("maintenance windows and verdict changes are drawn over the panels", async () => {
    const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
    const of = (name: string): string =>
      concrete(ANNOTATIONS.find((each) => each.name === name)?.expr ?? "");
    const windows = await ask(url, of("Maintenance windows"));
    expect(windows.map(({ metric }) => metric["server"])).toEqual(["ex03"]);
    const changes = await ask(url, of("Verdict changes"));
    const members = scenario().members;
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

  test("the maintenance hour opens with a server that is in maintenance", async () => {
    const { templating } = renderDashboard(DASHBOARDS.get("maintenance-hour") ?? expect.fail()) as {
      templating: { list: { name: string; query: { query: string }; sort: number }[] };
    };
    const variable = templating.list.find(({ name }) => name === "server");
    const query = /^query_result\((.*)\)$/.exec(variable?.query.query ?? "")?.[1] ?? "";
    const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
    const servers = (await ask(url, concrete(query))).map(({ metric }) => metric["server"]);
    expect(new Set(servers.slice(0, 2))).toEqual(new Set(["ex02", "ex03"]));
    expect(servers.slice(2)).toEqual(["ex01"]);
  });

  test("the leak and the way back are on the maintenance dashboard", async () => {
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
      (numbers) => numbers.join() === "1,0,0,2",
      30_000,
    );
  });
});

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
