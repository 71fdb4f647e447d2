/** Exchange's virtual directories. */
export type Directory =
  "owa" | "ecp" | "ews" | "mapi" | "rpc" | "oab" | "autodiscover" | "activesync";

const PATHS: readonly (readonly [RegExp, Directory])[] = [
  [/^\/owa(\/|$)/i, "owa"],
  [/^\/ecp(\/|$)/i, "ecp"],
  [/^\/ews(\/|$)/i, "ews"],
  [/^\/mapi(\/|$)/i, "mapi"],
  [/^\/rpc(\/|$)/i, "rpc"],
  [/^\/oab(\/|$)/i, "oab"],
  [/^\/autodiscover(\/|$)/i, "autodiscover"],
  [/^\/microsoft(-server-activesync|$)/i, "activesync"],
];

/** The directory that a path or a rule's literal speaks of; null when it speaks of none. */
export function directoryOf(path: string): Directory | null {
  return PATHS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

const NAMES: readonly (readonly [RegExp, Directory])[] = [
  [/(^|[^a-z])owa([^a-z]|$)/i, "owa"],
  [/(^|[^a-z])ecp([^a-z]|$)/i, "ecp"],
  [/(^|[^a-z])ews([^a-z]|$)/i, "ews"],
  [/(^|[^a-z])mapi([^a-z]|$)/i, "mapi"],
  [/(^|[^a-z])(rpc|outlook[ _-]?anywhere)([^a-z]|$)/i, "rpc"],
  [/(^|[^a-z])oab([^a-z]|$)/i, "oab"],
  [/autodiscover/i, "autodiscover"],
  [/activesync|(^|[^a-z])eas([^a-z]|$)/i, "activesync"],
];

/** The directory that an object's name speaks of. */
export function directoryOfName(name: string): Directory | null {
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** Where a directory lies, as clients and health pages write it. */
export const DIRECTORY_PATH: Readonly<Record<Directory, string>> = {
  owa: "/owa",
  ecp: "/ecp",
  ews: "/ews",
  mapi: "/mapi",
  rpc: "/rpc",
  oab: "/oab",
  autodiscover: "/Autodiscover",
  activesync: "/Microsoft-Server-ActiveSync",
};

/** Directories whose clients log in by NTLM or Kerberos: Outlook, in all its ways. */
export const NTLM_DIRECTORIES: readonly Directory[] = ["ews", "mapi", "rpc", "oab", "autodiscover"];
