import type { MonitorCredential } from "../../probes/monitors/spec.ts";
import type { Account, ExchangeVersion, TransactionName } from "../../probes/transactions/spec.ts";
import type { Vantage } from "../../probes/probe.ts";
import type { TlsVersion } from "../../probes/wire/tls-settings.ts";

/** What the operator's configuration adds to an estate when probes are planned. */
export interface PlanSettings {
  readonly monitors: ReadonlyMap<string, MonitorSettings>;
  readonly vservers: ReadonlyMap<string, VserverSettings>;
  readonly members: readonly MemberSettings[];
  readonly runs: readonly TransactionRun[];
  readonly accounts: ReadonlyMap<string, Account>;
  /** The ADC's TLS range towards the servers, where firmware's default is not what this ADC does. */
  readonly monitorTls: { readonly min: TlsVersion; readonly max: TlsVersion } | null;
}

export interface MonitorSettings {
  readonly credential: MonitorCredential | null;
  /** The command that stands for a USER monitor's own script. */
  readonly command: readonly string[] | null;
}

export interface VserverSettings {
  /** What a client types: Host header, SNI and the certificate's name. */
  readonly host: string | null;
  readonly names: readonly string[];
  readonly path: string | null;
  /** PEM of the trust anchor for this vserver's certificate. */
  readonly ca: string | null;
  /** Client-facing addresses, `host:port`. */
  readonly public: readonly string[];
}

export interface MemberSettings {
  /** `server:port` pattern with `*`. */
  readonly match: string;
  readonly protocol: MemberProtocol | null;
  readonly exchange: ExchangeVersion | "none" | null;
  readonly path: string | null;
  readonly host: string | null;
}
export type MemberProtocol = "imap" | "pop3" | "smtp" | "https" | "http" | "rpc";

/** One entry of `transactions.run`. */
export interface TransactionRun {
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
