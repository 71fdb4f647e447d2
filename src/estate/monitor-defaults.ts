import type { CodeRange, Monitor, MonitorParameters } from "./monitor.ts";

/** What a reader knows of a monitor before NetScaler's defaults fill the rest. */
export type PartialMonitor = Partial<Omit<Monitor, "name" | "type" | "parameters">> &
  Pick<Monitor, "name" | "type"> & { readonly parameters?: Partial<MonitorParameters> };

/**
 * Completes a monitor with NetScaler's defaults, first those of every type (interval 5 s, response time-out 2 s, down
 * time 30 s, three retries), then those of its own type. An explicit null counts as given, a missing key as default.
 * Source: NetScaler command reference, `add lb monitor`.
 *
 * `LRTM` has no documented default: `show lb monitor` of 10.5 shows it ENABLED for a monitor that was added without it, and
 * DISABLED for the built-in `tcp`. The documented default query of DNS monitors is the root; it stays null here.
 */
export function monitorWithDefaults(partial: PartialMonitor): Monitor {
  const { parameters, ...common } = partial;
  return {
    ...COMMON_DEFAULTS,
    ...common,
    parameters: { ...NO_PARAMETERS, ...typeDefaults(partial.type), ...parameters },
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

const COMMON_DEFAULTS: Omit<Monitor, "name" | "type" | "parameters"> = {
  builtIn: false,
  enabled: true,
  intervalMs: 5_000,
  responseTimeoutMs: 2_000,
  downTimeMs: 30_000,
  deviationMs: 0,
  retries: 3,
  failureRetries: 0,
  successRetries: 1,
  alertRetries: 0,
  reverse: false,
  transparent: false,
  ipTunnel: false,
  tos: false,
  secure: false,
  lrtm: true,
  destIp: null,
  destPort: null,
  netProfile: null,
  sslProfile: null,
  written: new Map(),
  line: null,
};

const NO_PARAMETERS: MonitorParameters = {
  httpRequest: null,
  rtspRequest: null,
  respCodes: null,
  customHeaders: null,
  send: null,
  recv: null,
  trofsCode: null,
  trofsString: null,
  query: null,
  queryType: null,
  ipAddresses: [],
  userName: null,
  password: "none",
  scriptName: null,
  scriptArgs: null,
  dispatcherIp: null,
  dispatcherPort: null,
  baseDn: null,
  bindDn: null,
  filter: null,
  attribute: null,
  group: null,
  fileName: null,
  database: null,
  sqlQuery: null,
  radNasId: null,
  radNasIp: null,
  snmpOid: null,
  snmpThreshold: null,
  snmpVersion: null,
  sipMethod: null,
  sipUri: null,
  maxForwards: null,
  action: null,
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
      return { dispatcherIp: "127.0.0.1", dispatcherPort: 3013 };
    default: {
      const scriptName = SCRIPT_OF_TYPE.get(type);
      return scriptName === undefined
        ? {}
        : { scriptName, dispatcherIp: "127.0.0.1", dispatcherPort: 3013 };
    }
  }
}
