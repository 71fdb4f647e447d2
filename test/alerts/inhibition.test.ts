import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ALERT_GROUPS } from "../../alerts/build.ts";
import { missing, put, startServer } from "../support/real-servers.ts";

const EXAMPLE = join(import.meta.dirname, "..", "..", "alerts", "alertmanager.example.yml");
const alerts = ALERT_GROUPS.flatMap((group) => group.alerts);

const LAST = {
  alertname: "AdcWitnessLastReallyGoodMember",
  adc: "prod",
  vserver: "v",
  severity: "critical",
};

/** Posts alerts to a real Alertmanager with our inhibit rules, and gives the names that reach the webhook. */
async function notified(posted: readonly Record<string, string>[]): Promise<string[]> {
  const received = new Set<string>();
  const webhook = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { alerts: told } = JSON.parse(body) as {
        alerts: { labels: Record<string, string> }[];
      };
      for (const { labels } of told) {
        received.add(labels["alertname"] ?? "");
      }
      response.end();
      webhook.emit("told");
    });
  });
  webhook.listen(0, "127.0.0.1");
  await once(webhook, "listening");
  const url = `http://127.0.0.1:${String((webhook.address() as AddressInfo).port)}/`;
  const example = await readFile(EXAMPLE, "utf8");
  const alertmanager = await startServer({
    program: "prometheus-alertmanager",
    ports: ["http"],
    prepare: ({ directory, ports }) => [
      `--config.file=${put(
        directory,
        "alertmanager.yml",
        example
          .replace("http://127.0.0.1:9099/alerts", url)
          .replace("group_wait: 15s", "group_wait: 1s"),
      )}`,
      `--storage.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${String(ports["http"])}`,
      "--cluster.listen-address=",
    ],
  });
  try {
    const api = `http://127.0.0.1:${String(alertmanager.ports["http"])}/api/v2/alerts`;
    const post = async (labels: readonly Record<string, string>[]): Promise<void> => {
      const answer = await fetch(api, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(labels.map((each) => ({ labels: each }))),
      });
      expect(answer.status).toBe(200);
    };
    const deadline = AbortSignal.timeout(50_000);
    const heard = async (enough: () => boolean): Promise<void> => {
      while (!enough()) {
        await once(webhook, "told", { signal: deadline });
      }
    };
    await post(posted);
    await heard(() => received.size > 0);
    // Sent only now, in a group of its own: when it comes, everything that was posted before has had its time.
    await post([LAST]);
    await heard(() => received.has(LAST.alertname));
    return [...received].sort();
  } finally {
    await alertmanager.stop();
    webhook.close();
  }
}

describe.skipIf(missing("prometheus-alertmanager", "prometheus-alertmanager") !== null)(
  "inhibit rules in a real Alertmanager",
  () => {
    const ON_EX02 = { adc: "prod", server: "ex02", instance: "witness1:9743" };
    const DECLARED = { alertname: "AdcWitnessMaintenanceDeclared", severity: "none", ...ON_EX02 };

    test("suppress what a declared window explains, and never clients sent to the server", async () => {
      const everything = alerts
        .filter(
          ({ name }) => name.startsWith("AdcWitnessAdc") && name !== "AdcWitnessAdcUnreachable",
        )
        .map(({ name, severity }) => ({ alertname: name, severity, ...ON_EX02 }));
      expect(await notified([DECLARED, ...everything])).toEqual([
        "AdcWitnessAdcBlindMonitor",
        "AdcWitnessAdcFalseUp",
        "AdcWitnessAdcFlapping",
        "AdcWitnessAdcImportFailed",
        "AdcWitnessAdcRoutesToMaintenance",
        "AdcWitnessLastReallyGoodMember",
      ]);
    });

    test("suppress the consequences of an alerted cause", async () => {
      const one = (alertname: string, labels: Readonly<Record<string, string>>) => ({
        alertname: `AdcWitness${alertname}`,
        severity: "critical",
        ...ON_EX02,
        ...labels,
      });
      const member = { adc_service: "svc_imap", port: "993" };
      const served = (server: string) =>
        one("VipServedByDrainedServer", { vserver: server, server });
      expect(
        await notified([
          one("AdcRoutesToMaintenance", member),
          served("ex02"),
          one("MaintenanceOverrun", member),
          one("MaintenanceOverrunLong", member),
          one("CertificateExpiresSoon", { sha256: "ab" }),
          one("CertificateAlmostExpired", { sha256: "ab" }),
          one("AgentCutOff", {}),
          one("AdcUnreachable", {}),
        ]),
      ).toEqual(
        [
          "AdcRoutesToMaintenance",
          "AgentCutOff",
          "CertificateAlmostExpired",
          "LastReallyGoodMember",
          "MaintenanceOverrunLong",
        ].map((name) => `AdcWitness${name}`),
      );
      expect(await notified([one("AdcRoutesToMaintenance", member), served("ex03")])).toContain(
        "AdcWitnessVipServedByDrainedServer",
      );
    });

    test("suppress nothing of another server", async () => {
      const other = {
        alertname: "AdcWitnessAdcFalseDown",
        severity: "warning",
        ...ON_EX02,
        server: "ex03",
      };
      expect(await notified([DECLARED, other])).toEqual([
        "AdcWitnessAdcFalseDown",
        "AdcWitnessLastReallyGoodMember",
      ]);
    });
  },
);

test("inhibit rules › name only existing alerts", async () => {
  const { inhibit_rules: rules } = parse(await readFile(EXAMPLE, "utf8")) as {
    inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
  };
  const named = rules.flatMap(({ source_matchers: source, target_matchers: target }) =>
    [...source, ...target].flatMap((matcher) => (/"(.*)"/.exec(matcher)?.[1] ?? "").split("|")),
  );
  const known = alerts.map(({ name }) => name);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});
