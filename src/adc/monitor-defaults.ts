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

/** The keys of a statement as written, every secret replaced. */
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

/** `user=itest;password=…` as the scripts of the ADC take their arguments. */
function redactScriptArgs(scriptArgs: string): string {
  return scriptArgs.replace(SCRIPT_PASSWORD, `$1${REDACTED}`);
}

/** Scripts that log in, the firmware's and those that others named after what they do. */
const LOGIN_SCRIPT = /pop|imap|smtp|ldap|ftp|sql|ntlm|kerberos|radius|log[io]n|auth/i;

/**
 * Arguments of a script that logs in, without a password that only its place tells (`itest;…`), and without what a
 * password that holds a semicolon leaves behind: of the parts that have no name the first alone stays.
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
 * The attributes of `lb monitor`, with the bounds and defaults of every type.
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
  // No default is documented: `show lb monitor` of 10.5 shows ENABLED where it was added without, DISABLED for built-ins.
  lrtm: field("LRTM", enabled, true, { attributes: ["lrtm", "lrtmconfstr"] }),
  netProfile: field("netProfile", textOrNone, null),
  sslProfile: field("sslProfile", textOrNone, null),
};

const optionalText = (option: string, attributes?: readonly string[]) =>
  field(option, text, null, attributes === undefined ? {} : { attributes });

/** As {@link optionalText}, for what a replica puts into a command. */
const optionalLine = (option: string) => field(option, line, null);

/** Where the ADC's own dispatcher of scripts listens by default. */
const DISPATCHER_PORT = 3013;

/** The attributes that belong to some types only; what a type has as its own default stands in monitor-defaults.ts. */
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

/** What a reader knows of a monitor before NetScaler's defaults fill the rest. */
export type PartialMonitor = Partial<Omit<Monitor, "name" | "type" | "parameters">> &
  Pick<Monitor, "name" | "type"> & { readonly parameters?: Partial<MonitorParameters> };

/**
 * Completes a monitor with NetScaler's defaults, first those of every type (monitor-fields.ts), then those of its own
 * type. An explicit null counts as given, a missing key as default. Source: NetScaler command reference, `add lb monitor`.
 *
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

/** Only a whole monitor tells which script its arguments are for: name and arguments may come by different commands. */
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

/** Every type the firmware knows (NetScaler command reference); a type outside the list is kept, never repeated. */
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

/** A place for every property, so that all monitors are laid out alike. */
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
 * The monitor that every NetScaler has under this name, or null when there is none. Names are compared without regard
 * to case, as saved configurations in the wild bind `HTTP` and `http` alike; the result carries the firmware's own
 * spelling. The `-ecv` built-ins send and expect nothing until `set lb monitor` gives them strings.
 * Source: NetScaler docs, "Built-in monitors".
 */
export function builtInMonitor(name: string): Monitor | null {
  const lower = name.toLowerCase();
  const found = BUILT_IN.get(lower);
  if (found === undefined) {
    return null;
  }
  const empty = found.type.endsWith("-ECV") ? { parameters: { send: null, recv: null } } : {};
  return monitorWithDefaults({
    name: lower,
    type: found.type,
    builtIn: true,
    secure: found.secure ?? false,
    // As `show lb monitor` has it: of the firmware's own, the TCP ones alone go without.
    lrtm: lower !== "tcp" && lower !== "tcp-default",
    ...empty,
  });
}

/**
 * What the ADC binds by itself to a service that has no other monitor, and never writes to ns.conf: `tcp-default` for
 * TCP-based types, `ping-default` for others and for services on port `*`. A group's ports decide together: only if all
 * are `*` is it `ping-default`.
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

/** Whether clients reach a service of this type over TCP. */
export function isTcpBased(serviceType: string): boolean {
  return TCP_BASED.has(serviceType.toUpperCase());
}

interface BuiltIn {
  readonly type: string;
  readonly secure?: boolean;
}

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
  ["tcp-default", { type: "TCP" }],
  ["ping-default", { type: "PING" }],
  // Of clusters: the backplane's path to a service. Its type is the appliance's own, and is not repeated.
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
  ..."DOH ADNS_DOT DNS_DOT SSL_HTTP2".split(" "),
]);
