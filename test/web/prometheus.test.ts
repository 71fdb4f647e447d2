import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { describe, expect, onTestFinished, test } from "vitest";
import { labCaFile, labCertificateFiles } from "../../lab/certificates/lab-certificate.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { findProgram, missing, put, startServer } from "../support/real-servers.ts";
import { serve } from "./support.ts";
import { until } from "./until.ts";

describe.skipIf(missing("prometheus", "prometheus") !== null)("a real Prometheus", () => {
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
    const web = await serve(maintenanceHour(), { configFile, now: Date.now });
    const access =
      `  scheme: https\n  basic_auth: {username: prometheus, password: open sesame}\n` +
      `  tls_config: {ca_file: ${labCaFile()}, server_name: mail.example.com}\n`;
    const prometheus = await startServer({
      program: "prometheus",
      ports: ["web"],
      // The port is open before queries are answered.
      answers: async (ports) =>
        (await read(`http://127.0.0.1:${String(ports["web"])}/-/ready`).catch(() => "")).includes(
          "is Ready",
        ),
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
      const answer = JSON.parse(await read(url)) as { data?: { result: readonly Sample[] } };
      return answer.data?.result ?? [];
    };
    await until(async () => (await query('up{job="adc-witness"} == 1')).length === 1, 20_000);
    const wrong = await query('adc_witness_verdict{verdict="routes_to_maintenance"} == 1');
    expect(wrong.map(({ metric }) => metric)).toMatchObject([
      { adc: "prod", adc_service: "svc_imap", server: "ex02", port: "143", job: "adc-witness" },
    ]);
    const names = await query(
      'count by (__name__) ({__name__=~"adc_witness_.+", job="adc-witness"})',
    );
    expect(names.length).toBeGreaterThan(30);
    await until(async () => (await query('probe_success{job="probes"}')).length === 10, 20_000);
    const failing = await query('probe_failure_info{job="probes"}');
    expect(
      failing.map(({ metric }) => [metric["instance"], metric["probe"], metric["reason"]]).sort(),
    ).toEqual([
      ["ex02:143", "imap_greeting", "closed_without_data"],
      ["ex02:443", "mon_owa", "reset"],
    ]);
  });
});

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
}

function read(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let text = "";
      response.on("data", (data: Buffer) => (text += data.toString()));
      response.on("end", () => {
        resolve(text);
      });
    }).on("error", reject);
  });
}
