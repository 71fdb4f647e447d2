import type { AdcService, MonitorBinding } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { Blank, Value } from "../adc/nsconf/grammar.ts";
import { pasteLines, printFix, type Fix } from "./change.ts";
import { type LintContext, type LintService, DIRECTORY_PATH, directoryOf } from "./context.ts";
import {
  addMonitor,
  beside,
  bindCertificate,
  bindMonitor,
  optionsOf,
  type OptionValues,
} from "./monitor-change.ts";
import { createNames } from "./names.ts";
import {
  expectsTls,
  mayBeTlsPort,
  mixesTls,
  portsOf,
  protocolOfPort,
  usesTlsByType,
  type PortProtocol,
} from "./ports.ts";

/** A monitor that would check more: a new or built-in one; null: none is known for this service. */
export type Proposal =
  | {
      readonly kind: "new";
      readonly type: string;
      readonly options: OptionValues;
      /** In seconds, if 6 is too short. */
      readonly resptimeout?: string;
    }
  | { readonly kind: "built_in"; readonly name: string };

const ACCOUNT: Blank = { blank: "account" };
const PASSWORD: Blank = { blank: "password" };

/**
 * Adds a monitor that checks the application of this service, and binds it: in addition to the others, or with the
 * binding of the one that it replaces. Null if no monitor can.
 */
export function deeperMonitor(
  context: LintContext,
  one: LintService,
  like?: MonitorBinding,
): Fix | null {
  const proposal = proposalFor(context, one);
  if (proposal === null) {
    return null;
  }
  const secure = proposal.kind === "built_in" || proposal.options["secure"] === "YES";
  const named = secure ? profileWithName(context.estate, one.service) : null;
  // The servers may require the certificate that the ADC presents: a monitor only presents its own.
  const certificate = secure ? one.service.clientCertificate : undefined;
  if (proposal.kind === "built_in" && named === null && certificate === undefined) {
    return placed(one.service, proposal.name, like);
  }
  const name = context.names.fresh(one.service.name, "_deep");
  const { type, options, resptimeout } =
    proposal.kind === "built_in" ? NAMED_HANDSHAKE : { resptimeout: "6", ...proposal };
  const whole = optionsOf({
    ...options,
    ...(named === null ? null : { sslProfile: named }),
    interval: "15",
    resptimeout,
  });
  return [
    addMonitor(name, type, whole),
    ...(certificate === undefined ? [] : [bindCertificate(name, certificate)]),
    ...placed(one.service, name, like),
  ];
}

/** What `tcps` does, as a monitor that can have an SSL profile. */
const NAMED_HANDSHAKE = { type: "TCP", options: { secure: "YES" }, resptimeout: "6" };

/**
 * Null: the ADC sends the servers no name (SNI). If it does, they may refuse a handshake without one, and a monitor only
 * sends one that is in its own SSL profile.
 */
function profileWithName({ sslProfiles }: Estate, { tls }: AdcService): Value | null {
  const profile = tls.sslProfile === null ? undefined : sslProfiles.get(tls.sslProfile);
  if (profile?.sniEnabled === true) {
    return profile.name;
  }
  return tls.sniEnabled
    ? { blank: "back-end SSL profile with SNIEnable and this commonName" }
    : null;
}

/** What a handshake with these servers may need besides TLS, which no monitor has of itself; null: nothing is known. */
export function handshakeDecision(estate: Estate, services: readonly AdcService[]): string | null {
  if (services.some(({ clientCertificate }) => clientCertificate !== undefined)) {
    return "the servers may require the client certificate that the ADC presents: bind one to the monitor, too";
  }
  const named = services.some((service) => profileWithName(estate, service) !== null);
  return named
    ? "the servers may require the name that the ADC sends (SNI): give the monitor an -sslProfile with it, too"
    : null;
}

function placed(service: AdcService, monitor: string, like: MonitorBinding | undefined): Fix {
  return like === undefined ? beside(service, monitor) : [bindMonitor(service, monitor, like)];
}

function proposalFor(context: LintContext, one: LintService): Proposal | null {
  const { service, exchange } = one;
  const [port = 0] = portsOf(service);
  const protocol =
    exchange?.protocol ?? protocolOfType(service.serviceType, port) ?? protocolOfPort(port);
  const secure = expectsTls(service) ? { secure: "YES" } : {};
  if (!speakAlike(service)) {
    return unknown(service);
  }
  if (CUSTOM_PROTOCOLS.has(service.serviceType)) {
    return null;
  }
  if (exchange?.protocol === "https" || (one.onExchange && protocol === "web")) {
    const { type, options } = pageQuestion(context, one);
    return { kind: "new", type, options: { ...options, ...secure } };
  }
  if (protocol === null || protocol === "https" || protocol === "rpc") {
    return unknown(service);
  }
  if (protocol === "smtp" && port === 465 && (exchange !== null) === expectsTls(service)) {
    // Exchange sends its greeting without TLS there, others only within TLS.
    return null;
  }
  return expectsTls(service) && !TAKE_TLS.has(protocol)
    ? unknown(service)
    : ofProtocol(protocol, service, secure);
}

/**
 * Whether one question fits every member: a monitor of a group decides about all, and what greets on 143 neither does on
 * 993 nor on 110.
 */
function speakAlike(service: AdcService): boolean {
  const ports = portsOf(service);
  const first = ports[0] ?? 0;
  const sameProtocol =
    TYPES.has(service.serviceType) ||
    ports.every((port) => protocolOfPort(port) === protocolOfPort(first));
  return (
    sameProtocol &&
    service.members.every(({ port }) => port !== "*") &&
    (usesTlsByType(service) !== null || !mixesTls(ports))
  );
}

/** An administrator's own protocol, which no monitor of the ADC speaks, whatever the port. */
const CUSTOM_PROTOCOLS: ReadonlySet<string> = new Set(["USER_TCP", "USER_SSL_TCP"]);

/** Protocols whose monitors support `-secure YES`. */
const TAKE_TLS: ReadonlySet<PortProtocol> = new Set(["web", "imap", "pop3", "smtp", "ldap"]);

/** The protocol is unknown: a TLS handshake checks more than a TCP one, and needs no knowledge of it. */
function unknown(service: AdcService): Proposal | null {
  return expectsTls(service) ? { kind: "built_in", name: "tcps" } : null;
}

function ofProtocol(
  protocol: PortProtocol,
  service: AdcService,
  secure: OptionValues,
): Proposal | null {
  const udp = isUdp(service);
  const proposal = (type: string, options: OptionValues) => ({
    kind: "new" as const,
    type,
    options,
  });
  switch (protocol) {
    case "imap":
      return proposal("TCP-ECV", { recv: "* OK", ...secure });
    case "pop3":
      return proposal("TCP-ECV", { recv: "+OK", ...secure });
    case "smtp":
      // A monitor that waits for the greeting must send nothing before it: servers reject early talkers, and some wait
      // 6 s.
      return { ...proposal("TCP-ECV", { recv: "220 ", ...secure }), resptimeout: "10" };
    case "web":
      return udp || isTlsUnknown(service)
        ? null
        : proposal("HTTP-ECV", {
            send: { blank: "page", around: "GET /{}" },
            recv: { blank: "text of that page" },
            ...secure,
          });
    case "ldap":
      return udp ? null : proposal("LDAP", { ...ldapOptions(), ...secure });
    case "dns":
      return proposal(udp ? "DNS" : "DNS-TCP", { query: { blank: "name" }, queryType: "Address" });
    case "ntp":
      return udp ? proposal("UDP-ECV", NTP_QUESTION) : null;
    case "radius":
      return udp
        ? proposal("RADIUS", {
            userName: ACCOUNT,
            password: PASSWORD,
            radKey: { blank: "shared secret" },
            respCode: ["2", "3"],
          })
        : null;
    case "radius_accounting":
      return udp ? proposal("RADIUS_ACCOUNTING", { radKey: { blank: "shared secret" } }) : null;
    case "sip":
      return proposal(udp ? "SIP-UDP" : "SIP-TCP", {
        sipMethod: "OPTIONS",
        sipURI: { blank: "host", around: "sip:{}" },
      });
    case "snmp":
      return udp
        ? proposal("SNMP", { snmpOID: { blank: "OID" }, snmpCommunity: { blank: "community" } })
        : null;
    case "ftp":
      return proposal("FTP", { userName: ACCOUNT, password: PASSWORD });
    case "mysql":
      return proposal("MYSQL-ECV", sqlOptions("MYSQL"));
    case "mssql":
      return proposal("MSSQL-ECV", sqlOptions("MSSQL"));
    case "oracle":
      return proposal("ORACLE-ECV", {
        userName: ACCOUNT,
        password: PASSWORD,
        oracleSid: { blank: "SID" },
        // Oracle refuses a query without a table.
        sqlQuery: "select 1 from dual",
        evalRule: atLeastOneRow("ORACLE"),
      });
    case "rdp":
      return null;
  }
}

/** 8443 for TCP: a request without TLS fails if the servers expect it, and the reverse. */
function isTlsUnknown(service: AdcService): boolean {
  return (
    usesTlsByType(service) === null && !expectsTls(service) && portsOf(service).some(mayBeTlsPort)
  );
}

function sqlOptions(database: "MYSQL" | "MSSQL"): OptionValues {
  return {
    userName: ACCOUNT,
    password: PASSWORD,
    database: { blank: "database" },
    sqlQuery: "select 1",
    evalRule: atLeastOneRow(database),
  };
}

function atLeastOneRow(database: string): string {
  return `${database}.RES.ATLEAST_ROWS_COUNT(1)`;
}

function ldapOptions(): OptionValues {
  return {
    scriptName: "nsldap.pl",
    dispatcherIP: "127.0.0.1",
    dispatcherPort: "3013",
    baseDN: { blank: "dc=example,dc=com" },
    bindDN: ACCOUNT,
    password: PASSWORD,
    filter: "cn=builtin",
  };
}

/**
 * A client request of NTP version 4 in printable characters (RFC 5905, 7.3: 48 bytes; `#` is version 4, mode 3). A
 * server returns the last eight bytes, the transmit timestamp, as the origin timestamp.
 */
export const NTP_QUESTION = { send: `#${"0".repeat(39)}ADCPROBE`, recv: "ADCPROBE" };

/**
 * The page that says most about an Exchange web service: type, request and expected response. The health page only if
 * it is known to exist: Exchange 2010 has none, and its monitor would be DOWN.
 */
export function pageQuestion(
  context: LintContext,
  { exchange, directories }: Pick<LintService, "exchange" | "directories">,
): { readonly type: string; readonly options: OptionValues } {
  const version = exchange?.version ?? null;
  if (version === "2010") {
    return { type: "HTTP", options: { httpRequest: "GET /owa/auth/logon.aspx", respCode: "200" } };
  }
  const path = pathOf(exchange?.path ?? null, directories);
  if (path !== null && (version !== null || context.hasHealthPages)) {
    return { type: "HTTP-ECV", options: { send: `GET ${healthPage(path)}`, recv: "200 OK" } };
  }
  const send: Value = { blank: "page", around: "GET /{}" };
  return { type: "HTTP-ECV", options: { send, recv: { blank: "text of that page" } } };
}

/** The directory from rules or names; otherwise the one by which Exchange was recognised. */
function pathOf(recognised: string | null, served: LintService["directories"]): string | null {
  const own = recognised === null ? null : directoryOf(recognised);
  const [first] = served;
  return first === undefined || (own !== null && served.has(own))
    ? recognised
    : recognised === null
      ? null
      : DIRECTORY_PATH[first];
}

/**
 * A monitor that logs in: the front end sends its greeting even if the back end is down, so that no banner shows it.
 * The ADC has a script for POP3 without TLS, and none for TLS or IMAP. As text, for a member's page.
 */
export function loginMonitor(
  estate: Estate,
  service: AdcService,
  protocol: "imap" | "pop3",
): string {
  const name = createNames(estate).fresh(service.name, "_login");
  const login: [string, OptionValues] =
    protocol === "pop3" && !expectsTls(service)
      ? ["POP3", { scriptName: "nspop3.pl", userName: ACCOUNT, password: PASSWORD }]
      : ["USER", { scriptName: { blank: `script that logs in over ${protocol.toUpperCase()}` } }];
  const [type, options] = login;
  const fix = [
    addMonitor(name, type, optionsOf({ ...options, interval: "60", resptimeout: "10" })),
    ...beside(service, name),
  ];
  return pasteLines(printFix(fix, null)).join("\n");
}

/** One type of service stands for both of RADIUS's: what asks for a login gets no answer where accounting listens. */
function protocolOfType(serviceType: string, port: number): PortProtocol | null {
  const known = TYPES.get(serviceType) ?? null;
  return known === "radius" && protocolOfPort(port) === "radius_accounting"
    ? "radius_accounting"
    : known;
}

const TYPES: ReadonlyMap<string, PortProtocol> = new Map([
  ["HTTP", "web"],
  ["DNS", "dns"],
  ["DNS_TCP", "dns"],
  ["RADIUS", "radius"],
  ["SIP_UDP", "sip"],
  ["SIP_TCP", "sip"],
  ["FTP", "ftp"],
  ["MYSQL", "mysql"],
  ["MSSQL", "mssql"],
  ["ORACLE", "oracle"],
  ["SNMP", "snmp"],
  ["RDP", "rdp"],
]);

const UDP_TYPES: ReadonlySet<string> = new Set(
  "UDP DNS ADNS RADIUS SIP_UDP SNMP TFTP SYSLOGUDP DTLS QUIC QUIC_BRIDGE HTTP_QUIC".split(" "),
);

function isUdp({ serviceType }: AdcService): boolean {
  return UDP_TYPES.has(serviceType);
}

/** `/EWS/Exchange.asmx` → `/EWS/healthcheck.htm`. */
function healthPage(path: string): string {
  const directory = /^\/[^/]+/.exec(path)?.[0] ?? "/owa";
  return `${directory}/healthcheck.htm`;
}
