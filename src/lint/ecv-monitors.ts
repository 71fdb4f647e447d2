import { utf8Length } from "../lib/bytes.ts";
import { useCount, usesOf, type LintContext, type LintService } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Fix } from "./change.ts";
import type { Monitor } from "../model/monitor.ts";
import { SECURABLE, UDP_MONITOR_TYPES } from "../adc/nsconf/grammar.ts";
import { bindMonitor, changeFor, unbindMonitor, type MonitorUse } from "./monitor-change.ts";
import { LOST_LINE_ENDS } from "./http-requests.ts";
import { deeperMonitor, handshakeDecision } from "./proposals.ts";
import { expectsTls, isClearPort, isTlsPort, mayBeTlsPort, protocolOfPort } from "./ports.ts";
import type { Rule } from "./rule.ts";
import { redactedBlank } from "./monitor-options.ts";
import { changeEverywhere, lineOf } from "./used-monitors.ts";

/** Strings of ECV monitors, and missing or superfluous TLS. */
export const ECV_MONITOR_RULES: readonly Rule[] = [
  {
    id: "tcp_ecv_empty",
    severity: "error",
    meaning: "A TCP-ECV monitor neither sends nor expects anything.",
    find: tcpEcvEmpty,
  },
  {
    id: "send_too_long",
    severity: "error",
    meaning: "TCP-ECV sends at most 512 bytes.",
    find: sendTooLong,
  },
  {
    id: "recv_too_long",
    severity: "error",
    meaning: "TCP-ECV compares at most 128 bytes.",
    find: recvTooLong,
  },
  {
    id: "speaks_before_greeting",
    severity: "warning",
    meaning: "A TCP-ECV monitor sends SMTP commands before the server has greeted.",
    find: speaksBeforeGreeting,
  },
  {
    id: "request_without_end",
    severity: "error",
    meaning: "An HTTP request of a TCP-ECV monitor has no empty line at its end.",
    find: requestWithoutEnd,
  },
  {
    id: "missing_secure",
    severity: "error",
    meaning: "A monitor without TLS probes a port that expects TLS.",
    find: missingSecure,
  },
  {
    id: "secure_to_clear_port",
    severity: "error",
    meaning: "A monitor with TLS probes a port that does not speak TLS.",
    find: secureToClearPort,
  },
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
      line: lineOf(context, monitor),
      object: monitor.name,
      message:
        "The monitor neither sends nor expects anything: it notices no more failures than a TCP monitor.",
      fix: changeEverywhere(context, monitor, { recv: { blank: "text of the banner" } }),
    }));
}

function sendTooLong(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(({ parameters }) => utf8Length(parameters.send ?? "") > MAX_SEND_BYTES)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: "-send has more than 512 bytes, and TCP-ECV sends only the first 512.",
      fix: changeEverywhere(context, monitor, { send: { blank: "at most 512 bytes" } }),
    }));
}

function recvTooLong(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(({ parameters }) => utf8Length(parameters.recv ?? "") > MAX_RECV_BYTES)
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message: "-recv has more than 128 bytes, and TCP-ECV compares only the first 128.",
      fix: changeEverywhere(context, monitor, {
        recv: firstBytes(monitor.parameters.recv ?? "", MAX_RECV_BYTES),
      }),
    }));
}

function firstBytes(text: string, bytes: number): string {
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += utf8Length(character);
    if (used > bytes) {
      break;
    }
    kept += character;
  }
  return kept;
}

/**
 * TCP-ECV sends as soon as it is connected. RFC 5321, 3.1: a client waits for the greeting; servers that check this
 * answer 554 to one that does not.
 */
function speaksBeforeGreeting(context: LintContext): Hit[] {
  return tcpEcv(context)
    .filter(
      (monitor) =>
        !monitor.reverse &&
        !monitor.transparent &&
        /^(EHLO|HELO|MAIL FROM)\b/i.test(monitor.parameters.send ?? "") &&
        context.usersOf(monitor).some((one) => takesMail(monitor, one)),
    )
    .map((monitor) => ({
      line: monitor.line,
      object: monitor.name,
      message:
        "-send is sent at once, before the greeting (220) that a client has to wait for: some servers refuse such " +
        "early talkers. Without -send the monitor waits for the greeting; only a script of type USER can go on after it.",
    }));
}

function takesMail({ destPort }: Monitor, { service, exchange }: LintService): boolean {
  return destPort === null
    ? exchange?.protocol === "smtp" ||
        service.members.some(({ port }) => protocolOfPort(port) === "smtp")
    : protocolOfPort(destPort) === "smtp";
}

/**
 * TCP-ECV sends the text as it is (HTTP-ECV completes it): until the empty line after the headers, the server waits for
 * more (RFC 9112, 2.1).
 */
function requestWithoutEnd(context: LintContext): Hit[] {
  return tcpEcv(context).flatMap((monitor) => {
    const send = monitor.parameters.send ?? "";
    if (!UNENDED.test(send) || /\n\r?\n/.test(send) || LOST_LINE_ENDS.test(send)) {
      return [];
    }
    const lines = send.endsWith("\r\n") ? send : `${send}\r\n`;
    const whole = redactedBlank(`${lines}\r\n`);
    // HTTP/1.1 is refused without Host (RFC 9112, 3.2).
    const needsHost = typeof whole === "string" && /HTTP\/1\.1\r\n$/.test(lines);
    const name = { blank: "name", around: `${lines}Host: {}\r\n\r\n` };
    return [
      {
        line: monitor.line,
        object: monitor.name,
        message:
          "The request of -send does not end in an empty line (\\r\\n\\r\\n), which TCP-ECV does not add: the server waits for the " +
          "rest and does not answer.",
        fix: changeEverywhere(context, monitor, { send: needsHost ? name : whole }),
        ...reversedDecision(monitor),
      },
    ];
  });
}

/** A request with a version and without a line end of its own kind: a single line feed is another writer's choice. */
const UNENDED = /^(GET|HEAD|OPTIONS) \S+ HTTP\/1\.[01](\r\n[^\n]*)*$/;

/** Types that a port with TLS does not answer without it. */
export const TALKING: ReadonlySet<string> = new Set([
  ...SECURABLE,
  "HTTP",
  "HTTP-ECV",
  "TCP-ECV",
  "HTTP-INLINE",
  "LDAP",
  // Its script has no TLS: nothing can be set, but it never succeeds there.
  "POP3",
]);

/** A cleartext request to a TLS port gets an alert, an error page or no response. */
function missingSecure(context: LintContext): Hit[] {
  return wrongSecurity(
    context,
    (monitor) => TALKING.has(monitor.type) && !monitor.secure && !monitor.transparent,
    (monitor, { service }) =>
      monitor.destPort === null ? expectsTls(service) : isTlsPort(monitor.destPort),
    "The monitor does not use TLS, but the servers expect it: the monitor fails, or passes for the wrong reason.",
    "YES",
  );
}

/** A TLS handshake with a cleartext port always fails. */
function secureToClearPort(context: LintContext): Hit[] {
  return wrongSecurity(
    context,
    ({ secure, transparent, type }) => secure && !transparent && !UDP_MONITOR_TYPES.has(type),
    (monitor, { service }) =>
      monitor.destPort === null ? expectsClearText(service) : isClearPort(monitor.destPort),
    "The monitor uses TLS, but the servers do not speak it on this port: no handshake can succeed.",
    "NO",
  );
}

/** Every member listens on a cleartext port, or the type is HTTP and no port indicates otherwise. */
function expectsClearText({ serviceType, members }: LintService["service"]): boolean {
  return (
    members.length > 0 &&
    members.every(({ port }) =>
      typeof port === "number"
        ? isClearPort(port) || (serviceType === "HTTP" && !mayBeTlsPort(port))
        : false,
    ) &&
    !["SSL", "SSL_TCP", "SSL_BRIDGE"].includes(serviceType)
  );
}

function wrongSecurity(
  context: LintContext,
  speaks: (monitor: Monitor) => boolean,
  isWrong: (monitor: Monitor, one: LintService) => boolean,
  message: string,
  secure: "YES" | "NO",
): Hit[] {
  return [...context.estate.monitors.values()].filter(speaks).flatMap((monitor) => {
    const wrongServices = new Set(
      context
        .usersOf(monitor)
        .filter((one) => isWrong(monitor, one))
        .map(({ service }) => service),
    );
    if (wrongServices.size === 0) {
      return [];
    }
    const uses = usesOf(context, monitor);
    const wrong = uses.filter(({ service }) => wrongServices.has(service));
    const counterpart = monitor.builtIn ? COUNTERPARTS.get(monitor.name) : undefined;
    return [
      {
        line: monitor.line ?? wrong[0]?.binding.line ?? null,
        object: monitor.name,
        message,
        fix:
          counterpart !== undefined
            ? swapped(wrong, counterpart)
            : monitor.type === "TCP"
              ? deeperInstead(context, wrong)
              : changeFor(context.names, monitor, wrong, useCount(context, monitor), { secure }),
        ...(secure === "YES"
          ? decisionWithTls(context, monitor, wrong)
          : reversedDecision(monitor)),
      },
    ];
  });
}

function decisionWithTls(
  { estate }: LintContext,
  monitor: Monitor,
  wrong: readonly MonitorUse[],
): Pick<Hit, "decision"> {
  if (expectsTheError(monitor)) {
    return {
      decision: "it expects the error that answers a request without TLS: change that, too",
    };
  }
  const decision =
    monitor.sslProfile === null && !monitor.written.has("certkeyname")
      ? handshakeDecision(
          estate,
          wrong.map(({ service }) => service),
        )
      : null;
  return decision === null ? reversedDecision(monitor) : { decision };
}

/** A web server answers a request without TLS on its TLS port with 400, and a monitor may have been fitted to that. */
export function expectsTheError({ parameters }: Monitor): boolean {
  const { respCodes, recv } = parameters;
  return (
    (respCodes ?? []).some(({ from, to }) => from <= 400 && to >= 400) ||
    /400|bad request|plain http/i.test(recv ?? "")
  );
}

/** A reversed monitor passes because of its mistake; once fixed, it would depend on the response. */
function reversedDecision({ reverse }: Monitor): Pick<Hit, "decision"> {
  return reverse
    ? {
        decision:
          "it is reversed, and passes because of this mistake: once fixed, it is DOWN while the server responds as expected",
      }
    : {};
}

/** Without its TLS, a TCP monitor would check less than intended: a monitor of the protocol replaces it. */
function deeperInstead(context: LintContext, wrong: readonly MonitorUse[]): Fix | null {
  const watched = new Map(context.watched.map((one) => [one.service, one]));
  const parts = wrong.map(({ service, binding }) => {
    const one = watched.get(service);
    const deeper = one === undefined ? null : deeperMonitor(context, one, binding);
    return deeper === null ? null : [...deeper, unbindMonitor(service, binding)];
  });
  const whole = parts.filter((part) => part !== null);
  return whole.length < parts.length ? null : whole.flat();
}

/** Built-in monitors that send the same request without and with TLS. */
const COUNTERPARTS: ReadonlyMap<string, string> = new Map([
  ["http", "https"],
  ["https", "http"],
  ["sta", "stasecure"],
  ["stasecure", "sta"],
]);

/** The firmware has the counterpart too. If that is bound already, both are intended. */
function swapped(wrong: readonly MonitorUse[], builtIn: string): Fix | null {
  return wrong.some(({ service }) => service.monitors.some(({ monitor }) => monitor === builtIn))
    ? null
    : wrong.flatMap(({ service, binding }) => [
        bindMonitor(service, builtIn, binding),
        unbindMonitor(service, binding),
      ]);
}
