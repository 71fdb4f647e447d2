/** How a probe speaks TLS: which versions, which name, and whom it trusts. */
export interface TlsSettings {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** SNI; null sends none, which is what a NetScaler monitor does by default (netscaler.md 1.8). */
  readonly serverName: string | null;
  /** Names a verifying client would accept; empty: only the chain and dates are judged. */
  readonly expectedNames: readonly string[];
  /** PEM certificates of the trust anchor; null: the system's. Verification is reported, and fails a probe only if `reject`. */
  readonly ca: string | null;
  readonly rejectUnauthorized: boolean;
  /** Allows old ciphers and signatures (`@SECLEVEL=0`), as an ADC with old settings does. */
  readonly legacy: boolean;
}
export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
export const TLS_VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
