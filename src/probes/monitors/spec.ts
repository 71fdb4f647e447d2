import type { Monitor } from "../../model/monitor.ts";
import { lockoutKeyOf } from "../../lib/lockout-key.ts";
import type { Probe } from "../probe.ts";
import { NO_SECRET, type Sealed } from "../../lib/secret.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { scriptUser } from "./script-arguments.ts";

/** For monitors that log in: why this one cannot, in words, or null when it can. */
export function needsCredential(spec: MonitorSpec): string | null {
  const { credential, monitor } = spec;
  if (credential !== null && credential.password !== NO_SECRET) {
    // An empty user name is never sent: it would be somebody else's failed login.
    return credential.username === ""
      ? `neither the ADC's monitor nor monitors.${monitor.name} names a user`
      : null;
  }
  const what = monitorUser(monitor) === null ? "username and password_file" : "password_file";
  const how = `configure monitors.${monitor.name} with ${what}`;
  return monitor.parameters.password === "encrypted"
    ? `the password is encrypted and only the ADC can read it: ${how}`
    : `this monitor logs in and has no credential here: ${how}`;
}

/**
 * Whom the ADC's own monitor logs in as: `-bindDN`, `-userName`, or the user in a script's arguments (`bdn` or `dbn` of
 * nsldap.pl, `user` of the others); null when it names nobody.
 */
export function monitorUser(monitor: Monitor): string | null {
  const { bindDn, userName } = monitor.parameters;
  const own = monitor.type.toUpperCase() === "LDAP" ? (bindDn ?? userName) : (userName ?? bindDn);
  const written = own ?? scriptUser(monitor);
  return written === "" ? null : written;
}

/**
 * What a monitor's replica sends: the user that the monitor has, with the password of our configuration. A user of the
 * configuration with another lockout key takes its place, since the password was written for it.
 */
export function monitorCredential(
  monitor: Monitor,
  own: MonitorCredential | null,
): MonitorCredential | null {
  if (own === null) {
    return null;
  }
  const user = monitorUser(monitor);
  const isOwn =
    user === null || (own.username !== "" && lockoutKeyOf(user) !== lockoutKeyOf(own.username));
  return isOwn ? own : { ...own, username: user };
}

/** One monitor as bound to one member, ready to run. */
export interface MonitorSpec {
  readonly monitor: Monitor;
  /** Address the default `Host` header carries: the bound member's, also where `destIP` points elsewhere. */
  readonly hostHeader: string;
  /** Present when the monitor is `-secure YES` (or its type is TLS by itself). */
  readonly tls: TlsSettings | null;
  /** What the ADC keeps encrypted, from our own configuration. */
  readonly credential: MonitorCredential | null;
  /** Why the credential that is configured is kept from this probe, in words; null or left out: it is not. */
  readonly withheld?: string | null;
  /** For monitors that run a script on the ADC: the command that stands for it. */
  readonly command: readonly string[] | null;
  /** A request other than the monitor's own, at a VIP behind content switching: path and Host of the policy. */
  readonly viaVip: VipRequest | null;
  /** How the ADC ends the connection of a TCP monitor (`monitorConnectionClose`); FIN when left out. */
  readonly closeMode?: "FIN" | "RESET";
  /** Names to try as SNI when a handshake without one has failed, for the diagnosis only. */
  readonly diagnosticNames?: readonly string[];
  /** What NetScaler's documentation leaves open, as this ADC does it; the likelier habits when left out. */
  readonly habits?: AdcQuirks;
}

/** UNCONFIRMED behaviour of the ADC's own probes, for the operator to set (`probe:` of the configuration). */
export interface AdcQuirks {
  readonly httpVersion: "1.0" | "1.1";
  readonly userAgent: string | null;
  /** Result of a `-reverse YES` TCP monitor whose connection times out. */
  readonly tcpReverseTimeout: "fail" | "pass";
  /** A TCP-ECV pattern must come within so many TCP segments. */
  readonly tcpEcvSegments: number;
}

export interface MonitorCredential {
  readonly username: string;
  readonly password: Sealed;
  /** RADIUS shared secret, SNMP community. */
  readonly secret: Sealed | null;
}

interface VipRequest {
  readonly host: string | null;
  readonly path: string | null;
}

/** One NetScaler monitor type: its probe and what its semantics say around it. One per file, listed in registry.ts. */
export interface MonitorType {
  readonly type: string;
  readonly probe: Probe<MonitorSpec>;
  /** Table of netscaler.md 1.6: which outcomes pass when `-reverse YES`. */
  readonly reversePasses: readonly ("match" | "mismatch" | "refused" | "timeout")[];
  /** Where the ADC itself sends it from: scripted monitors use the NSIP (netscaler.md 1.7). */
  readonly source: "SNIP" | "NSIP";
  readonly transport: "tcp" | "udp" | "icmp";
  /** Whether an answer through a VIP says anything about the service: TCP, TLS and PING say nothing there. */
  readonly meaningfulAtVip: boolean;
  readonly defaultPort: number | null;
  /** Why this monitor cannot be repeated with this configuration, in words, or null when it can. */
  readonly unsupported: (spec: MonitorSpec) => string | null;
}
