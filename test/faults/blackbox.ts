import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianProgram } from "../support/debian-program.ts";
import { freePorts } from "../support/real-servers.ts";
import type { CheckName } from "./checks.ts";
import { DNS_ADDRESS, DNS_NAME, type DnsCheckName } from "./dns-cases.ts";

/** The same checks in blackbox_exporter's language. Any status may carry an ECV's pattern, as at the ADC. */
const MODULES: Readonly<Record<Exclude<CheckName, "smtp"> | DnsCheckName, string>> = {
  tcp: "{ prober: tcp, timeout: 10s }",
  tcps: "{ prober: tcp, timeout: 10s, tcp: { tls: true, tls_config: { insecure_skip_verify: true } } }",
  http: "{ prober: http, timeout: 10s, http: { valid_status_codes: [200], follow_redirects: false } }",
  "http-ecv":
    '{ prober: http, timeout: 10s, http: { follow_redirects: false, fail_if_body_not_matches_regexp: ["200 OK"] } }',
  "https-ecv":
    '{ prober: http, timeout: 10s, http: { follow_redirects: false, tls_config: { insecure_skip_verify: true }, fail_if_body_not_matches_regexp: ["200 OK"] } }',
  "imap-ecv":
    '{ prober: tcp, timeout: 10s, tcp: { query_response: [{ expect: "IMAP4 service is ready." }] } }',
  "pop3-ecv":
    '{ prober: tcp, timeout: 10s, tcp: { query_response: [{ expect: "\\\\+OK The Microsoft Exchange POP3" }] } }',
  "smtp-ecv": '{ prober: tcp, timeout: 10s, tcp: { query_response: [{ expect: "220 " }] } }',
  dns: dnsModule("udp"),
  "dns-tcp": dnsModule("tcp"),
};

function dnsModule(transport: "udp" | "tcp"): string {
  const answer = `{ fail_if_not_matches_regexp: ["${DNS_ADDRESS}"] }`;
  const dns = `{ transport_protocol: ${transport}, query_name: ${DNS_NAME}, query_type: A, validate_answer_rrs: ${answer} }`;
  return `{ prober: dns, timeout: 10s, dns: ${dns} }`;
}

export interface BlackboxJudge {
  /** Its opinion after so many milliseconds at most, or null where it cannot make this check. */
  readonly judge: (
    check: CheckName | DnsCheckName,
    port: number,
    patience: number,
  ) => Promise<"up" | "down" | null>;
  readonly close: () => Promise<void>;
}

/** A blackbox_exporter on loopback; null where it is not installed. */
export async function startBlackbox(): Promise<BlackboxJudge | null> {
  const program = debianProgram("prometheus-blackbox-exporter", "prometheus-blackbox-exporter");
  if (program === null) {
    return null;
  }
  const directory = await mkdtemp(join(tmpdir(), "adc-witness-blackbox-"));
  const file = join(directory, "blackbox.yml");
  const modules = Object.entries(MODULES).map(([name, module]) => `  ${name}: ${module}\n`);
  await writeFile(file, `modules:\n${modules.join("")}`);
  const { web: port = 0 } = await freePorts(["web"]);
  const child = spawn(
    program,
    [
      `--config.file=${file}`,
      `--web.listen-address=127.0.0.1:${String(port)}`,
      "--timeout-offset=0",
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  const url = `http://127.0.0.1:${String(port)}`;
  const deadline = performance.now() + 60_000;
  while (!(await answers(`${url}/-/healthy`))) {
    if (performance.now() > deadline) {
      throw new Error("blackbox_exporter did not start within 60 s");
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    judge: async (check, targetPort, patience) => {
      if (check === "smtp") {
        return null;
      }
      const path = check === "http" ? "/health" : "/owa/healthcheck.htm";
      const scheme = check === "https-ecv" ? "https://" : check.startsWith("http") ? "http://" : "";
      const target = `${scheme}127.0.0.1:${String(targetPort)}${scheme === "" ? "" : path}`;
      const response = await fetch(
        `${url}/probe?module=${check}&target=${encodeURIComponent(target)}`,
        { headers: { "x-prometheus-scrape-timeout-seconds": String(patience / 1_000) } },
      );
      return (await response.text()).includes("\nprobe_success 1") ? "up" : "down";
    },
    close: async () => {
      const exited = once(child, "exit");
      child.kill();
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
