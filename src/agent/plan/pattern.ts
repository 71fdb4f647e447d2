import { namePattern } from "../../adc/name-pattern.ts";

/** Whether a name matches a pattern in which `*` stands for any run of characters; letter case does not matter. */
export function matchesPattern(pattern: string, name: string): boolean {
  return namePattern(pattern).test(name.toLowerCase());
}

/** Whether `server:port` patterns such as `ex*:443` (or `ex*`, any port) match a member. */
export function matchesMember(pattern: string, server: string, port: number | "*"): boolean {
  const colon = pattern.lastIndexOf(":");
  // A bare IPv6 literal holds colons but no port: it is matched as a whole.
  const hasPort =
    colon > 0 && /^(\d+|\*)$/.test(pattern.slice(colon + 1)) && !pattern.includes("::");
  const serverPattern = hasPort ? pattern.slice(0, colon) : pattern;
  const portPattern = hasPort ? pattern.slice(colon + 1) : "*";
  return (
    matchesPattern(serverPattern, server) && (portPattern === "*" || portPattern === String(port))
  );
}
