import type { Monitor } from "../../estate/monitor.ts";
import { lockoutKey } from "../../lib/lockout-key.ts";
import type { MonitorCredential, MonitorSpec } from "./spec.ts";

/** For monitors that log in: why this one cannot, in words, or null when it can. */
export function needsCredential(spec: MonitorSpec): string | null {
  const { credential, monitor } = spec;
  if (credential !== null && credential.password !== "") {
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
export function monitorUser({ type, parameters }: Monitor): string | null {
  const { bindDn, userName, scriptArgs } = parameters;
  const own = type.toUpperCase() === "LDAP" ? (bindDn ?? userName) : (userName ?? bindDn);
  const written = own ?? scriptArgument(scriptArgs ?? "", ["bdn", "dbn", "user", "username"]);
  return written === "" ? null : written;
}

/** Arguments of the firmware's scripts: `key=value;key=value`. A value may hold `=`, as distinguished names do. */
function scriptArgument(scriptArgs: string, names: readonly string[]): string | null {
  for (const part of scriptArgs.split(";")) {
    const at = part.indexOf("=");
    if (at > 0 && names.includes(part.slice(0, at).trim().toLowerCase())) {
      return part.slice(at + 1).trim();
    }
  }
  return null;
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
    user === null || (own.username !== "" && lockoutKey(user) !== lockoutKey(own.username));
  return isOwn ? own : { ...own, username: user };
}
