import type { Firmware } from "../../model/estate.ts";
import {
  type BackendTls,
  type SslProfile,
  type TlsVersions,
  TLS_VERSIONS,
  type TlsSettings,
  type TlsVersion,
} from "../../model/tls-settings.ts";

export interface TlsRange {
  readonly min: TlsVersion;
  readonly max: TlsVersion;
}

/** The parts of an estate that determine the ADC's TLS settings for a server. */
export interface MonitorTlsSources {
  /** `set ssl service|serviceGroup`; null if the service itself does not use TLS. */
  readonly service: BackendTls | null;
  /** The profile of the service or group. */
  readonly serviceProfile: SslProfile | null;
  /** The monitor's `-sslProfile`, which takes precedence over the service's settings. */
  readonly monitorProfile: SslProfile | null;
  readonly firmware: Firmware | null;
  /** The operator's override for this ADC: above the firmware's defaults, below the ADC's configuration. */
  readonly override: TlsRange | null;
}

export interface MonitorTls {
  readonly settings: TlsSettings;
  /** Description for `plan`: version range, its source, and SNI. */
  readonly source: string;
}

/**
 * TLS settings of a secure monitor. Versions come from the monitor's profile, else from the service's profile, else from the
 * service; unspecified versions follow the operator's override, else the firmware. SNI is sent only with `-SNIEnable ENABLED`
 * and a `-commonName`. Certificates are not verified, since serverAuth is off by default; the result of a verification is
 * still reported. NetScaler docs: "SSL profiles", "Configure SNI on a back-end service".
 */
export function monitorTlsSettings(sources: MonitorTlsSources): MonitorTls {
  const { text: where, tls } = effectiveSource(sources);
  const fallback = sources.override ?? firmwareRange(sources.firmware);
  const explicit = tls === null ? [] : configuredVersions(tls.versions);
  const enabled = TLS_VERSIONS.filter((version) =>
    tls === null ? inRange(version, fallback) : isEnabled(version, tls.versions, fallback),
  );
  const min = enabled[0] ?? fallback.min;
  const max = enabled.at(-1) ?? fallback.max;
  const serverName = tls !== null && tls.sniEnabled ? tls.commonName : null;
  const origin =
    explicit.length > 0
      ? `configured at the ${where}`
      : sources.override === null
        ? firmwareText(sources.firmware)
        : "from monitor_tls of the configuration";
  return {
    settings: {
      minVersion: min,
      maxVersion: max,
      serverName,
      expectedNames: serverName === null ? [] : [serverName],
      ca: null,
      rejectUnauthorized: false,
      legacy: min === "TLSv1" || min === "TLSv1.1",
    },
    source: `${rangeText(min, max)}, ${origin}; ${serverName === null ? "no SNI" : `SNI ${serverName}`}`,
  };
}

function effectiveSource(sources: MonitorTlsSources): {
  text: string;
  tls: Omit<BackendTls, "sslProfile"> | null;
} {
  const { monitorProfile, serviceProfile, service } = sources;
  if (monitorProfile !== null) {
    return { text: `monitor's profile ${monitorProfile.name}`, tls: monitorProfile };
  }
  if (serviceProfile !== null) {
    return { text: `service's profile ${serviceProfile.name}`, tls: serviceProfile };
  }
  return { text: "service", tls: service };
}

const FLAGS: readonly (readonly [TlsVersion, (versions: TlsVersions) => boolean | null])[] = [
  ["TLSv1", (versions) => versions.tls1],
  ["TLSv1.1", (versions) => versions.tls11],
  ["TLSv1.2", (versions) => versions.tls12],
  ["TLSv1.3", (versions) => versions.tls13],
];

function configuredVersions(versions: TlsVersions): TlsVersion[] {
  return FLAGS.filter(([, flag]) => flag(versions) !== null).map(([version]) => version);
}

function isEnabled(version: TlsVersion, versions: TlsVersions, fallback: TlsRange): boolean {
  const flag = FLAGS.find(([name]) => name === version)?.[1];
  return flag?.(versions) ?? inRange(version, fallback);
}

function inRange(version: TlsVersion, range: TlsRange): boolean {
  const at = TLS_VERSIONS.indexOf(version);
  return at >= TLS_VERSIONS.indexOf(range.min) && at <= TLS_VERSIONS.indexOf(range.max);
}

/**
 * The firmware's default versions towards servers. Versions 1.1 and 1.2 came to the server side with 10.5; TLS 1.3 is off until
 * enabled. Not documented in one place, and platforms differ: hence the override.
 */
function firmwareRange(firmware: Firmware | null): TlsRange {
  const old =
    firmware !== null && (firmware.major < 10 || (firmware.major === 10 && firmware.minor < 5));
  return { min: "TLSv1", max: old ? "TLSv1" : "TLSv1.2" };
}

function firmwareText(firmware: Firmware | null): string {
  return firmware === null
    ? "default of an unknown firmware"
    : `default of firmware ${firmware.major}.${firmware.minor}`;
}

function rangeText(min: TlsVersion, max: TlsVersion): string {
  return min === max ? min : `${min} to ${max}`;
}
