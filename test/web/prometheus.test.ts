import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { describe, expect, onTestFinished, test } from "vitest";
import { labCaFile, labCertificateFiles } from "../support/lab-certificate-files.ts";
import { until } from "../support/lab-agent.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { findProgram, missing, put, startServer } from "../support/real-servers.ts";
import { serve } from "./support.ts";
import { readText } from "../support/web-server.ts";

/** How long a busy machine may take to be scraped by a Prometheus that was just started. */
const PATIENCE_MS = 60_000;

describe.skipIf(missing("prometheus", "prometheus") !== null)("real Prometheus", () => {
  test("accepts the web configuration, scrapes over TLS with basic auth, and discovers the probes", async () => {
    const directory = mkdtempSync(join(tmpdir(), "adc-witness-prometheus-"));
    onTestFinished(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const { certificate, key } = labCertificateFiles("mail");
    const configFile = put(
      directory,
      "web-config.yml",
      `tls_server_config:\n  cert_file: ${certificate}\n  key_file: ${key}\nbasic_auth_users:\n  prometheus: ${hashSync("open sesame", 8)}\n`,
    );
    const promtool = findProgram("promtool") ?? expect.fail("promtool comes with prometheus");
    // It throws when promtool refuses the file.
    execFileSync(promtool, ["check", "web-config", configFile], { stdio: "ignore" });
    // By the clock of the hour that is shown, its observations are fresh enough to answer for a probe.
    const web = await serve(maintenanceHour(), { configFile });
    const access =
      `  scheme: https\n  basic_auth: {username: prometheus, password: open sesame}\n` +
      `  tls_config: {ca_file: ${labCaFile()}, server_name: mail.example.com}\n`;
    const prometheus = await startServer({
      program: "prometheus",
      ports: ["web"],
      // The port is open before queries are answered.
      answers: async (ports) =>
        (
          await readText(`http://127.0.0.1:${String(ports["web"])}/-/ready`).catch(() => "")
        ).includes("is Ready"),
      prepare: ({ directory: own, ports }) => {
        const config = put(
          own,
          "prometheus.yml",
          `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n` +
            `- job_name: adc-witness\n${access}  static_configs: [{targets: ["127.0.0.1:${String(web.port)}"]}]\n` +
            `- job_name: probes\n  metrics_path: /probe\n${access}  http_sd_configs:\n` +
            `  - url: ${web.url}/sd/targets\n    refresh_interval: 1s\n` +
            `    basic_auth: {username: prometheus, password: open sesame}\n` +
            `    tls_config: {ca_file: ${labCaFile()}, server_name: mail.example.com}\n` +
            `  relabel_configs:\n` +
            `  - {source_labels: [__address__], target_label: instance}\n` +
            `  - {source_labels: [__meta_adc_witness_monitor, __meta_adc_witness_transaction], separator: "", target_label: probe}\n` +
            `  - {target_label: __address__, replacement: "127.0.0.1:${String(web.port)}"}\n`,
        );
        return [
          `--config.file=${config}`,
          `--storage.tsdb.path=${own}/data`,
          `--web.listen-address=127.0.0.1:${String(ports["web"])}`,
        ];
      },
    });
    onTestFinished(() => prometheus.stop());
    const query = async (expression: string): Promise<readonly Sample[]> => {
      const url = `http://127.0.0.1:${String(prometheus.ports["web"])}/api/v1/query?query=${encodeURIComponent(expression)}`;
      const answer = JSON.parse(await readText(url)) as { data?: { result: readonly Sample[] } };
      return answer.data?.result ?? [];
    };
    await until(
      "the agent is scraped",
      () => query('max_over_time(up{job="adc-witness"}[5m]) == 1'),
      (seen) => seen.length === 1,
      PATIENCE_MS,
    );
    const wrong = await query(
      'last_over_time(adc_witness_verdict{verdict="routes_to_maintenance"}[5m]) == 1',
    );
    expect(wrong.map(({ metric }) => metric)).toMatchObject([
      { adc: "prod", adc_service: "svc_imap", server: "ex02", port: "143", job: "adc-witness" },
    ]);
    const names = await query(
      'count by (__name__) (last_over_time({__name__=~"adc_witness_.+", job="adc-witness"}[5m]))',
    );
    expect(names.length).toBeGreaterThan(30);
    // A busy machine may miss a scrape now and then, which makes a series stale: each has to be scraped once.
    await until(
      "all probes are discovered and scraped",
      () => query('last_over_time(probe_success{job="probes"}[5m])'),
      (seen) => seen.length === 10,
      PATIENCE_MS,
    );
    const failing = await query('last_over_time(probe_failure_info{job="probes"}[5m])');
    expect(
      failing.map(({ metric }) => [metric["instance"], metric["probe"], metric["reason"]]).sort(),
    ).toEqual([
      ["ex02:143", "imap_greeting", "closed_without_data"],
      ["ex02:443", "mon_owa", "reset"],
    ]);
  }, 180_000);
});

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
}
