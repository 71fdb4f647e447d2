import type { Monitor } from "../../../src/model/monitor.ts";
import { runDns, runDnsTcp } from "./dns.ts";
import { runHttp, runHttpEcv } from "./http.ts";
import { runLdap } from "./ldap.ts";
import { runPing } from "./ping.ts";
import { runPop3 } from "./pop3.ts";
import type { MonitorResult, RunMonitor } from "./result.ts";
import { runSmtp } from "./smtp.ts";
import { runTcp } from "./tcp.ts";
import { runTcpEcv } from "./tcp-ecv.ts";
import { runUdpEcv } from "./udp-ecv.ts";

const RUNNERS: ReadonlyMap<string, RunMonitor> = new Map([
  ["PING", runPing],
  ["TCP", runTcp],
  ["HTTP", runHttp],
  ["HTTP-INLINE", runHttp],
  ["HTTP-ECV", runHttpEcv],
  ["TCP-ECV", runTcpEcv],
  ["UDP-ECV", runUdpEcv],
  ["DNS", runDns],
  ["DNS-TCP", runDnsTcp],
  ["SMTP", runSmtp],
  ["POP3", runPop3],
  ["LDAP", runLdap],
]);

const SCRIPTS: ReadonlyMap<string, RunMonitor> = new Map([
  ["nssmtp.pl", runSmtp],
  ["nspop3.pl", runPop3],
  ["nsldap.pl", runLdap],
]);

/** The implementation of this monitor; null: not supported by the lab, and its state stays UNKNOWN. */
export function runnerOf(monitor: Monitor): RunMonitor | null {
  return monitor.type === "USER"
    ? (SCRIPTS.get(monitor.parameters.scriptName ?? "") ?? null)
    : (RUNNERS.get(monitor.type) ?? null);
}

type Outcome = MonitorResult["outcome"];

/** Outcomes that let a `-reverse YES` monitor pass (Citrix support: reverse monitoring); ECV by analogy. */
const REVERSE: ReadonlyMap<string, readonly Outcome[]> = new Map<string, readonly Outcome[]>([
  ["PING", ["timeout"]],
  ["TCP", ["refused"]],
]);

/** Whether a probe counts as a success. */
export function passes(monitor: Monitor, outcome: Outcome): boolean {
  if (!monitor.reverse) {
    return outcome === "match";
  }
  return (REVERSE.get(monitor.type) ?? ["mismatch"]).includes(outcome);
}
