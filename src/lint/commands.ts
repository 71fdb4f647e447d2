import type { AdcService } from "../model/adc-service.ts";
import type { Monitor } from "../model/monitor.ts";
import { writeWord } from "../adc/nsconf/writer.ts";
import type { LintService } from "./context.ts";
import { expectsTls, portsOf, protocolOfPort } from "./ports.ts";

/** A command line of the ADC from its words; options keep their dash, values are quoted where they must be. */
export function command(...words: readonly (string | number)[]): string {
  return words
    .map((word) =>
      typeof word === "number" || /^-[A-Za-z]\w*$/.test(word) ? String(word) : writeWord(word),
    )
    .join(" ");
}

export function commands(...lines: readonly string[]): string {
  return lines.join("\n");
}

/** `set lb monitor M TYPE …`: the ADC wants the type again. */
export function setMonitor(monitor: Monitor, ...words: readonly (string | number)[]): string {
  return command("set", "lb", "monitor", monitor.name, monitor.type, ...words);
}

/** `bind service S -monitorName M`, or the same for a group. */
export function bindMonitor(service: AdcService, monitor: string): string {
  return command("bind", service.kind, service.name, "-monitorName", monitor);
}

export function unbindMonitor(service: AdcService, monitor: string): string {
  return command("unbind", service.kind, service.name, "-monitorName", monitor);
}

/** Adds a monitor that asks the application of this service itself, and binds it. */
export function deeperMonitor(one: LintService): string {
  const name = `${one.service.name}_deep`.slice(0, 31);
  return commands(
    command("add", "lb", "monitor", name, ...deepWords(one), "-interval", 15, "-resptimeout", 6),
    bindMonitor(one.service, name),
  );
}

/**
 * Adds a monitor that logs in: the front end greets for a dead back end, so that no banner shows it. The ADC ships a script
 * for POP3 in the clear; for TLS and for IMAP it ships none.
 */
export function loginMonitor(service: AdcService, protocol: "imap" | "pop3"): string {
  const name = `${service.name}_login`.slice(0, 31);
  const words =
    protocol === "pop3" && !expectsTls(service)
      ? ["POP3", "-scriptName", "nspop3.pl", "-userName", "<account>", "-password", "<password>"]
      : ["USER", "-scriptName", `<script that logs in over ${protocol.toUpperCase()}>`];
  return commands(
    command("add", "lb", "monitor", name, ...words, "-interval", 60, "-resptimeout", 10),
    bindMonitor(service, name),
  );
}

/** The shallowest answer that only a working application gives; in angle brackets what only the reader knows. */
function deepWords({ service, exchange }: LintService): string[] {
  const [port = 0] = portsOf(service);
  const protocol = exchange?.protocol ?? protocolOfPort(port) ?? service.serviceType;
  const secure = expectsTls(service) ? ["-secure", "YES"] : [];
  switch (protocol) {
    case "imap":
      return ["TCP-ECV", "-recv", "* OK", ...secure];
    case "pop3":
      return ["TCP-ECV", "-recv", "+OK", ...secure];
    case "smtp":
      return ["TCP-ECV", ...smtpWords(port)];
    case "https":
      return exchange?.version === "2010"
        ? ["HTTP", "-httpRequest", "GET /owa/auth/logon.aspx", "-respCode", "200", ...secure]
        : [
            "HTTP-ECV",
            "-send",
            `GET ${healthPage(exchange?.path ?? "/owa/")}`,
            "-recv",
            "200 OK",
            ...secure,
          ];
    case "web":
    case "HTTP":
    case "SSL":
      return ["HTTP-ECV", "-send", "GET /<page>", "-recv", "<text of that page>", ...secure];
    case "ldap":
      return [
        "LDAP",
        "-baseDN",
        "<dc=example,dc=com>",
        "-bindDN",
        "<account>",
        "-password",
        "<password>",
        ...secure,
      ];
    case "dns":
    case "DNS":
      return ["DNS", "-query", "<name>", "-queryType", "Address"];
    case "ntp":
      return ["USER", "-scriptName", "<script that asks for the time>"];
    default:
      return isUdp(service)
        ? ["UDP-ECV", "-send", "<request>", "-recv", "<answer>"]
        : ["TCP-ECV", "-send", "<request>", "-recv", "<answer>", ...secure];
  }
}

/**
 * Exchange refuses a sender in maintenance with 421; healthy, it takes the empty sender on 25 and asks for a login on
 * 587, both at MAIL FROM. 465 belongs to the servers among themselves: its greeting is all a stranger gets.
 */
function smtpWords(port: number): string[] {
  const send = "EHLO monitor\r\nMAIL FROM:<>\r\n";
  switch (port) {
    case 465:
      return ["-recv", "220 "];
    case 587:
      return ["-send", send, "-recv", "5.7."];
    default:
      return ["-send", send, "-recv", "250 2.1.0"];
  }
}

function isUdp({ serviceType }: AdcService): boolean {
  return ["UDP", "DNS", "ADNS", "RADIUS", "SIP_UDP", "SNMP", "TFTP", "SYSLOGUDP", "DTLS"].includes(
    serviceType,
  );
}

/** `/EWS/Exchange.asmx` → `/EWS/healthcheck.htm`. */
export function healthPage(path: string): string {
  const directory = /^\/[^/]+/.exec(path)?.[0] ?? "/owa";
  return `${directory}/healthcheck.htm`;
}
