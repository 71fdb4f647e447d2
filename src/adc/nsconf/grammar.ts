import { utf8Length } from "../../lib/bytes.ts";
import { isIP } from "../../lib/ip.ts";
import { MONITOR_TYPES } from "../monitor-defaults.ts";
import { optionNames, type OptionNames } from "./option-tables.ts";
import { writeWord } from "./statements.ts";

/**
 * Which options each monitor type accepts (NetScaler command reference, `add lb monitor`), in lower case. Types that
 * are not in this table (for Citrix's own products) are not checked: neither the reference nor a NITRO error says that
 * they reject an option such as `-respCode` with STOREFRONT.
 */
export const MONITOR_TYPE_OPTIONS: ReadonlyMap<string, ReadonlySet<string>> = build();

/** Options that belong to some types only. Any other option may belong to any type. */
export const TYPED_OPTIONS: ReadonlySet<string> = new Set(
  [
    "httprequest rtsprequest respcode customheaders send recv trofscode trofsstring query querytype",
    "ipaddress scriptname scriptargs basedn binddn filter attribute group filename sqlquery evalrule",
    "radkey radnasid radnasip snmpoid snmpthreshold sipmethod sipuri maxforwards",
  ].flatMap((row) => row.split(" ")),
);

function build(): ReadonlyMap<string, ReadonlySet<string>> {
  const common =
    "interval resptimeout downtime deviation retries failureretries successretries alertretries " +
    "resptimeoutthresh destip state reverse transparent iptunnel tos tosid lrtm";
  const ported = `${common} destport`;
  const native = `${ported} netprofile`;
  const tcp = `${native} secure sslprofile`;
  const script = `${ported} scriptname dispatcherip dispatcherport`;
  const login = "username password";
  const sql = `${native} ${login} database sqlquery evalrule storedb`;
  const sip = `${native} sipmethod sipuri maxforwards respcode`;
  const http = `${tcp} httprequest respcode customheaders trofscode`;
  const table: Readonly<Record<string, string>> = {
    PING: `${common} netprofile`,
    TCP: tcp,
    HTTP: http,
    HTTP2: http,
    "HTTP-INLINE": `${http} action`,
    "HTTP-ECV": `${tcp} send recv customheaders trofsstring`,
    "TCP-ECV": `${tcp} send recv trofsstring`,
    "UDP-ECV": `${native} send recv`,
    DNS: `${native} query querytype ipaddress`,
    "DNS-TCP": `${native} query querytype ipaddress`,
    FTP: `${native} ${login}`,
    "FTP-EXTENDED": `${script} ${login} filename`,
    SMTP: `${script} ${login}`,
    POP3: `${script} ${login}`,
    NNTP: `${script} ${login} group`,
    LDAP: `${script} password basedn binddn filter attribute secure`,
    MYSQL: `${script} ${login} database sqlquery`,
    USER: `${script} scriptargs secureargs secure`,
    RADIUS: `${native} ${login} radkey radnasid radnasip respcode`,
    RADIUS_ACCOUNTING: `${native} ${login} radkey radnasid radnasip radaccounttype radframedip radapn radmsisdn radaccountsession respcode`,
    "MYSQL-ECV": sql,
    "MSSQL-ECV": sql,
    "ORACLE-ECV": `${sql} oraclesid`,
    SNMP: `${ported} snmpoid snmpcommunity snmpthreshold snmpversion`,
    RTSP: `${native} rtsprequest respcode`,
    "SIP-UDP": sip,
    "SIP-TCP": sip,
    ARP: common,
    ND6: common,
  };
  return new Map(
    Object.entries(table).map(([type, options]) => [type, new Set(options.split(" "))]),
  );
}

/**
 * The commands that this project prints, as the NetScaler command reference defines them: positional arguments,
 * options, and valid values. A command that does not match this table is never printed.
 */
export interface CommandGrammar {
  readonly words: readonly ValueCheck[];
  /** By name in lower case. Null: the option does not exist, or not for a monitor of this type. */
  readonly option: (key: string, words: readonly string[]) => OptionGrammar | null;
}

export interface OptionGrammar {
  /** As spelt in the command reference, without the hyphen. */
  readonly spelling: string;
  readonly accepts: ValueCheck;
}

/** Whether these words are a valid value. */
export type ValueCheck = (values: readonly string[]) => boolean;

/** The grammar of commands such as `set lb monitor`; null for a command that this project never prints. */
function commandGrammar(kind: string): CommandGrammar | null {
  return COMMANDS.get(kind) ?? null;
}

/** NetScaler command reference, `add lb monitor`: the maximum length of a monitor's name. */
export const MAX_MONITOR_NAME = 31;

function one(accepts: (value: string) => boolean): ValueCheck {
  return (values) => values.length === 1 && accepts(values[0] ?? "");
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
/** Requests and patterns may contain line ends and tabs, but no other terminal control characters. */
const CONTROL_IN_TEXT =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

function isName(value: string, longest: number): boolean {
  return value !== "" && value.length <= longest && !CONTROL.test(value);
}

const name = one((value) => isName(value, 127));
const monitorName = one((value) => isName(value, MAX_MONITOR_NAME));
const monitorType = one((value) => MONITOR_TYPES.has(value));
const flag: ValueCheck = (values) => values.length === 0;

function whole(from: number, to: number): ValueCheck {
  return one((value) => /^\d{1,10}$/.test(value) && Number(value) >= from && Number(value) <= to);
}

function choice(...words: readonly string[]): ValueCheck {
  return one((value) => words.includes(value.toUpperCase()));
}

function text(bytes: number): ValueCheck {
  return one((value) => utf8Length(value) <= bytes && !CONTROL_IN_TEXT.test(value));
}

const onOff = choice("ENABLED", "DISABLED");
const yesNo = choice("YES", "NO");
const address = one((value) => isIP(value) !== 0);

/** `30`, `2 MIN`, `500 MSEC`: milliseconds in steps of ten (error 2169). */
function duration(longest: number): ValueCheck {
  return (values) => {
    const [amount = "", unit = "SEC"] = values;
    return (
      values.length <= 2 &&
      /^\d{1,8}$/.test(amount) &&
      Number(amount) >= 0 &&
      Number(amount) <= longest * (unit === "MSEC" ? 1_000 : 1) &&
      ["SEC", "MIN", "MSEC"].includes(unit) &&
      (unit !== "MSEC" || Number(amount) % 10 === 0)
    );
  };
}

/** At most 16 codes or ranges of codes. */
const codes: ValueCheck = (values) =>
  values.length > 0 && values.length <= 16 && values.every((value) => /^\d+(-\d+)?$/.test(value));

function optionTable(
  table: Readonly<Record<string, ValueCheck>>,
): ReadonlyMap<string, OptionGrammar> {
  return new Map(
    Object.entries(table).map(([spelling, accepts]) => [
      spelling.toLowerCase(),
      { spelling, accepts },
    ]),
  );
}

/** Values of monitor options; the types that accept them are listed above. */
const MONITOR_OPTIONS = optionTable({
  interval: duration(20_940),
  resptimeout: duration(20_939),
  downTime: duration(20_939),
  deviation: duration(20_939),
  retries: whole(1, 127),
  failureRetries: whole(0, 32),
  successRetries: whole(1, 32),
  alertRetries: whole(0, 32),
  resptimeoutThresh: whole(0, 100),
  destIP: address,
  destPort: whole(0, 65_535),
  state: onOff,
  reverse: yesNo,
  transparent: yesNo,
  ipTunnel: yesNo,
  tos: yesNo,
  tosId: whole(1, 63),
  secure: yesNo,
  LRTM: onOff,
  netProfile: name,
  sslProfile: name,
  httpRequest: text(512),
  rtspRequest: text(512),
  respCode: codes,
  customHeaders: text(1_024),
  send: text(512),
  recv: text(24_576),
  trofsCode: whole(1, 999),
  trofsString: text(128),
  query: text(512),
  queryType: choice("ADDRESS", "ZONE", "AAAA"),
  IPAddress: (values) =>
    values.length > 0 && values.length <= 5 && values.every((v) => isIP(v) !== 0),
  userName: text(127),
  password: text(127),
  scriptName: text(63),
  scriptArgs: text(512),
  secureArgs: text(512),
  dispatcherIP: address,
  dispatcherPort: whole(1, 65_535),
  baseDN: text(512),
  bindDN: text(512),
  filter: text(512),
  attribute: text(256),
  group: text(256),
  fileName: text(256),
  database: text(128),
  oracleSid: text(128),
  sqlQuery: text(512),
  evalRule: text(1_500),
  storedb: onOff,
  radKey: text(127),
  radNASid: text(127),
  radNASip: address,
  radAccountType: whole(0, 15),
  radFramedIP: address,
  radAPN: text(127),
  radMSISDN: text(127),
  radAccountSession: text(127),
  snmpOID: text(256),
  snmpCommunity: text(128),
  snmpThreshold: text(32),
  snmpVersion: choice("V1", "V2"),
  sipMethod: choice("OPTIONS", "INVITE", "REGISTER"),
  sipURI: text(255),
  maxForwards: whole(0, 255),
  action: choice("NONE", "LOG", "DOWN"),
});

/**
 * Further options of `add lb monitor`, in lower case: options for Citrix's own products, Diameter, RADIUS accounting,
 * MQTT and gRPC (command reference, NITRO docs), what a saved configuration writes next to a secret, and a comment,
 * which is harmless.
 */
const OTHER_MONITOR_OPTIONS: readonly string[] = [
  "acctapplicationid application authapplicationid domain firmwarerevision grpchealthcheck grpcservicename grpcstatuscode",
  "hostipaddress hostname inbandsecurityid kcdaccount lasversion logonpointname metric metrictable metricthreshold",
  "metricweight mqttclientidentifier mqttversion mssqlprotocolversion originhost originrealm productname",
  "radaccountsession radaccounttype radapn radframedip radmsisdn secondarypassword sipreguri sitepath storefrontacctservice",
  "storefrontcheckbackendservices storename supportedvendorids validatecred vendorid vendorspecificacctapplicationids",
  "vendorspecificauthapplicationids vendorspecificvendorid comment devno encrypted encryptmethod kek suffix",
  "certkeyname CA",
].flatMap((row) => row.split(" "));

const DURATIONS: ReadonlySet<string> = new Set([
  "interval",
  "resptimeout",
  "downtime",
  "deviation",
]);
const SINGLE_VALUED: ReadonlySet<string> = new Set(
  [
    "recv customheaders rtsprequest trofsstring trofscode destip destport retries failureretries",
    "successretries alertretries resptimeoutthresh state reverse transparent iptunnel tos tosid secure",
    "lrtm netprofile sslprofile query querytype username scriptname dispatcherip dispatcherport basedn",
    "binddn filter attribute filename database sqlquery evalrule storedb snmpoid sipmethod sipuri",
  ].flatMap((row) => row.split(" ")),
);

/** Every option of any monitor type. */
export const MONITOR_OPTION_NAMES: OptionNames = optionNames(
  [...[...MONITOR_OPTIONS.values()].map(({ spelling }) => spelling), ...OTHER_MONITOR_OPTIONS],
  mostMonitorValues,
);

/** Durations have a unit, and some options a list; what lint reports itself, such as a send string, is left to it. */
function mostMonitorValues(option: string): number {
  if (DURATIONS.has(option)) {
    return 2;
  }
  return SINGLE_VALUED.has(option) ? 1 : Infinity;
}

function monitorOption(key: string, [, type = ""]: readonly string[]): OptionGrammar | null {
  const taken = MONITOR_TYPE_OPTIONS.get(type);
  const isTaken = taken?.has(key) === true || (key === "secure" && SECURABLE.has(type));
  return isTaken ? (MONITOR_OPTIONS.get(key) ?? null) : null;
}

/** Types that speak UDP: the ADC refuses `-secure YES` for them (NITRO error 2154). */
export const UDP_MONITOR_TYPES: ReadonlySet<string> = new Set(
  "UDP-ECV DNS SNMP RADIUS RADIUS_ACCOUNTING SIP-UDP".split(" "),
);

/**
 * Types for Citrix's own products that use TLS if `-secure YES` is set. Of the others, `CITRIX-AG` always uses it
 * (NITRO docs, lbmonitor, `secure`).
 */
export const SECURABLE: ReadonlySet<string> = new Set(
  (
    "STOREFRONT CITRIX-XML-SERVICE CITRIX-WEB-INTERFACE CITRIX-WI-EXTENDED CITRIX-XD-DDC " +
    "CITRIX-STA-SERVICE CITRIX-XNC-ECV CITRIX-AAC-LOGINPAGE CITRIX-AAC-LAS"
  ).split(" "),
);

const SERVICE_OPTIONS = optionTable({
  healthMonitor: yesNo,
  monThreshold: whole(0, 65_535),
});

const MONITOR_BINDING = optionTable({
  monitorName: name,
  monState: onOff,
  weight: whole(1, 100),
  passive: flag,
});

const POLICY_BINDING = optionTable({
  policyName: name,
  priority: whole(1, 2_147_483_647),
  gotoPriorityExpression: text(1_499),
  type: choice("REQUEST", "RESPONSE"),
  invoke: (values) => values.length === 2 && values.every((value) => isName(value, 127)),
  targetLBVserver: name,
});

const LB_VSERVER_OPTIONS = optionTable({
  persistenceType: choice("SOURCEIP", "COOKIEINSERT", "NONE", "RULE"),
  rule: text(8_191),
  timeout: whole(0, 1_440),
  lbMethod: choice("LEASTCONNECTION", "ROUNDROBIN", "LRTM"),
  cltTimeout: whole(0, 31_536_000),
  AuthenticationHost: text(252),
});

const CS_VSERVER_OPTIONS = optionTable({
  stateupdate: onOff,
  cltTimeout: whole(0, 31_536_000),
  AuthenticationHost: text(252),
});

function grammarOf(
  words: readonly ValueCheck[],
  ...tables: readonly ReadonlyMap<string, OptionGrammar>[]
): CommandGrammar {
  return {
    words,
    option: (key) =>
      tables.map((table) => table.get(key)).find((found) => found !== undefined) ?? null,
  };
}

/** The same options as flags without values: `unset service S -monThreshold`. */
function unset(grammar: CommandGrammar): CommandGrammar {
  return {
    words: grammar.words,
    option: (key, words) => {
      const found = grammar.option(key, words);
      return found === null ? null : { spelling: found.spelling, accepts: flag };
    },
  };
}

const setMonitor: CommandGrammar = { words: [monitorName, monitorType], option: monitorOption };
const setService = grammarOf([name], SERVICE_OPTIONS);
const setLbVserver = grammarOf([name], LB_VSERVER_OPTIONS);
const setCsVserver = grammarOf([name], CS_VSERVER_OPTIONS);
const bindMonitor = grammarOf([name], MONITOR_BINDING);
const unbindMonitor = grammarOf([name], optionTable({ monitorName: name }));
const bindPolicy = grammarOf([name], POLICY_BINDING);
const unbindPolicy = grammarOf(
  [name],
  optionTable({
    policyName: name,
    type: choice("REQUEST", "RESPONSE"),
    priority: whole(1, 2_147_483_647),
  }),
);
const CERTIFICATE = optionTable({ certkeyName: name });
const certificate = grammarOf([name], CERTIFICATE);
const rule = text(8_191);

const COMMANDS: ReadonlyMap<string, CommandGrammar> = new Map([
  ["add lb monitor", setMonitor],
  ["set lb monitor", setMonitor],
  ["unset lb monitor", unset(setMonitor)],
  ["rm lb monitor", grammarOf([monitorName, monitorType])],
  ["bind lb monitor", grammarOf([monitorName], CERTIFICATE)],
  ["unbind lb monitor", grammarOf([monitorName], CERTIFICATE)],
  // The service comes first: `enable lb monitor <serviceName> <monitorName>`.
  ["enable lb monitor", grammarOf([name, monitorName])],
  ["disable lb monitor", grammarOf([name, monitorName])],
  ["set service", setService],
  ["set serviceGroup", setService],
  ["unset service", unset(setService)],
  ["unset serviceGroup", unset(setService)],
  [
    "add service",
    grammarOf([name, name, name, whole(1, 65_535)], optionTable({ td: whole(1, 4_094) })),
  ],
  ["rm service", grammarOf([name])],
  ["bind service", bindMonitor],
  ["bind serviceGroup", bindMonitor],
  ["unbind service", unbindMonitor],
  ["unbind serviceGroup", unbindMonitor],
  ["set lb vserver", setLbVserver],
  ["set cs vserver", setCsVserver],
  ["unset lb vserver", unset(setLbVserver)],
  ["unset cs vserver", unset(setCsVserver)],
  ["bind lb vserver", bindPolicy],
  ["bind cs vserver", bindPolicy],
  ["unbind lb vserver", unbindPolicy],
  ["unbind cs vserver", unbindPolicy],
  ["bind ssl vserver", certificate],
  ["unbind ssl vserver", certificate],
  ["set cs policy", grammarOf([name], optionTable({ rule }))],
  ["add cs policy", grammarOf([name], optionTable({ rule, action: name, logAction: name }))],
  ["rm cs policy", grammarOf([name])],
  ["add authorization policy", grammarOf([name, rule, choice("ALLOW", "DENY")])],
  ["rm authorization policy", grammarOf([name])],
  [
    "add tm trafficAction",
    grammarOf([name], optionTable({ SSO: choice("ON", "OFF"), kcdAccount: name })),
  ],
  ["rm tm trafficAction", grammarOf([name])],
  ["add tm trafficPolicy", grammarOf([name, rule, name])],
  ["rm tm trafficPolicy", grammarOf([name])],
]);

/** NITRO docs, `servicetype` of service and serviceGroup, with the additions of newer firmware. */
export const SERVICE_TYPES: ReadonlySet<string> = new Set([
  ..."HTTP FTP TCP UDP SSL SSL_BRIDGE SSL_TCP DTLS NNTP RPCSVR DNS ADNS SNMP RTSP DHCPRA ANY".split(
    " ",
  ),
  ..."SIP_UDP SIP_TCP SIP_SSL DNS_TCP ADNS_TCP MYSQL MSSQL ORACLE MONGO MONGO_TLS RADIUS".split(
    " ",
  ),
  ..."RADIUSLISTENER RDP DIAMETER SSL_DIAMETER TFTP SMPP PPTP GRE SYSLOGTCP SYSLOGUDP FIX".split(
    " ",
  ),
  ..."SSL_FIX USER_TCP USER_SSL_TCP QUIC QUIC_BRIDGE HTTP_QUIC IPFIX LOGSTREAM LOGSTREAM_SSL".split(
    " ",
  ),
  ..."MQTT MQTT_TLS PUSH SSL_PUSH PROXY SSL_PROXY DOH ADNS_DOH DOT ADNS_DOT DNS_DOT SSL_HTTP2".split(
    " ",
  ),
  ..."KAFKA_BROKER KAFKA_PRODUCER".split(" "),
]);

/** One command of the ADC's command line in structured form. */
export interface Command {
  /** Verb and object as the grammar defines them: `set lb monitor`. */
  readonly kind: string;
  readonly words: readonly Value[];
  /** By name without the hyphen; a flag has no values. */
  readonly options: readonly (readonly [key: string, values: readonly Value[]])[];
}

/** A value, or a placeholder that only the administrator can fill in. */
export type Value = string | Blank;

export interface Blank {
  readonly blank: string;
  /** The text around it, with `{}` for the placeholder: `GET {}`. Absent: none. */
  readonly around?: string;
}

export function isComplete(command: Command): boolean {
  return [...command.words, ...command.options.flatMap(([, values]) => values)].every(
    (value) => typeof value === "string",
  );
}

/**
 * The command as text, with placeholders in angle brackets; null if the grammar rejects it: an unknown command or
 * option, one that this monitor type does not accept, a value out of range, or a name that is too long or contains
 * control characters.
 */
export function writeCommand({ kind, words, options }: Command): string | null {
  const grammar = commandGrammar(kind);
  if (grammar === null || words.length !== grammar.words.length) {
    return null;
  }
  if (!words.every((word, at) => fits([word], grammar.words[at]))) {
    return null;
  }
  const plain = words.map(valueText);
  const parts = [kind, ...plain.map(writeWord)];
  for (const [key, values] of options) {
    const option = grammar.option(key.toLowerCase(), plain);
    if (option === null || !fits(values, option.accepts)) {
      return null;
    }
    parts.push(`-${option.spelling}`, ...values.map(valueText).map(writeWord));
  }
  return parts.join(" ");
}

function fits(
  values: readonly Value[],
  accepts: ((values: readonly string[]) => boolean) | undefined,
): boolean {
  const known = values.filter((value) => typeof value === "string");
  return known.length < values.length ? values.length === 1 : (accepts?.(known) ?? false);
}

function valueText(value: Value): string {
  return typeof value === "string"
    ? value
    : (value.around ?? "{}").replaceAll("{}", () => `<${value.blank}>`);
}
