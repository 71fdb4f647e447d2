import { bindMonitor, command, commands, deeperMonitor } from "./commands.ts";
import type { LintContext, LintService } from "./context.ts";
import type { Hit } from "./finding.ts";
import { expectsTls, portsOf, protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";

/** Monitors that prove no more than a living network stack. */
export const SHALLOW_MONITOR_RULES: readonly Rule[] = [
  { id: "ping_only", severity: "warning", find: pingOnly },
  { id: "tcp_only", severity: "warning", find: tcpOnly },
  { id: "tcp_on_tls", severity: "warning", find: tcpOnTls },
  { id: "ssl_bridge_tcp", severity: "warning", find: sslBridge },
  { id: "smtp_banner_only", severity: "warning", find: smtpBannerOnly },
  { id: "udp_without_recv", severity: "warning", find: udpWithoutRecv },
];

const UNSEEN_BY_PING = "a stopped process, a closed port, a hung or refusing application";
const UNSEEN_BY_TCP =
  "a silent port, a connection accepted and closed at once, a missing certificate, a dead back end";

function pingOnly(context: LintContext): Hit[] {
  return context.services
    .filter((one) => portsOf(one.service).length > 0 && decidedBy(one, ["PING"]))
    .map((one) =>
      hit(
        one,
        `${names(one)} only ask whether the machine answers a ping; unseen: ${UNSEEN_BY_PING}.`,
      ),
    );
}

function tcpOnly(context: LintContext): Hit[] {
  return context.services
    .filter((one) => plainTcp(one) && !expectsTls(one.service))
    .map((one) => ({
      ...hit(one, `${names(one)} only complete a TCP handshake; unseen: ${UNSEEN_BY_TCP}.`),
      severity: isApplication(one) ? "warning" : "info",
    }));
}

function tcpOnTls(context: LintContext): Hit[] {
  return context.services
    .filter(
      (one) => plainTcp(one) && expectsTls(one.service) && one.service.serviceType !== "SSL_BRIDGE",
    )
    .map((one) =>
      hit(
        one,
        `${names(one)} complete a TCP handshake but never a TLS one, though the port speaks TLS; ` +
          `unseen: a TLS range that does not meet, ${UNSEEN_BY_TCP}.`,
      ),
    );
}

function sslBridge(context: LintContext): Hit[] {
  return context.services
    .filter((one) => one.service.serviceType === "SSL_BRIDGE" && plainTcp(one))
    .map((one) => {
      const ports = portsOf(one.service);
      const deeper = ports.every((port) => protocolOfPort(port) === null)
        ? bindMonitor(one.service, "tcps")
        : deeperMonitor(one);
      return {
        ...hit(
          one,
          `An SSL_BRIDGE service passes TLS through unread, and ${names(one)} never try it; ` +
            `unseen: a TLS range that does not meet, ${UNSEEN_BY_TCP}.`,
        ),
        fix: deeper,
      };
    });
}

/** Exchange's transport greets with 220 while it refuses every sender with 421: the type stops before it notices. */
function smtpBannerOnly(context: LintContext): Hit[] {
  return context.services
    .filter((one) => one.exchange !== null && decidedBy(one, ["SMTP"]))
    .map((one) =>
      hit(
        one,
        `${names(one)} stop after greeting and EHLO, where Exchange still answers in maintenance; ` +
          "unseen: 421 at MAIL FROM, back pressure.",
      ),
    );
}

function udpWithoutRecv(context: LintContext): Hit[] {
  return context.services
    .filter(
      (one) =>
        decidedBy(one, ["UDP-ECV"]) &&
        one.deciding.every(({ monitor }) => (monitor.parameters.recv ?? "") === ""),
    )
    .map((one) => {
      const [first] = one.deciding;
      return {
        ...hit(
          one,
          `${names(one)} await no answer: without -recv only an ICMP port unreachable counts as failure; ` +
            "unseen: a silent or hung server, a host that is gone.",
        ),
        fix: command(
          ...["set", "lb", "monitor", first?.monitor.name ?? "", "UDP-ECV"],
          ...["-send", "<request>", "-recv", "<answer>"],
        ),
      };
    });
}

function hit(one: LintService, message: string): Hit {
  const line = one.deciding.find(({ binding }) => binding.line !== null)?.binding.line;
  return {
    line: line ?? one.service.line,
    object: one.service.name,
    message: greetsForItsBackEnd(one) ? `${message} ${ONLY_A_LOGIN}` : message,
    fix: commands(deeperMonitor(one)),
  };
}

const ONLY_A_LOGIN =
  "Of these a banner shows all but a dead back end, for which the front end greets: only a login sees that.";

function greetsForItsBackEnd({ exchange, service }: LintService): boolean {
  return portsOf(service).some((port) => {
    const protocol = exchange?.protocol ?? protocolOfPort(port);
    return protocol === "imap" || protocol === "pop3";
  });
}

/** True when there are deciding monitors and all are of these types. */
function decidedBy(one: LintService, types: readonly string[]): boolean {
  return (
    one.deciding.length > 0 && one.deciding.every(({ monitor }) => types.includes(monitor.type))
  );
}

/** Nothing but TCP in clear text, or ping beside it. */
function plainTcp(one: LintService): boolean {
  return (
    portsOf(one.service).length > 0 &&
    decidedBy(one, ["TCP", "PING"]) &&
    one.deciding.some(({ monitor }) => monitor.type === "TCP") &&
    one.deciding.every(({ monitor }) => !monitor.secure)
  );
}

function isApplication(one: LintService): boolean {
  return (
    one.exchange !== null ||
    one.service.serviceType === "HTTP" ||
    portsOf(one.service).some((port) => protocolOfPort(port) !== null)
  );
}

function names(one: LintService): string {
  const list = one.deciding.map(({ monitor }) => monitor.name);
  return `The monitors of ${one.service.name} (${list.join(", ")})`;
}
