import type { HostPort } from "../lib/host-port.ts";
import type { TlsVersion } from "../model/tls-settings.ts";
import type { Secret } from "../lib/secret.ts";
import type { ExchangeVersion, TransactionName } from "../model/transactions.ts";
import type { Vantage } from "../model/observation.ts";
import type { Urgency, Verdict } from "../model/verdicts.ts";
import type { WindowConfig } from "../model/window.ts";
import type { LintIgnore } from "../lint/settings.ts";

/**
 * The configuration as the agent uses it: validated, complete, durations in milliseconds, paths absolute, files of
 * secrets and certificates already read. Types only; `load.ts` makes it.
 */
export interface Config {
  /** The file it was read from, or the name given to a text. */
  readonly file: string;
  /** This vantage point's name. */
  readonly agent: string;
  readonly stateDir: string;
  readonly sourceAddresses: readonly string[];
  readonly adcs: readonly AdcConfig[];
  /** As configured: from `host:port`, `[v6]:port` or `host` to the same forms. */
  readonly connectTo: Readonly<Record<string, string>>;
  readonly unmapped: "allow" | "refuse";
  /** Addresses and CIDR ranges of the agent's own host that imported targets may use. */
  readonly allowTargets: readonly string[];
  /** DNS servers for client-facing names, as address with optional port; empty: the system's. */
  readonly dnsServers: readonly string[];
  readonly monitors: ReadonlyMap<string, MonitorConfig>;
  readonly vservers: ReadonlyMap<string, VserverConfig>;
  readonly members: readonly MemberConfig[];
  /** Kinds of looks that are made by default; absent: all. */
  readonly looks?: LookSettings;
  /** Absent: nothing. */
  readonly exclude?: readonly ExcludeConfig[];
  /** Position of a path in the file; absent if there is no file. */
  readonly locate?: (path: readonly (string | number)[]) => {
    readonly line: number;
    readonly column: number;
  };
  readonly transactions: {
    readonly accounts: readonly AccountConfig[];
    readonly run: readonly TransactionRunConfig[];
  };
  readonly maintenance: MaintenanceConfig;
  readonly controlTargets: readonly Endpoint[];
  readonly probe: ProbeOptions;
  /** Minimum time between two runs of a replica, regardless of the ADC's interval. */
  readonly minProbeIntervalMs: number;
  /** Timeout of an anonymous look. */
  readonly lookTimeoutMs: number;
  readonly metrics: { readonly phases: boolean };
  readonly lint: { readonly ignore: readonly LintIgnore[] };
  readonly notify: readonly NotifyConfig[];
  readonly web: WebConfig;
  /** This agent's share, or null when it has the whole estate. */
  readonly shard: { readonly index: number; readonly count: number } | null;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" };
  /** The file's own form with defaults filled in and secrets masked, for /config; see `maskedConfig`. */
  readonly shown: unknown;
}
export type Endpoint = HostPort & { readonly port: number };
export interface AdcConfig {
  readonly name: string;
  readonly nitro: NitroConfig | null;
  /** Absolute path of an ns.conf that was readable when the configuration was loaded. */
  readonly nsConf: string | null;
  /** TLS versions of the ADC's own monitors, if they differ from the firmware's default. */
  readonly monitorTls: { readonly min: TlsVersion; readonly max: TlsVersion } | null;
  /** The DNS servers to query for GSLB names; empty or absent: the ADC's ADNS services. */
  readonly adns?: readonly Endpoint[];
}
export interface NitroConfig {
  /** Origins without a final slash, for example `https://ns1.example.com`. */
  readonly urls: readonly string[];
  readonly username: string;
  readonly password: Secret;
  readonly tls: {
    readonly verify: boolean;
    /** PEM, already read; null: the system's trust store. */
    readonly ca: string | null;
    readonly serverName: string | null;
    /** Pinned certificates, SHA-256 in lower-case hex. */
    readonly fingerprints?: readonly string[];
  };
  /** Admin partition; null or absent: the default one. */
  readonly partition?: string | null;
  readonly importEveryMs: number;
  readonly pollEveryMs: number;
  readonly timeoutMs: number;
}
/** How a server is authenticated before a secret is sent to it; absent keys are not configured. */
export interface ServerTrust {
  /** PEM, already read; null: the system's trust store. */
  readonly ca?: string | null;
  /** Pinned leaf certificates, SHA-256 in lower-case hex. */
  readonly fingerprints?: readonly string[];
  /** The name expected in the certificate, also sent as SNI. */
  readonly serverName?: string | null;
  /** False: the secret is sent to an unverified server. */
  readonly verify?: boolean;
}
export interface MonitorConfig {
  readonly username: string | null;
  readonly password: Secret | null;
  /** RADIUS shared secret or SNMP community. */
  readonly secret: Secret | null;
  readonly command: readonly string[] | null;
  /** False: over TLS the secret is sent to an unverified server; absent means true. */
  readonly verify?: boolean;
  /** Patterns of servers or addresses that may receive the secrets; absent: those they were first used with. */
  readonly servers?: readonly string[];
}
/** An exclusion from probing, or only from judging, with its reason. */
export interface ExcludeConfig {
  readonly what: "monitor" | "member" | "vserver";
  /** Name, or `server:port` of a member, with `*`. */
  readonly pattern: string;
  readonly from: "probing" | "judging";
  readonly reason: string;
}
export type LookKind = "mail" | "web" | "ldap" | "dns" | "ntp";
export type LookSettings = Readonly<Record<LookKind, boolean>>;
export interface VserverConfig extends ServerTrust {
  readonly host: string | null;
  readonly names: readonly string[];
  readonly path: string | null;
  /** PEM, already read. */
  readonly ca: string | null;
  /** `host:port`. */
  readonly public: readonly string[];
  /** If the ADC re-encrypts, it and all members must present the same certificate; absent: false. */
  readonly sameCertificate?: boolean;
  /** Looks through it and at its exclusive members; absent kinds use the top-level setting. */
  readonly looks?: Partial<LookSettings>;
}
export interface MemberConfig extends ServerTrust {
  /** `server:port` pattern with `*`. */
  readonly match: string;
  readonly protocol:
    "imap" | "pop3" | "smtp" | "https" | "http" | "rpc" | "ldap" | "dns" | "ntp" | null;
  readonly exchange: ExchangeVersion | "none" | null;
  readonly path: string | null;
  readonly host: string | null;
  readonly security?: "none" | "starttls" | "implicit" | null;
  /** The name whose SOA record a DNS look queries. */
  readonly query?: string;
  readonly looks?: Partial<LookSettings>;
}
export interface AccountConfig extends ServerTrust {
  readonly name: string;
  readonly username: string;
  readonly address: string | null;
  readonly domain: string | null;
  readonly password: Secret;
}
export interface TransactionRunConfig {
  readonly transaction: TransactionName;
  readonly account: string | null;
  readonly everyMs: number | null;
  readonly timeoutMs: number | null;
  readonly vantages: readonly Vantage[];
  /** Empty lists match everything. */
  readonly members: {
    readonly servers: readonly string[];
    readonly ports: readonly number[];
    readonly adcServices: readonly string[];
    readonly vservers: readonly string[];
  };
  readonly path: string | null;
  readonly host: string | null;
  readonly security: "none" | "implicit" | "starttls" | null;
  readonly expect: "works" | "blocked";
  readonly allowPlaintext: boolean;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
export interface MaintenanceConfig {
  /** Bearer token of writes; null: writes are refused. */
  readonly token: Secret | null;
  readonly stabilityMs: number;
  /** Undeclared maintenance is overdue this long after the last good response. */
  readonly overdueAfterMs: number;
  readonly windows: readonly WindowConfig[];
}
/** Probe behaviour that NetScaler's documentation does not specify; the defaults are the more likely choice. */
export interface ProbeOptions {
  /** UNCONFIRMED: a Host header by default suggests 1.1. */
  readonly httpVersion: "1.0" | "1.1";
  /** UNCONFIRMED; null sends none. */
  readonly userAgent: string | null;
  /** UNCONFIRMED: result of a `-reverse YES` TCP monitor whose connection times out. */
  readonly tcpReverseTimeout: "fail" | "pass";
  /** Citrix docs: a TCP-ECV pattern must arrive within 16 TCP segments; the agent counts reads instead. */
  readonly tcpEcvSegments: number;
}
export interface WebConfig {
  /** Host is empty to listen on every address. */
  readonly listen: readonly Endpoint[];
  /** Absolute path of exporter-toolkit's web configuration. */
  readonly configFile: string | null;
  readonly hosts: readonly string[];
  /** URL of the page for people, without a final slash; null: not configured. */
  readonly externalUrl: string | null;
}
/** Notifiers with their filters. */
export interface NotifyConfig {
  readonly name: string;
  readonly when: {
    /** The lowest that is sent. */
    readonly severity: Urgency;
    /** Empty lists match everything. */
    readonly verdicts: readonly Verdict[];
    readonly adcs: readonly string[];
    readonly servers: readonly string[];
    readonly vservers: readonly string[];
  };
  readonly receiver: Receiver;
  readonly groupWaitMs: number;
  readonly repeatMs: number;
}
export type Receiver = MailReceiver | WebhookReceiver | CommandReceiver;
export interface MailReceiver {
  readonly kind: "mail";
  readonly host: string;
  readonly port: number;
  readonly security: "auto" | "starttls" | "implicit" | "none";
  readonly from: string;
  readonly to: readonly string[];
  readonly login: { readonly username: string; readonly password: Secret } | null;
  /** PEM, already read; null: the system's trust store. */
  readonly ca: string | null;
  readonly serverName: string | null;
  readonly verify: boolean;
}
export interface WebhookReceiver {
  readonly kind: "webhook";
  /** A secret: whoever knows it can post there. */
  readonly url: Secret;
  readonly template: WebhookTemplate;
  readonly ca: string | null;
  readonly verify: boolean;
}
export type WebhookTemplate =
  { readonly kind: "json" | "slack" | "teams" } | { readonly kind: "own"; readonly text: string };
export interface CommandReceiver {
  readonly kind: "command";
  readonly command: readonly string[];
}
