import { isTcpBased } from "../adc/monitor-defaults.ts";
import type { Monitor } from "../model/monitor.ts";
import { useCount, type LintContext, type LintService } from "./context.ts";
import type { Hit } from "./finding.ts";
import { addMonitor, bindMonitor, optionsOf, setMonitor } from "./monitor-change.ts";
import { expectsTls, portsOf, protocolOfPort } from "./ports.ts";
import { deeperMonitor, NTP_QUESTION } from "./proposals.ts";
import type { Rule } from "./rule.ts";

/** Monitors that only prove that the network stack responds. */
export const SHALLOW_MONITOR_RULES: readonly Rule[] = [
  {
    id: "ping_only",
    severity: "warning",
    meaning:
      "Only a ping, ARP or IPv6 neighbour discovery decides, which proves that the machine runs, and nothing about the service.",
    find: pingOnly,
  },
  {
    id: "tcp_only",
    severity: "warning",
    meaning: "Only a TCP handshake decides, although the application could be checked.",
    find: tcpOnly,
  },
  {
    id: "tcp_on_tls",
    severity: "warning",
    meaning: "A port that speaks TLS is monitored without a TLS handshake.",
    find: tcpOnTls,
  },
  {
    id: "ssl_bridge_tcp",
    severity: "warning",
    meaning: "TLS is passed through (SSL_BRIDGE), and no monitor checks it.",
    find: sslBridge,
  },
  {
    id: "smtp_banner_only",
    severity: "warning",
    meaning:
      "The SMTP type stops at EHLO, but Exchange in maintenance refuses mail only at MAIL FROM.",
    find: smtpBannerOnly,
  },
  {
    id: "udp_without_recv",
    severity: "warning",
    meaning: "A UDP-ECV monitor expects no response, so that silence passes.",
    find: udpWithoutRecv,
  },
];

const UNNOTICED_BY_PING = "a stopped process, a closed port, a hung or refusing application";
const UNNOTICED_BY_TCP = "a silent port, a connection accepted and closed at once";
const UNNOTICED_BY_TCP_ON_TLS = `no common TLS version, ${UNNOTICED_BY_TCP}, a missing certificate, a dead back end`;

/**
 * Types that check only the machine's network stack: ICMP, or which machine has the address on the ADC's own segment.
 */
const OF_THE_MACHINE = ["PING", "ARP", "ND6"];

function pingOnly(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter((one) => portsOf(one.service).length > 0 && decidedBy(one, OF_THE_MACHINE))
    .map((one) => {
      const what = decidedBy(one, ["PING"])
        ? "a ping"
        : "the presence of the machine on the network";
      return hit(
        context,
        one,
        `Only ${what} decides (${names(one)}); not noticed: ${UNNOTICED_BY_PING}.`,
      );
    })
    .filter(canBeDeeper);
}

function tcpOnly(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter((one) => plainTcp(one) && !expectsTls(one.service))
    .flatMap((one): readonly Hit[] => {
      const { serviceType } = one.service;
      const isUdp = !isTcpBased(serviceType) && serviceType !== "ANY";
      const found = hit(
        context,
        one,
        isUdp
          ? `Clients use UDP, but only a TCP handshake decides (${names(one)}): the UDP port is not checked.`
          : `Only a TCP handshake decides (${names(one)}); not noticed: ${UNNOTICED_BY_TCP}, a dead back end.`,
      );
      const severity = isApplication(one) ? "warning" : "info";
      // A TCP port of its own is how a UDP service without answers is watched on purpose.
      const isPlain = isUdp && one.deciding.every(({ monitor }) => monitor.destPort === null);
      return isPlain || canBeDeeper(found) ? [{ ...found, severity }] : [];
    });
}

/** Where no monitor checks more, the finding would be true and nobody could act on it. */
function canBeDeeper({ fix }: Hit): boolean {
  return fix !== null;
}

function tcpOnTls(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter(
      (one) => plainTcp(one) && expectsTls(one.service) && one.service.serviceType !== "SSL_BRIDGE",
    )
    .map((one) =>
      hit(
        context,
        one,
        `The port speaks TLS, but only a TCP handshake decides (${names(one)}); ` +
          `not noticed: ${UNNOTICED_BY_TCP_ON_TLS}.`,
      ),
    );
}

function sslBridge(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter((one) => one.service.serviceType === "SSL_BRIDGE" && plainTcp(one))
    .map((one) =>
      hit(
        context,
        one,
        `SSL_BRIDGE passes TLS through, and only a TCP handshake decides (${names(one)}); ` +
          `not noticed: ${UNNOTICED_BY_TCP_ON_TLS}.`,
      ),
    );
}

/** Exchange's transport sends 220 while it refuses every sender with 421: the type stops before that. */
function smtpBannerOnly(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter((one) => one.exchange !== null && decidedBy(one, ["SMTP"]))
    .map((one) => {
      const name = context.names.fresh(one.service.name, "_deep");
      const script = { scriptName: { blank: "script that goes on to MAIL FROM" } };
      const timing = { interval: "30", resptimeout: "10" };
      return {
        line: lineOfBinding(one),
        object: one.service.name,
        message:
          `Monitors of type SMTP (${names(one)}) stop after greeting and EHLO, which Exchange still answers in ` +
          "maintenance; not noticed: 421 at MAIL FROM, back pressure.",
        fix: [
          addMonitor(name, "USER", optionsOf({ ...script, ...timing })),
          bindMonitor(one.service, name),
        ],
      };
    });
}

function udpWithoutRecv(context: LintContext): Hit[] {
  const names = namesOf(context);
  return context.watched
    .filter(
      (one) =>
        decidedBy(one, ["UDP-ECV"]) &&
        one.deciding.every(({ monitor }) => (monitor.parameters.recv ?? "") === ""),
    )
    .map((one) => {
      const [first] = one.deciding;
      const ntp = portsOf(one.service).every((port) => protocolOfPort(port) === "ntp");
      const question = ntp
        ? NTP_QUESTION
        : { send: { blank: "request" }, recv: { blank: "answer" } };
      const alone = first !== undefined && useCount(context, first.monitor) === 1;
      return {
        ...hit(
          context,
          one,
          `No response is expected (${names(one)}): without -recv only an ICMP port unreachable counts as failure; ` +
            "not noticed: a silent or hung server, a host that is down.",
        ),
        fix:
          first !== undefined && alone && !first.monitor.builtIn
            ? [setMonitor(first.monitor, question)]
            : ntp
              ? deeperMonitor(context, one)
              : null,
      };
    });
}

function hit(context: LintContext, one: LintService, message: string): Hit {
  return {
    line: lineOfBinding(one),
    object: one.service.name,
    message: greetsForItsBackEnd(one)
      ? `${message} ${ONLY_A_LOGIN}`
      : one.exchange?.protocol === "smtp"
        ? `${message} ${ONLY_MAIL_FROM}`
        : message,
    fix: deeperMonitor(context, one),
  };
}

function lineOfBinding({ deciding, service }: LintService): Hit["line"] {
  return deciding.find(({ binding }) => binding.line !== null)?.binding.line ?? service.line;
}

const ONLY_A_LOGIN =
  "A banner check notices all of these except a failed back end, because the front end still sends its banner: only a login notices that.";

const ONLY_MAIL_FROM =
  "A greeting check notices a silent port, but Exchange in maintenance still sends its greeting: only MAIL FROM notices that it refuses mail.";

function greetsForItsBackEnd({ exchange, service }: LintService): boolean {
  return portsOf(service).some((port) => {
    const protocol = exchange?.protocol ?? protocolOfPort(port);
    return protocol === "imap" || protocol === "pop3";
  });
}

/** True if there are deciding monitors, all of these types, none reversed and none with another destination. */
function decidedBy(one: LintService, types: readonly string[]): boolean {
  return (
    one.isKnown &&
    one.deciding.length > 0 &&
    one.deciding.every(
      ({ monitor }) => types.includes(monitor.type) && !monitor.reverse && !monitor.transparent,
    )
  );
}

/** Only TCP without TLS, possibly with a ping or similar. */
function plainTcp(one: LintService): boolean {
  return (
    portsOf(one.service).length > 0 &&
    decidedBy(one, ["TCP", ...OF_THE_MACHINE]) &&
    one.deciding.some(({ monitor }) => monitor.type === "TCP") &&
    one.deciding.every(({ monitor }) => !monitor.secure)
  );
}

function isApplication(one: LintService): boolean {
  return (
    one.exchange !== null ||
    one.service.serviceType === "HTTP" ||
    portsOf(one.service).some((port) => BANNERS.has(protocolOfPort(port) ?? ""))
  );
}

/**
 * Protocols whose servers respond without authentication, so that a monitor can easily check more than the TCP
 * handshake.
 */
const BANNERS: ReadonlySet<string> = new Set(["web", "imap", "pop3", "smtp", "ldap", "dns"]);

/**
 * The monitors' names. Where several services have monitors of their own, their types instead: the names differ from
 * service to service although the cause is the same.
 */
function namesOf(context: LintContext): (one: LintService) => string {
  const isOwn = (monitor: Monitor): boolean =>
    !monitor.builtIn && context.usersOf(monitor).length === 1;
  const typed = (one: LintService): string =>
    listed(one, (monitor) => (isOwn(monitor) ? `its own ${monitor.type} monitor` : monitor.name));
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const list of context.watched.map(typed)) {
    (seen.has(list) ? repeated : seen).add(list);
  }
  return (one) => {
    const list = typed(one);
    return repeated.has(list) ? list : listed(one, ({ name }) => name);
  };
}

function listed({ deciding }: LintService, label: (monitor: Monitor) => string): string {
  const labels = deciding.map(({ monitor }) => label(monitor));
  return [...new Set(labels)].slice(0, 5).join(", ");
}
