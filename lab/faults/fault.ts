import type { CertificateName } from "../certificates/lab-certificate.ts";
import type { LabTlsVersion } from "../exchange/condition.ts";

/** One thing a broken server does on a connection. */
export type Step =
  | { readonly send: string | Buffer }
  /** Waits for input from the client: any byte, a line, or the head of an HTTP request. */
  | { readonly await: "data" | "line" | "head" }
  /** Sends one byte at a time. */
  | { readonly drip: string; readonly everyMs: number }
  /** Sends the same again and again, as fast as the client reads, until it leaves. */
  | { readonly repeat: string }
  /** Answers each line; null: no answer. Ends when the client leaves. */
  | { readonly talk: (line: string) => string | Buffer | null }
  /** Requests a new handshake from the client on the running TLS 1.2 connection. */
  | { readonly renegotiate: true }
  | { readonly end: "reset" | "close" | "half_close" | "silence" };

/** How TLS is handled before the steps; without it they run on the plain connection. */
export interface FaultTls {
  readonly certificate: CertificateName;
  readonly min?: LabTlsVersion;
  readonly max?: LabTlsVersion;
  /** OpenSSL's cipher string. */
  readonly ciphers?: string;
  readonly demandsClientCertificate?: boolean;
}

/** A way in which a server can be broken. */
export interface Fault {
  /** What it does, in a few words. */
  readonly about: string;
  readonly steps: readonly Step[] | "healthy";
  readonly tls?: FaultTls;
  /** How TCP connections are handled. Default `accepts`. */
  readonly listener?: "accepts" | "refuses" | "drops_syn";
}

/** Milliseconds between bytes of what drips. */
export const DRIP_MS = 1_000;
