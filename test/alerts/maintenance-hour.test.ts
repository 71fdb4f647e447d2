import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { runMaintenance } from "../../src/cli/maintenance.ts";
import { loadConfig } from "../../src/config/load.ts";
import { configOf, startInProcess, urlOf, verdictsAt } from "../support/in-process-agent.ts";
import { until, withLab } from "../support/lab-agent.ts";
import { missing, put, startServer, type RealServer } from "../support/real-servers.ts";
import { startPrometheus } from "../support/servers/prometheus.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const absent =
  missing("prometheus", "prometheus") ??
  missing("prometheus-alertmanager", "prometheus-alertmanager");

/** What reached the people. */
interface Told {
  readonly alert: string;
  readonly server: string;
}

describe.skipIf(absent !== null)("with a real Prometheus and Alertmanager", () => {
  test("clients sent into maintenance are told, and what the declared window explains is not", async () => {
    const told: Told[] = [];
    const webhook = await startWebhook((labels) => {
      told.push({
        alert: labels["alertname"] ?? "",
        server: labels["server"] ?? "",
      });
    });
    const alertmanager = await startAlertmanager(webhook.port);
    try {
      await withLab({ scenario: "healthy" }, async ({ lab, directory, configFile }) => {
        const service = await startWitness(configFile, directory);
        const prometheus = await startPrometheus({
          agents: [service],
          every: "1s",
          alertmanagerPort: alertmanager.ports["http"] ?? 0,
        });
        try {
          await until(
            "all agree",
            () => verdictsAt(service.url),
            (seen) =>
              seen.rows.length > 0 && seen.rows.every(({ verdict }) => verdict === "agree_up"),
            60_000,
          );
          let words = "";
          const declared = await runMaintenance(
            {
              config: null,
              url: service.url,
              tokenFile: join(directory, "token"),
              json: false,
              command: {
                kind: "start",
                servers: ["ex02"],
                name: null,
                start: null,
                end: null,
                for: "1h",
                reason: "CU15",
                author: "jo",
                autoEnd: false,
                flexible: false,
              },
            },
            { out: (text) => (words += text), err: (text) => (words += text) },
          );
          expect(words).toMatch(/^WITNESS OK - ex02 declared/);
          expect(declared).toBe(0);
          await lab.servers.get("ex02")?.set("all", { kind: "maintenance" });
          const leak = ({ alert, server }: Told): boolean =>
            alert === "AdcWitnessAdcRoutesToMaintenance" && server === "ex02";
          await until(
            "the leak is told",
            () => told,
            (seen) => seen.some(leak),
            90_000,
          );
          await until(
            "HTTPS of ex02 is down as expected",
            () => verdictsAt(service.url),
            (seen) =>
              seen.rows.some(
                (row) =>
                  row.server === "ex02" &&
                  row.adc_service === "sg_owa" &&
                  row.verdict === "maintenance_expected",
              ),
            90_000,
          );
          // A busy machine may miss a scrape now and then, and alerts are stale until the next one.
          await until(
            "Prometheus knows the window, and of the alerts only the one that it does not explain",
            async () =>
              [...(await firingAlerts(prometheus))].filter((each) => each.endsWith(" ex02")).sort(),
            (firing) =>
              firing.join() ===
              "AdcWitnessAdcRoutesToMaintenance ex02,AdcWitnessMaintenanceDeclared ex02",
            60_000,
          );
          const aboutMembers = new Set(
            told
              .filter(({ server }) => server !== "")
              .map(({ alert, server }) => `${alert} ${server}`),
          );
          expect(aboutMembers).toEqual(new Set(["AdcWitnessAdcRoutesToMaintenance ex02"]));
        } finally {
          await prometheus.stop();
          await service.stop();
        }
      });
    } finally {
      await alertmanager.stop();
      webhook.server.close();
    }
  }, 300_000);
});

async function startWitness(
  configFile: string,
  directory: string,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const written = parse(await readFile(configFile, "utf8")) as Record<string, unknown>;
  written["maintenance"] = { stability: "10s", token_file: "token" };
  await writeFile(join(directory, "token"), "a-token-of-this-test\n");
  await writeFile(configFile, stringify(written));
  const service = await startInProcess(await configOf(loadConfig(configFile, process.env)));
  return { url: urlOf(service), stop: service.stop };
}

async function startWebhook(
  tell: (labels: Readonly<Record<string, string>>) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const message = JSON.parse(body) as {
        alerts: { status: string; labels: Record<string, string> }[];
      };
      for (const alert of message.alerts) {
        if (alert.status === "firing") {
          tell(alert.labels);
        }
      }
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

async function startAlertmanager(webhookPort: number): Promise<RealServer> {
  const example = await readFile(join(ROOT, "alerts", "alertmanager.example.yml"), "utf8");
  const text = example
    .replace("http://127.0.0.1:9099/alerts", `http://127.0.0.1:${String(webhookPort)}/`)
    .replace("group_wait: 15s", "group_wait: 2s")
    .replace("group_interval: 1m", "group_interval: 2s");
  return startServer({
    program: "prometheus-alertmanager",
    ports: ["http"],
    prepare: ({ directory, ports }) => [
      `--config.file=${put(directory, "alertmanager.yml", text)}`,
      `--storage.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
      "--cluster.listen-address=",
    ],
  });
}

async function firingAlerts(prometheus: RealServer): Promise<Set<string>> {
  const url = `http://127.0.0.1:${String(prometheus.ports["http"])}/api/v1/alerts`;
  const { data } = (await (await fetch(url)).json()) as {
    data: { alerts: { state: string; labels: Record<string, string> }[] };
  };
  return new Set(
    data.alerts
      .filter(({ state }) => state === "firing")
      .map(({ labels }) => `${labels["alertname"] ?? ""} ${labels["server"] ?? ""}`),
  );
}
