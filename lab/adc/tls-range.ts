import type { TlsVersions } from "../../src/model/tls-settings.ts";

type Version = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** The TLS versions one side speaks. */
export interface TlsRange {
  readonly min: Version;
  readonly max: Version;
}

/** The versions of current firmware if the configuration does not set them. */
export const MODERN_RANGE: TlsRange = { min: "TLSv1.2", max: "TLSv1.3" };

/** Firmware of the time when TLS 1.0 was all there was towards the servers. */
export const TLS10_ONLY: TlsRange = { min: "TLSv1", max: "TLSv1" };

/** The range that `-tls1 -tls11 -tls12 -tls13` leave; versions without a setting follow `fallback`. */
export function tlsRange(configured: TlsVersions, fallback: TlsRange): TlsRange {
  const order: readonly (readonly [Version, boolean | null])[] = [
    ["TLSv1", configured.tls1],
    ["TLSv1.1", configured.tls11],
    ["TLSv1.2", configured.tls12],
    ["TLSv1.3", configured.tls13],
  ];
  const names = order.map(([version]) => version);
  const from = names.indexOf(fallback.min);
  const to = names.indexOf(fallback.max);
  const enabled = order
    .filter(([, isOn], at) => isOn ?? (at >= from && at <= to))
    .map(([version]) => version);
  return { min: enabled[0] ?? fallback.min, max: enabled.at(-1) ?? fallback.max };
}

/** Options of node:tls for a range; versions below 1.2 need the old security level. */
export function tlsVersionOptions(range: TlsRange): {
  minVersion: Version;
  maxVersion: Version;
  ciphers?: string;
} {
  const old = range.min === "TLSv1" || range.min === "TLSv1.1";
  return {
    minVersion: range.min,
    maxVersion: range.max,
    ...(old ? { ciphers: "DEFAULT:@SECLEVEL=0" } : {}),
  };
}
