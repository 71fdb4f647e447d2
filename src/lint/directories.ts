/** Exchange's virtual directories. */
export type Directory =
  "owa" | "ecp" | "ews" | "mapi" | "rpc" | "oab" | "autodiscover" | "activesync";

const PATTERNS: readonly (readonly [RegExp, Directory])[] = [
  [/(^|[^a-z])owa([^a-z]|$)/i, "owa"],
  [/(^|[^a-z])ecp([^a-z]|$)/i, "ecp"],
  [/(^|[^a-z])ews([^a-z]|$)/i, "ews"],
  [/(^|[^a-z])mapi([^a-z]|$)/i, "mapi"],
  [/(^|[^a-z])(rpc|outlook[ _-]?anywhere|oa)([^a-z]|$)/i, "rpc"],
  [/(^|[^a-z])oab([^a-z]|$)/i, "oab"],
  [/autodiscover/i, "autodiscover"],
  [/activesync|^\/?microsoft|(^|[^a-z])(eas|as)([^a-z]|$)/i, "activesync"],
];

/** The directory that a path, a rule's literal or a vserver's name speaks of; null when it speaks of none. */
export function directoryOf(text: string): Directory | null {
  return PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}

/** Directories whose clients log in by NTLM or Kerberos: Outlook, in all its ways. */
export const NTLM_DIRECTORIES: readonly Directory[] = ["ews", "mapi", "rpc", "oab", "autodiscover"];
