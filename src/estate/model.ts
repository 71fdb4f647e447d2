/**
 * The estate: everything an ADC is configured to do that a second opinion must know.
 * Types only. Both readers (ns.conf and NITRO) make the same model; names are NetScaler's own.
 * Durations are milliseconds whatever unit the ADC used; parameters left out carry NetScaler's defaults.
 */

/** A TCP or UDP port, or `*` for a wildcard service (NITRO's 65535). */
export type Port = number | "*";

/** Where a piece of the estate was read: a line of ns.conf, or null when NITRO told it or a default made it. */
export type SourceLine = number | null;

export interface Estate {
  /** Name of the ADC in our configuration. */
  readonly adc: string;
  /** For example `{ major: 13, minor: 1, text: "NS13.1 Build 37.38" }`; null when not told. */
  readonly firmware: Firmware | null;
  /** The NSIP, where known: scripted monitors are sent from it. */
  readonly nsip: string | null;
  readonly snips: readonly string[];
  readonly parameters: AdcParameters;
  readonly servers: ReadonlyMap<string, Server>;
  /** Services and service groups by name; the two share one name space. */
  readonly services: ReadonlyMap<string, AdcService>;
  /** Monitors by name: configured ones, and the built-ins that something refers to. */
  readonly monitors: ReadonlyMap<string, Monitor>;
  readonly lbVservers: ReadonlyMap<string, LbVserver>;
  readonly csVservers: ReadonlyMap<string, CsVserver>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly actions: ReadonlyMap<string, PolicyAction>;
  readonly authenticationVservers: ReadonlyMap<string, AuthenticationVserver>;
  readonly certKeys: ReadonlyMap<string, CertKey>;
  readonly sslProfiles: ReadonlyMap<string, SslProfile>;
  readonly netProfiles: ReadonlyMap<string, NetProfile>;
  readonly diagnostics: readonly Diagnostic[];
  /** Statements understood to be beside the purpose, counted by `verb group object`, so that nothing is silently lost. */
  readonly otherStatements: ReadonlyMap<string, number>;
}

export interface Firmware {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

/** Global settings that change what monitors or vservers do. */
export interface AdcParameters {
  /** `set lb parameter -monitorConnectionClose`: how TCP monitors end their connection. */
  readonly monitorConnectionClose: "FIN" | "RESET";
  /** `set cs parameter -stateupdate ENABLED`. */
  readonly csStateUpdate: boolean;
  /** `set ssl parameter -defaultProfile ENABLED`. */
  readonly sslDefaultProfile: boolean;
}

export interface Server {
  readonly name: string;
  /** IP literal, or null when the server is known by a domain name. */
  readonly address: string | null;
  readonly domain: string | null;
  readonly enabled: boolean;
  readonly trafficDomain: number;
  readonly comment: string | null;
  readonly line: SourceLine;
}

/** A service or a service group: what a monitor is bound to. A service has exactly one member. */
export interface AdcService {
  readonly kind: "service" | "serviceGroup";
  readonly name: string;
  /** HTTP, SSL, TCP, SSL_BRIDGE, UDP, DNS, ANY … in upper case. */
  readonly serviceType: string;
  readonly enabled: boolean;
  /** `-healthMonitor NO` makes the ADC say UP without any probe. */
  readonly healthMonitor: boolean;
  /** 0: all monitors must be up; otherwise the weights of the monitors that are up must reach it. */
  readonly monThreshold: number;
  readonly monConnectionClose: "FIN" | "RESET" | null;
  readonly useSourceIp: boolean;
  readonly netProfile: string | null;
  readonly trafficDomain: number;
  readonly maxClients: number;
  readonly clientTimeoutMs: number | null;
  readonly serverTimeoutMs: number | null;
  readonly autoScale: string | null;
  readonly tls: BackendTls;
  readonly monitors: readonly MonitorBinding[];
  readonly members: readonly Member[];
  readonly comment: string | null;
  readonly line: SourceLine;
}

/** One server:port of a service or service group. */
export interface Member {
  /** Name of the service or group (metrics label `adc_service`). */
  readonly adcService: string;
  /** Name of the server object; the address itself where the configuration names none. */
  readonly server: string;
  readonly address: string | null;
  readonly domain: string | null;
  readonly port: Port;
  /** False when the member, its service or its server is administratively disabled. */
  readonly enabled: boolean;
  readonly weight: number;
  readonly line: SourceLine;
}

export interface MonitorBinding {
  readonly monitor: string;
  /** `-monState DISABLED` on the binding: not probed, not counted. */
  readonly enabled: boolean;
  readonly weight: number;
  readonly passive: boolean;
  /** True for `tcp-default` and `ping-default`, which the ADC binds by itself and never writes to ns.conf. */
  readonly synthesised: boolean;
  /** True when bound in the old form, `bind lb monitor M S`. */
  readonly deprecatedForm: boolean;
  readonly line: SourceLine;
}

/** TLS settings of the ADC's side towards the servers: from `set ssl service|serviceGroup` and its profile. */
export interface BackendTls {
  readonly versions: TlsVersions;
  readonly sniEnabled: boolean;
  readonly commonName: string | null;
  readonly serverAuth: boolean;
  readonly sslProfile: string | null;
}

/** Per version: true or false as configured, null where nothing was said and firmware decides. */
export interface TlsVersions {
  readonly ssl3: boolean | null;
  readonly tls1: boolean | null;
  readonly tls11: boolean | null;
  readonly tls12: boolean | null;
  readonly tls13: boolean | null;
}

export interface SslProfile extends Omit<BackendTls, "sslProfile"> {
  readonly name: string;
  readonly backEnd: boolean;
  readonly line: SourceLine;
}

export interface NetProfile {
  readonly name: string;
  readonly sourceIp: string | null;
  readonly line: SourceLine;
}

export interface Monitor {
  readonly name: string;
  /** In upper case as ns.conf writes it: `TCP-ECV`, `HTTP` … Unknown types are kept as they stand. */
  readonly type: string;
  readonly builtIn: boolean;
  /** `-state DISABLED`. */
  readonly enabled: boolean;
  readonly intervalMs: number;
  readonly responseTimeoutMs: number;
  readonly downTimeMs: number;
  readonly deviationMs: number;
  readonly retries: number;
  readonly failureRetries: number;
  readonly successRetries: number;
  readonly alertRetries: number;
  readonly reverse: boolean;
  readonly transparent: boolean;
  readonly ipTunnel: boolean;
  readonly tos: boolean;
  readonly secure: boolean;
  readonly lrtm: boolean;
  /** Null: the address of the bound member. */
  readonly destIp: string | null;
  /** Null: the port of the bound member. */
  readonly destPort: number | null;
  readonly netProfile: string | null;
  readonly sslProfile: string | null;
  readonly parameters: MonitorParameters;
  /** Every parameter as written, keys in lower case without the dash: nothing is lost. Secrets are replaced by `<secret>`. */
  readonly written: ReadonlyMap<string, readonly string[]>;
  readonly line: SourceLine;
}

/** An inclusive range of response codes. */
export interface CodeRange {
  readonly from: number;
  readonly to: number;
}

/** Parameters that belong to some types only; null where not given. */
export interface MonitorParameters {
  readonly httpRequest: string | null;
  readonly rtspRequest: string | null;
  readonly respCodes: readonly CodeRange[] | null;
  /** Decoded: `\r\n` is two characters CR LF. */
  readonly customHeaders: string | null;
  readonly send: string | null;
  readonly recv: string | null;
  readonly trofsCode: number | null;
  readonly trofsString: string | null;
  readonly query: string | null;
  readonly queryType: string | null;
  readonly ipAddresses: readonly string[];
  readonly userName: string | null;
  /** Where the password stands: only the ADC can read an encrypted one. The secret itself is kept out of the model. */
  readonly password: "none" | "clear" | "encrypted";
  readonly scriptName: string | null;
  readonly scriptArgs: string | null;
  readonly dispatcherIp: string | null;
  readonly dispatcherPort: number | null;
  readonly baseDn: string | null;
  readonly bindDn: string | null;
  readonly filter: string | null;
  readonly attribute: string | null;
  readonly group: string | null;
  readonly fileName: string | null;
  readonly database: string | null;
  readonly sqlQuery: string | null;
  readonly radNasId: string | null;
  readonly radNasIp: string | null;
  readonly snmpOid: string | null;
  readonly snmpThreshold: string | null;
  readonly snmpVersion: "V1" | "V2" | null;
  readonly sipMethod: string | null;
  readonly sipUri: string | null;
  readonly maxForwards: number | null;
  readonly action: string | null;
}

interface VserverCommon {
  readonly name: string;
  readonly serviceType: string;
  /** Null for a non-addressable vserver (`0.0.0.0 0`), reached through a content-switching one. */
  readonly address: string | null;
  readonly port: Port | null;
  /** Number of consecutive addresses (`-range n`). */
  readonly range: number;
  readonly enabled: boolean;
  readonly trafficDomain: number;
  readonly clientTimeoutMs: number | null;
  readonly redirectUrl: string | null;
  readonly redirectFromPort: number | null;
  readonly httpsRedirectUrl: string | null;
  readonly backupVserver: string | null;
  readonly authentication: VserverAuthentication;
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
  readonly comment: string | null;
  readonly line: SourceLine;
}

export interface LbVserver extends VserverCommon {
  readonly kind: "lb";
  readonly method: string;
  readonly persistence: Persistence;
  readonly services: readonly ServiceBinding[];
  readonly healthThreshold: number;
}

export interface CsVserver extends VserverCommon {
  readonly kind: "cs";
  /** As configured on the vserver or by `set cs parameter`: without it the vserver is UP whatever its targets are. */
  readonly stateUpdate: boolean;
  readonly caseSensitive: boolean;
  readonly defaultTarget: string | null;
  readonly targets: readonly CsBinding[];
}

export type Vserver = LbVserver | CsVserver;

export interface Persistence {
  /** NONE, SOURCEIP, COOKIEINSERT, RULE, SSLSESSION, SRCIPDESTIP … */
  readonly type: string;
  readonly timeoutMs: number;
  readonly rule: string | null;
  readonly cookieName: string | null;
}

export interface VserverAuthentication {
  /** `-Authentication ON`: form-based, a redirect to the AAA login. */
  readonly form: boolean;
  /** `-authn401 ON`. */
  readonly http401: boolean;
  readonly host: string | null;
  readonly vserver: string | null;
  readonly profile: string | null;
}

export interface ServiceBinding {
  readonly service: string;
  readonly weight: number;
  readonly line: SourceLine;
}

/** A content-switching decision: this policy sends to that load-balancing vserver. */
export interface CsBinding {
  readonly policy: string;
  readonly target: string | null;
  readonly priority: number | null;
  readonly line: SourceLine;
}

export interface PolicyBinding {
  readonly policy: string;
  readonly priority: number | null;
  readonly goto: string | null;
  readonly bindPoint: "REQUEST" | "RESPONSE" | null;
  readonly line: SourceLine;
}

/** A policy of any feature, with the literals of its rule that a probe needs to match it. */
export interface Policy {
  readonly name: string;
  /** `cs`, `rewrite`, `responder`, `authorization`, `tm traffic`, `tm session`, `authentication`, `cache`, `feo`, `cmp` … */
  readonly feature: string;
  readonly rule: string;
  readonly action: string | null;
  readonly literals: RuleLiterals;
  readonly line: SourceLine;
}

/** URL and host literals found in a rule, in order of appearance. */
export interface RuleLiterals {
  readonly urls: readonly RuleLiteral[];
  readonly hosts: readonly RuleLiteral[];
  /** True when the rule holds nothing but these literals joined by OR: a request built from one literal matches. */
  readonly exact: boolean;
}

export interface RuleLiteral {
  readonly operator: "EQ" | "STARTSWITH" | "CONTAINS" | "ENDSWITH" | "PATTERN";
  readonly value: string;
  readonly ignoreCase: boolean;
  readonly negated: boolean;
}

export interface PolicyAction {
  readonly name: string;
  readonly feature: string;
  /** Rewrite: `replace`, `insert_http_header` …; responder: `redirect`, `respondwith` …; cs: `forward`. */
  readonly type: string;
  readonly target: string | null;
  readonly expression: string | null;
  readonly line: SourceLine;
}

export interface AuthenticationVserver {
  readonly name: string;
  readonly address: string | null;
  readonly port: Port | null;
  readonly domain: string | null;
  /** What is bound to it: login, session and traffic policies. Absent when the reader could not tell. */
  readonly policies?: readonly PolicyBinding[];
  readonly line: SourceLine;
}

export interface CertKey {
  readonly name: string;
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
  readonly linkedTo: string | null;
  /** Facts only NITRO knows. */
  readonly serial: string | null;
  readonly subject: string | null;
  readonly daysToExpiration: number | null;
  readonly line: SourceLine;
}

export interface CertKeyBinding {
  readonly certKey: string;
  readonly sni: boolean;
  readonly ca: boolean;
  readonly line: SourceLine;
}

/** What a reader of the configuration must know. */
export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  /** Stable identifier in snake_case. */
  readonly rule: string;
  readonly line: SourceLine;
  readonly object: string;
  readonly message: string;
}
