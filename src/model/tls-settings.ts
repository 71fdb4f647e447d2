import type { SourceLine } from "./source-line.ts";

/** How a probe speaks TLS: which versions, which name, and which issuers it trusts. */
export interface TlsSettings {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** SNI; null sends none, which is what a NetScaler monitor does by default (netscaler.md 1.8). */
  readonly serverName: string | null;
  /** Names a verifying client would accept; empty: only the chain and dates are judged. */
  readonly expectedNames: readonly string[];
  /** Further names that the certificate is checked for, which decide nothing about the probe itself. */
  readonly checkedNames?: readonly string[];
  /** PEM certificates of the trust anchor; null: the system's. Verification is reported, and fails a probe only if `reject`. */
  readonly ca: string | null;
  readonly rejectUnauthorized: boolean;
  /** How the server must prove who it is before a secret is sent to it; default: by its certificate. */
  readonly proof?: ServerProof;
  /** Allows old ciphers and signatures (`@SECLEVEL=0`), as an ADC with old settings does. */
  readonly legacy: boolean;
}
/** What counts as proof that a server is the one meant; see `unprovenServer`. */
export type ServerProof =
  /** The chain and its dates verify against `ca`, and the certificate holds one of `expectedNames`. */
  | { readonly kind: "certificate" }
  /** The leaf certificate is one of these (SHA-256, lower-case hex), regardless of issuer, names and dates. */
  | { readonly kind: "pinned"; readonly sha256: readonly string[] }
  /** The operator set `verify: false`: the secret is sent to an unverified server. */
  | { readonly kind: "unverified" };

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
export const TLS_VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** TLS settings of the ADC's side towards the servers: from `set ssl service|serviceGroup` and its profile. */
export interface BackendTls {
  readonly versions: TlsVersions;
  readonly sniEnabled: boolean;
  readonly commonName: string | null;
  readonly serverAuth: boolean;
  readonly sslProfile: string | null;
}

/** Per version: true or false as configured, null where nothing is configured and firmware decides. */
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
  /** `-clientAuth ENABLED`: clients are asked for a certificate, and refused without one unless it is optional. */
  readonly clientAuth: boolean;
  readonly clientCertificate: "MANDATORY" | "OPTIONAL" | null;
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
