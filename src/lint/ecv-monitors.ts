import { setMonitor } from "./commands.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Monitor } from "../model/monitor.ts";
import { expectsTls, isTlsPort } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** TCP-ECV strings, and TLS that a monitor forgot. */
export const ECV_MONITOR_RULES: readonly Rule[] = [
  { id: "tcp_ecv_empty", severity: "error", find: tcpEcvEmpty },
  { id: "send_too_long", severity: "error", find: sendTooLong },
  { id: "recv_too_long", severity: "error", find: recvTooLong },
  { id: "missing_secure", severity: "error", find: missingSecure },
];

/** NetScaler docs, "Monitoring TCP-based applications": TCP-ECV sends at most 512 bytes and compares at most 128. */
const MAX_SEND_BYTES = 512;
const MAX_RECV_BYTES = 128;

function tcpEcv(context: LintContext): Monitor[] {
  return [...context.estate.monitors.values()].filter(
    (monitor) => monitor.type === "TCP-ECV" && context.usersOf(monitor).length > 0,
  );
}

function tcpEcvEmpty(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(({ parameters }) => (parameters.send ?? "") === "" && (parameters.recv ?? "") === "")
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: `Monitor ${monitor.name} neither sends nor expects anything: it sees no more than a TCP monitor.`,
      fix: setMonitor(monitor, "-recv", "<text of the banner>"),
    }));
}

function sendTooLong(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(({ parameters }) => Buffer.byteLength(parameters.send ?? "") > MAX_SEND_BYTES)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: `Monitor ${monitor.name} sends more than 512 bytes, which TCP-ECV cuts off.`,
      fix: setMonitor(monitor, "-send", "<at most 512 bytes>"),
    }));
}

function recvTooLong(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(({ parameters }) => Buffer.byteLength(parameters.recv ?? "") > MAX_RECV_BYTES)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: `Monitor ${monitor.name} expects more than 128 bytes, which TCP-ECV does not compare.`,
      fix: setMonitor(monitor, "-recv", firstBytes(monitor.parameters.recv ?? "", MAX_RECV_BYTES)),
    }));
}

function firstBytes(text: string, bytes: number): string {
  let kept = "";
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > bytes) {
      break;
    }
    kept += character;
  }
  return kept;
}

const TALKING: ReadonlySet<string> = new Set([
  "HTTP",
  "HTTP-ECV",
  "TCP-ECV",
  "HTTP-INLINE",
  "LDAP",
]);

/** A request in clear text to a TLS port gets an alert, an error page or nothing. */
function missingSecure(context: LintContext): Hit[] {
  return [...context.estate.monitors.values()]
    .filter(({ type, secure }) => TALKING.has(type) && !secure)
    .flatMap((monitor) => {
      const { destPort } = monitor;
      const user = context
        .usersOf(monitor)
        .find(({ service }) => (destPort === null ? expectsTls(service) : isTlsPort(destPort)));
      return user === undefined
        ? []
        : [
            {
              line: monitor.line,
              object: monitor.name,
              message:
                `Monitor ${monitor.name} speaks clear text to ${user.service.name}, ` +
                "whose servers expect TLS there: it fails, or passes for the wrong reason.",
              fix: setMonitor(monitor, "-secure", "YES"),
            },
          ];
    });
}
