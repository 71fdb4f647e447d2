import type { Monitor, MonitorParameters } from "../../model/monitor.ts";

/** What a firmware's script is given in `-scriptArgs`, as parameters of the monitor type whose exchange it makes. */
export type ScriptReading =
  | { readonly kind: "read"; readonly parameters: Partial<MonitorParameters> }
  | { readonly kind: "unreadable"; readonly why: string };

type TextParameter = "baseDn" | "bindDn" | "filter" | "attribute" | "userName" | "fileName";
type Parameter = TextParameter | "group" | "database" | "sqlQuery" | "radNasId" | "radNasIp";

/** A firmware's script: the type whose exchange it makes, its keys and what they mean; `null`: a secret of the account. */
interface Script {
  readonly type: string;
  readonly keys: Readonly<Record<string, Parameter | null>>;
  /** Without it the script has nothing to ask for. */
  readonly required: string | null;
  /** Keys of arguments that are written without one, by position. */
  readonly positions: readonly string[];
}

const ACCOUNT = {
  user: "userName",
  username: "userName",
  password: null,
  passwd: null,
  pass: null,
} as const;

/**
 * The firmware's own scripts and the keys of their `-scriptArgs`: `key=value;key=value`.
 * Citrix support: CTX111109 (nsldap.pl, where the bind DN is `dbn` or `bdn`), CTX209096 (nsmysql.pl); NetScaler docs:
 * "Configure a user monitor" (nsftp.pl). UNCONFIRMED: that nspop3.pl and nsnntp.pl take arguments without a key.
 */
const SCRIPTS: ReadonlyMap<string, Script> = new Map<string, Script>([
  ["nssmtp.pl", { type: "SMTP", keys: {}, required: null, positions: [] }],
  ["nspop3.pl", { type: "POP3", keys: ACCOUNT, required: null, positions: ["user", "password"] }],
  [
    "nsldap.pl",
    {
      type: "LDAP",
      keys: {
        base: "baseDn",
        bdn: "bindDn",
        dbn: "bindDn",
        password: null,
        filter: "filter",
        attribute: "attribute",
      },
      required: "base",
      positions: [],
    },
  ],
  [
    "nsftp.pl",
    {
      type: "FTP-EXTENDED",
      keys: { ...ACCOUNT, file: "fileName" },
      required: "file",
      positions: [],
    },
  ],
  [
    "nsnntp.pl",
    { type: "NNTP", keys: { group: "group" }, required: "group", positions: ["group"] },
  ],
  [
    "nsmysql.pl",
    {
      type: "MYSQL",
      keys: { ...ACCOUNT, database: "database", query: "sqlQuery" },
      required: null,
      positions: [],
    },
  ],
  [
    "nsradius.pl",
    {
      type: "RADIUS",
      keys: { ...ACCOUNT, secret: null, radkey: null, nasid: "radNasId", nasip: "radNasIp" },
      required: null,
      positions: [],
    },
  ],
]);

const ANY_SCRIPT: Script = {
  type: "USER",
  keys: { ...ACCOUNT, bdn: "bindDn", dbn: "bindDn" },
  required: null,
  positions: [],
};

/** The monitor type whose exchange this script of the firmware makes; null for a script of somebody's own. */
export function typeOfScript(scriptName: string): string | null {
  return SCRIPTS.get(scriptName.toLowerCase())?.type ?? null;
}

/**
 * What a USER monitor hands to the firmware's own script. An argument that is not known here makes the whole unreadable: a
 * copy that leaves something out is another probe. Passwords are not among the parameters.
 */
export function readScriptArguments({ type, parameters }: Monitor): ScriptReading {
  const { scriptName, scriptArgs } = parameters;
  const script = SCRIPTS.get((scriptName ?? "").toLowerCase());
  // A monitor of the script's own type has its parameters under their own names.
  if (script === undefined || scriptName === null || type.toUpperCase() !== "USER") {
    return { kind: "read", parameters: {} };
  }
  const read: Partial<Record<Parameter, string>> = {};
  for (const [key, value] of keyed(scriptArgs ?? "", script)) {
    const parameter = Object.hasOwn(script.keys, key) ? script.keys[key] : undefined;
    if (parameter === undefined) {
      return { kind: "unreadable", why: `an argument of ${scriptName} is not known here` };
    }
    if (parameter !== null && value !== "") {
      read[parameter] = parameter === "sqlQuery" ? unescaped(value) : value;
    }
  }
  const { required } = script;
  const wanted = required === null ? null : script.keys[required];
  return typeof wanted === "string" && read[wanted] === undefined
    ? {
        kind: "unreadable",
        why: `-scriptArgs of ${scriptName} holds no ${required ?? ""}= to read`,
      }
    : { kind: "read", parameters: read };
}

/** Whom a script logs in as, by its arguments; those of an unknown script are taken to be named like the firmware's. */
export function scriptUser({ parameters }: Monitor): string | null {
  const { scriptName, scriptArgs } = parameters;
  const script = SCRIPTS.get((scriptName ?? "").toLowerCase()) ?? ANY_SCRIPT;
  const user = keyed(scriptArgs ?? "", script).find(([key]) => {
    const parameter = Object.hasOwn(script.keys, key) ? script.keys[key] : undefined;
    return parameter === "userName" || parameter === "bindDn";
  });
  return user?.[1] ?? null;
}

/** Arguments as key and value; a value may hold `=`, as distinguished names do. What has no key is told by its position. */
function keyed(scriptArgs: string, { positions, keys }: Script): [key: string, value: string][] {
  return scriptArgs
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part, index) => {
      const at = part.indexOf("=");
      const key = part.slice(0, Math.max(0, at)).trim().toLowerCase();
      return at > 0 && (Object.hasOwn(keys, key) || positions.length === 0)
        ? [key, part.slice(at + 1).trim()]
        : [positions[index] ?? "", part.trim()];
    });
}

/** Arguments once travelled in a URL, and their authors wrote `%20` for a space (Citrix support: CTX209096). */
function unescaped(value: string): string {
  return value.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}
