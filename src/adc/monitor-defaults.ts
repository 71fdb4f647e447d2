import { REDACTED, redactRequest } from "./request-secrets.ts";
import {
  address,
  addressOrNone,
  choiceOrNone,
  codeRanges,
  convert,
  duration,
  enabled,
  ownPort,
  line,
  text,
  textOrNone,
  texts,
  whole,
  wholeOrNone,
  yesNo,
} from "./field-types.ts";
import { field, defaultsOf } from "./fields.ts";
import type { CodeRange, Monitor, MonitorParameters } from "../model/monitor.ts";
import type { MonitorBinding, Port } from "../model/adc-service.ts";

const SECRET_KEYS: ReadonlySet<string> = new Set([
  "password",
  "secondarypassword",
  "radkey",
  "radaccountkey",
  "secureargs",
  "snmpcommunity",
  "passplain",
  "passcrypt",
  "kcdpassword",
]);

/** The keys of a statement as written, with every secret redacted. */
export function redactKeys(
  keys: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...keys].map(([key, values]): [string, readonly string[]] => [
      key,
      SECRET_KEYS.has(key) ? values.map(() => REDACTED) : values.map(redactionOf(key)),
    ]),
  );
}

function redactionOf(key: string): (value: string) => string {
  switch (key) {
    case "scriptargs":
      return redactScriptArgs;
    case "customheaders":
    case "send":
    case "httprequest":
    case "rtsprequest":
      return redactRequest;
    default:
      return (value) => value;
  }
}

const SCRIPT_PASSWORD = /((?:^|[;\s])(?:password|passwd|pwd|pass|secret|community)=)[^;]*/gi;

/** `--pwd X`, `-password X`: as commands take their options. */
const OPTION_PASSWORD =
  /((?:^|[;\s])--?(?:password|passwd|passwort|passphrase|pwd|pass|secret|community)(?:[ \t]+|=))([^;\s-][^;\s]*)/gi;

/** `-p X`, which is as often a port, a path or a protocol: only beside a user, and only what can be none of these. */
const SHORT_PASSWORD = /((?:^|[;\s])-p[ \t]+)(?!\d{1,5}(?:[;\s]|$))([^;\s/-][^;\s]*)/g;
const SCRIPT_USER = /(?:^|[;\s])(?:-u|-l|--?user(?:name)?|--login)[ \t=]/i;

/** `user=itest;password=…`, the form in which the ADC's scripts take their arguments, and the options of others. */
function redactScriptArgs(scriptArgs: string): string {
  const named = scriptArgs
    .replace(SCRIPT_PASSWORD, `$1${REDACTED}`)
    .replace(OPTION_PASSWORD, `$1${REDACTED}`);
  return SCRIPT_USER.test(named) ? named.replace(SHORT_PASSWORD, `$1${REDACTED}`) : named;
}

/** Scripts that log in: the firmware's, and others named after that purpose. */
const LOGIN_SCRIPT = /pop|imap|smtp|ldap|ftp|sql|ntlm|kerberos|radius|log[io]n|auth/i;

/**
 * The arguments of a script that logs in, without a positional password (`itest;…`) and without the remains of a
 * password that contains a semicolon: of the parts without a name only the first is kept.
 */
function redactPlacedPassword(scriptName: string, scriptArgs: string): string {
  if (!LOGIN_SCRIPT.test(scriptName)) {
    return scriptArgs;
  }
  return scriptArgs
    .split(";")
    .map((part, at) => (at === 0 || part === "" || /^\s*[\w-]+=/.test(part) ? part : REDACTED))
    .join(";");
}

export function hasScriptPassword(scriptArgs: string): boolean {
  return redactScriptArgs(scriptArgs) !== scriptArgs;
}

/**
 * The attributes of `lb monitor`, with the bounds and defaults common to all types.
 * Sources: NetScaler command reference, `add lb monitor`; NITRO docs, configuration/load-balancing/lbmonitor.
 */
export const MONITOR_FIELDS = {
  intervalMs: field("interval", duration(1, 20_940), 5_000, { unit: "units3" }),
  responseTimeoutMs: field("resptimeout", duration(1, 20_939), 2_000, { unit: "units4" }),
  downTimeMs: field("downTime", duration(1, 20_939), 30_000, { unit: "units2" }),
  deviationMs: field("deviation", duration(0, 20_939), 0, { unit: "units1" }),
  retries: field("retries", whole(1, 127, "integer"), 3),
  failureRetries: field("failureRetries", whole(0, 32, "integer"), 0),
  successRetries: field("successRetries", whole(1, 32, "integer"), 1),
  alertRetries: field("alertRetries", whole(0, 32, "integer"), 0),
  destIp: field("destIP", address, null),
  destPort: field("destPort", ownPort, null),
  enabled: field("state", enabled, true),
  reverse: field("reverse", yesNo, false),
  transparent: field("transparent", yesNo, false),
  ipTunnel: field("ipTunnel", yesNo, false),
  tos: field("tos", yesNo, false),
  secure: field("secure", yesNo, false),
  // The default is not documented: `show lb monitor` of 10.5 shows ENABLED if it was not set, DISABLED for built-ins.
  lrtm: field("LRTM", enabled, true, { attributes: ["lrtm", "lrtmconfstr"] }),
  netProfile: field("netProfile", textOrNone, null),
  sslProfile: field("sslProfile", textOrNone, null),
};

const optionalText = (option: string, attributes?: readonly string[]) =>
  field(option, text, null, attributes === undefined ? {} : { attributes });

/** Like {@link optionalText}, for values that a replica uses in a command. */
const optionalLine = (option: string) => field(option, line, null);

/** The default port of the ADC's own dispatcher of scripts. */
const DISPATCHER_PORT = 3013;

/** Attributes that apply only to some types; type-specific defaults are further below. */
export const MONITOR_PARAMETER_FIELDS = {
  httpRequest: optionalText("httpRequest"),
  rtspRequest: optionalText("rtspRequest"),
  respCodes: field("respCode", codeRanges, null),
  customHeaders: optionalText("customHeaders"),
  send: optionalText("send"),
  recv: optionalText("recv"),
  trofsCode: field("trofsCode", wholeOrNone(1, 65_535), null),
  trofsString: optionalText("trofsString"),
  query: optionalText("query"),
  queryType: optionalText("queryType"),
  ipAddresses: field("IPAddress", texts, []),
  userName: optionalLine("userName"),
  scriptName: optionalLine("scriptName"),
  scriptArgs: field(
    "scriptArgs",
    convert(
      line,
      (value) => (value === null ? null : redactScriptArgs(value)),
      (value) => value,
    ),
    null,
  ),
  dispatcherIp: optionalText("dispatcherIP"),
  dispatcherPort: field(
    "dispatcherPort",
    convert(
      wholeOrNone(1, 65_535, "integer"),
      (value): number | null => value ?? DISPATCHER_PORT,
      (value) => value,
    ),
    null,
  ),
  baseDn: optionalLine("baseDN"),
  bindDn: optionalLine("bindDN"),
  filter: optionalText("filter"),
  attribute: optionalText("attribute"),
  group: optionalLine("group"),
  fileName: optionalLine("fileName"),
  database: optionalLine("database"),
  sqlQuery: optionalText("sqlQuery"),
  radNasId: optionalLine("radNASid"),
  radNasIp: field("radNASip", addressOrNone, null),
  snmpOid: optionalText("snmpOID", ["Snmpoid", "snmpoid"]),
  snmpThreshold: optionalText("snmpThreshold"),
  snmpVersion: field("snmpVersion", choiceOrNone(["V1", "V2"]), null),
  sipMethod: optionalLine("sipMethod"),
  sipUri: optionalLine("sipURI"),
  maxForwards: field("maxForwards", wholeOrNone(0, 255), null),
  action: optionalText("action"),
};

/** What a reader knows of a monitor before NetScaler's defaults are applied. */
export type PartialMonitor = Partial<Omit<Monitor, "name" | "type" | "parameters">> &
  Pick<Monitor, "name" | "type"> & { readonly parameters?: Partial<MonitorParameters> };

/**
 * Completes a monitor with NetScaler's defaults: first those of all types, then those of its own type. An explicit null
 * counts as set, a missing key as default. Source: NetScaler command reference, `add lb monitor`.
 * The documented default query of DNS monitors is the root; it stays null here.
 */
export function monitorWithDefaults(partial: PartialMonitor): Monitor {
  return withoutPlacedPassword(
    Object.assign({ ...BLANK }, partial, {
      parameters: Object.assign(
        { ...NO_PARAMETERS },
        typeDefaults(partial.type),
        partial.parameters,
      ),
    }),
  );
}

/**
 * Only the complete monitor shows which script the arguments are for: name and arguments may come from different
 * commands.
 */
function withoutPlacedPassword(monitor: Monitor): Monitor {
  const { scriptName, scriptArgs, password } = monitor.parameters;
  const redacted =
    scriptName === null || scriptArgs === null
      ? scriptArgs
      : redactPlacedPassword(scriptName, scriptArgs);
  if (redacted === null || redacted === scriptArgs) {
    return monitor;
  }
  return {
    ...monitor,
    parameters: {
      ...monitor.parameters,
      scriptArgs: redacted,
      password: password === "none" ? "clear" : password,
    },
    written: new Map([...monitor.written, ["scriptargs", [redacted]]]),
  };
}

/** Monitor types that run as scripts on the ADC, by the script that the firmware brings. */
export const SCRIPT_OF_TYPE: ReadonlyMap<string, string> = new Map([
  ["SMTP", "nssmtp.pl"],
  ["POP3", "nspop3.pl"],
  ["LDAP", "nsldap.pl"],
  ["NNTP", "nsnntp.pl"],
  ["FTP-EXTENDED", "nsftp.pl"],
  ["MYSQL", "nsmysql.pl"],
]);

/**
 * Every type that the firmware knows (NetScaler command reference); a type outside the list is kept but never repeated.
 */
export const MONITOR_TYPES: ReadonlySet<string> = new Set([
  ..."PING TCP HTTP TCP-ECV HTTP-ECV UDP-ECV DNS FTP LDNS-PING LDNS-TCP LDNS-DNS RADIUS USER".split(
    " ",
  ),
  ..."HTTP-INLINE SIP-UDP SIP-TCP LOAD FTP-EXTENDED SMTP SNMP NNTP MYSQL MYSQL-ECV MSSQL-ECV".split(
    " ",
  ),
  ..."ORACLE-ECV LDAP POP3 CITRIX-XML-SERVICE CITRIX-WEB-INTERFACE DNS-TCP RTSP ARP CITRIX-AG".split(
    " ",
  ),
  ..."CITRIX-AAC-LOGINPAGE CITRIX-AAC-LAS CITRIX-XD-DDC ND6 CITRIX-WI-EXTENDED DIAMETER".split(" "),
  ..."RADIUS_ACCOUNTING STOREFRONT APPC SMPP CITRIX-XNC-ECV CITRIX-XDM CITRIX-STA-SERVICE".split(
    " ",
  ),
  ..."CITRIX-STA-SERVICE-NHOP MQTT HTTP2 DTLS QUIC KAFKA-AUTODISCOVER".split(" "),
]);

const NO_PARAMETERS: MonitorParameters = {
  ...defaultsOf(MONITOR_PARAMETER_FIELDS),
  password: "none",
};

/** Sets every property, so that all monitors have the same object layout. */
const BLANK: Monitor = {
  ...defaultsOf(MONITOR_FIELDS),
  name: "",
  type: "",
  parameters: NO_PARAMETERS,
  builtIn: false,
  written: new Map(),
  line: null,
};

const OK: readonly CodeRange[] = [{ from: 200, to: 200 }];

function typeDefaults(type: string): Partial<MonitorParameters> {
  switch (type) {
    case "HTTP":
      return { httpRequest: "HEAD /", respCodes: OK };
    case "HTTP-INLINE":
      return { httpRequest: "HEAD /", respCodes: OK, action: "DOWN" };
    case "HTTP2":
      return { httpRequest: "HEAD /", respCodes: OK };
    case "HTTP-ECV":
      return { send: "GET /" };
    case "RTSP":
      return { rtspRequest: "OPTIONS *", respCodes: OK };
    case "SIP-UDP":
    case "SIP-TCP":
      return { sipMethod: "OPTIONS", maxForwards: 1, respCodes: OK };
    case "RADIUS":
      return { respCodes: [{ from: 2, to: 2 }] };
    case "DNS":
    case "DNS-TCP":
      return { queryType: "Address" };
    case "USER":
      return { dispatcherIp: "127.0.0.1", dispatcherPort: DISPATCHER_PORT };
    default: {
      const scriptName = SCRIPT_OF_TYPE.get(type);
      return scriptName === undefined
        ? {}
        : { scriptName, dispatcherIp: "127.0.0.1", dispatcherPort: DISPATCHER_PORT };
    }
  }
}

/**
 * The built-in monitor with this name, or null if there is none. Names are compared without regard to case, because
 * real configurations bind both `HTTP` and `http`; the result has the firmware's own spelling. The `-ecv` built-ins
 * send and expect nothing until `set lb monitor` sets their strings.
 * Source: NetScaler docs, "Built-in monitors".
 */
export function builtInMonitor(name: string): Monitor | null {
  const lower = name.toLowerCase();
  const found = VPN_INTERNAL.test(name) ? VPN_MONITOR : BUILT_IN.get(lower);
  if (found === undefined) {
    return null;
  }
  const empty = found.type.endsWith("-ECV") ? { parameters: { send: null, recv: null } } : {};
  return monitorWithDefaults({
    name: lower,
    type: found.type,
    builtIn: true,
    secure: found.secure ?? false,
    // As in `show lb monitor`: of the built-in monitors, only the TCP ones do not have it.
    lrtm: lower !== "tcp" && lower !== "tcp-default",
    ...empty,
  });
}

/** Whether it is one of the monitors that no command can bind or change (NITRO errors 2139 and 2165). */
export function isDefaultMonitor(name: string): boolean {
  return DEFAULT_MONITORS.has(name.toLowerCase());
}

const DEFAULT_MONITORS: ReadonlySet<string> = new Set(["tcp-default", "ping-default"]);

/**
 * The monitor that the ADC itself binds to a service without any other, and never writes to ns.conf: `tcp-default` for
 * TCP-based types, `ping-default` for others and for services on port `*`. For a group all ports count: it is
 * `ping-default` only if all are `*`.
 */
export function defaultBinding(
  serviceType: string,
  members: readonly { readonly port: Port | null }[],
): MonitorBinding {
  const wildcard = members.length > 0 && members.every(({ port }) => port === "*");
  return {
    monitor: isTcpBased(serviceType) && !wildcard ? "tcp-default" : "ping-default",
    enabled: true,
    weight: 1,
    passive: false,
    synthesised: true,
    deprecatedForm: false,
    line: null,
  };
}

/** Whether clients connect to a service of this type over TCP. */
export function isTcpBased(serviceType: string): boolean {
  return TCP_BASED.has(serviceType.toUpperCase());
}

interface BuiltIn {
  readonly type: string;
  readonly secure?: boolean;
}

/** A saved file also sets the monitors that the ADC made for its gateway's own services. */
const VPN_INTERNAL = /^VPN_INT_MON-\d+$/i;
const VPN_MONITOR: BuiltIn = { type: "TCP" };

const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  ["ping", { type: "PING" }],
  ["tcp", { type: "TCP" }],
  ["http", { type: "HTTP" }],
  ["tcp-ecv", { type: "TCP-ECV" }],
  ["http-ecv", { type: "HTTP-ECV" }],
  ["udp-ecv", { type: "UDP-ECV" }],
  ["dns", { type: "DNS" }],
  ["ftp", { type: "FTP" }],
  ["tcps", { type: "TCP", secure: true }],
  ["https", { type: "HTTP", secure: true }],
  ["tcps-ecv", { type: "TCP-ECV", secure: true }],
  ["https-ecv", { type: "HTTP-ECV", secure: true }],
  ["arp", { type: "ARP" }],
  ["ldns-ping", { type: "LDNS-PING" }],
  ["ldns-tcp", { type: "LDNS-TCP" }],
  ["ldns-dns", { type: "LDNS-DNS" }],
  ["xdm", { type: "CITRIX-XDM" }],
  ["xnc", { type: "CITRIX-XNC-ECV" }],
  ["sta", { type: "CITRIX-STA-SERVICE" }],
  ["stasecure", { type: "CITRIX-STA-SERVICE", secure: true }],
  ["citrix-xml-service", { type: "CITRIX-XML-SERVICE" }],
  ["http2direct", { type: "HTTP2" }],
  ["http2ssl", { type: "HTTP2", secure: true }],
  ["mqtt", { type: "MQTT" }],
  ["mqtt-tls", { type: "MQTT", secure: true }],
  ["tcp-default", { type: "TCP" }],
  ["ping-default", { type: "PING" }],
  // In clusters: the backplane's path to a service. Its type exists only on the appliance, and is not repeated.
  ["default-path-monitor", { type: "PATH" }],
]);

const TCP_BASED: ReadonlySet<string> = new Set([
  ..."HTTP SSL SSL_BRIDGE SSL_TCP TCP FTP NNTP DNS_TCP ADNS_TCP RPCSVR RTSP RDP MYSQL MSSQL".split(
    " ",
  ),
  ..."ORACLE SIP_TCP SIP_SSL DIAMETER SSL_DIAMETER SMPP SYSLOGTCP FIX SSL_FIX PPTP USER_TCP".split(
    " ",
  ),
  ..."USER_SSL_TCP MONGO MONGO_TLS MQTT MQTT_TLS LOGSTREAM LOGSTREAM_SSL PUSH SSL_PUSH PROXY".split(
    " ",
  ),
  ..."DOH ADNS_DOH DOT ADNS_DOT DNS_DOT SSL_HTTP2 SSL_PROXY KAFKA_BROKER KAFKA_PRODUCER".split(" "),
]);
