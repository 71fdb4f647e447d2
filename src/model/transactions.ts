import type { TlsSettings } from "./tls-settings.ts";
import type { Sealed } from "../lib/secret.ts";

/** Client-like exchanges. The first group needs no account (the anonymous looks). */
const ANONYMOUS_TRANSACTIONS = [
  "imap_greeting",
  "pop3_greeting",
  "smtp_greeting",
  "smtp_mail_from",
  "https_challenge",
  "web_answer",
  "health_page",
  "rpc_endpoint_map",
  "ldap_root",
  "dns_lookup",
  "ntp_time",
] as const;
export const ACCOUNT_TRANSACTIONS = [
  "imap_login",
  "pop3_login",
  "smtp_submission",
  "mail_round_trip",
  "owa_form",
  "eas_options",
  "ews_folder",
  "autodiscover",
  "mapi_endpoint",
  "oab",
  "rpc_echo",
  "ldap_bind",
] as const;
export const TRANSACTIONS = [...ANONYMOUS_TRANSACTIONS, ...ACCOUNT_TRANSACTIONS] as const;
export type TransactionName = (typeof TRANSACTIONS)[number];
/** Ports for mail submission, which requires a login; on others, servers relay with or without TLS. */
const SUBMISSION_PORTS: ReadonlySet<number> = new Set([587, 465]);
export function isSubmissionPort(port: number | "*"): boolean {
  return port !== "*" && SUBMISSION_PORTS.has(port);
}
/** One transaction against one endpoint, ready to run. */
export interface TransactionSpec {
  readonly transaction: TransactionName;
  /**
   * How TLS starts; only `none` has null TLS settings. `starttls_if_offered` is for looks, which send no secret: without an
   * offer they use clear text.
   */
  readonly security: "none" | "implicit" | "starttls" | "starttls_if_offered";
  readonly tls: TlsSettings | null;
  /** Host header, EHLO peer, certificate name: what a client would type. */
  readonly host: string;
  /** HTTP path for the web ones, for example `/owa/`. */
  readonly path: string | null;
  readonly account: Account | null;
  /** Whether the configuration allows a credential without TLS. */
  readonly allowPlaintext: boolean;
  /** `blocked`: the path must not be reachable; an answer by Exchange is then the failure. */
  readonly expect: "works" | "blocked";
  readonly exchange: ExchangeVersion | null;
  /** Redirects and login pages the ADC is configured to answer with at this vserver. */
  readonly adc: AdcFront | null;
  /** Transaction-specific options, validated by configuration: `padding_bytes`, `outside_address`, `query` … */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
export type ExchangeVersion = "2010" | "2013" | "2016" | "2019" | "SE";
export interface Account {
  readonly name: string;
  readonly username: string;
  /** Mail address of the probe's own mailbox. */
  readonly address: string | null;
  readonly password: Sealed;
  readonly domain: string | null;
}
/** What the ADC does in front of a VIP's servers. */
export interface AdcFront {
  /** `own`: the vserver is an authentication vserver. */
  readonly authentication: "none" | "form" | "401" | "own";
  readonly authenticationHost: string | null;
  /** A `-redirectURL` or redirect responder that answers instead of a server. */
  readonly redirectUrl: string | null;
  /** For looks: clients connect to this vserver itself, so `/` may work even if the monitor's page is rejected. */
  readonly rootIsItsOwn?: boolean;
}
