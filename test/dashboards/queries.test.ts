import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { DASHBOARDS } from "../../dashboards/build.ts";
import { renderDashboard } from "../../dashboards/dashboard.ts";
import type { LiveState } from "../../src/model/live.ts";
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
        const scraped = await ask(url, "min(count_over_time(up[5m])) >= 3").catch(() => []);
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

  test.each(queries)("%s returns data", async (_name, expr) => {
    const url = `http://127.0.0.1:${String(prometheus.ports["http"])}`;
    const concrete = expr
      .replaceAll("$__rate_interval", "1m")
      .replaceAll(/\$(job|instance|adc|vserver|server)\b/g, ".+");
    // A busy machine may miss a scrape now and then, and series are stale until the next one.
    await until(
      "there is data",
      () => ask(url, concrete),
      (found) => found.length > 0,
      30_000,
    );
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
    `    static_configs: [{ targets: ["127.0.0.1:${String(port)}"] }]`,
    "",
  ].join("\n");
}

/** An instant query; rejects when Prometheus does not understand it. */
async function ask(url: string, query: string): Promise<{ value: [number, string] }[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query }),
  });
  const answer = (await response.json()) as {
    status: string;
    error?: string;
    data?: { result: { value: [number, string] }[] };
  };
  if (answer.status !== "success" || answer.data === undefined) {
    throw new Error(`${answer.error ?? "no data"}: ${query}`);
  }
  return answer.data.result;
}
