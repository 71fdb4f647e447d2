import type { Monitor, MonitorParameters } from "../../model/monitor.ts";
import type { Probe } from "../probe.ts";
import { NO_SECRET, type Sealed } from "../../lib/secret.ts";
import type { Observation } from "../../model/observation.ts";
import type { Target } from "../../net/probe-context.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { TlsSettings } from "../../model/tls-settings.ts";

/**
 * The key under which a directory counts rejected logins, however the name is written: `LAB\probe`, `probe@lab.example.com`,
 * `probe`, and a distinguished name that begins with `CN=probe` or `uid=probe`. Names that may belong to one account share a
 * key; at worst one login waits for another. A display name as CN does not identify the account: docs/limits.md.
 */
export function lockoutKeyOf(username: string): string {
  const name = nameInDn(username) ?? username;
  const withoutDomain = name.slice(name.lastIndexOf("\\") + 1);
  return (withoutDomain.split("@")[0] ?? withoutDomain).normalize("NFKC").trim().toLowerCase();
}

/** The value of the first RDN of a distinguished name (RFC 4514) if it names a user; else null. */
function nameInDn(username: string): string | null {
  const value = /^\s*(?:cn|uid|samaccountname|userprincipalname)\s*=\s*((?:\\.|[^,+\\])+)/iu.exec(
    username,
  )?.[1];
  return value?.replace(/\\(.)/gu, "$1") ?? null;
}

/** The `-scriptArgs` of a firmware script, as parameters of the equivalent monitor type. */
export type ScriptReading =
  | { readonly kind: "read"; readonly parameters: Partial<MonitorParameters> }
  | { readonly kind: "unreadable"; readonly why: string };

type TextParameter = "baseDn" | "bindDn" | "filter" | "attribute" | "userName" | "fileName";
type Parameter = TextParameter | "group" | "database" | "sqlQuery" | "radNasId" | "radNasIp";

/** A firmware script: the equivalent monitor type, and its argument keys; `null`: a secret of the account. */
interface Script {
  readonly type: string;
  readonly keys: Readonly<Record<string, Parameter | null>>;
  /** Required argument. */
  readonly required: string | null;
  /** Keys of positional arguments. */
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

/** The monitor type equivalent to this firmware script; null for a custom script. */
export function typeOfScript(scriptName: string): string | null {
  return SCRIPTS.get(scriptName.toLowerCase())?.type ?? null;
}

/**
 * Parses the arguments of a USER monitor with a firmware script. An unknown argument makes the result unreadable, since a
 * replica without it would be a different probe. Passwords are not returned.
 */
export function readScriptArguments({ type, parameters }: Monitor): ScriptReading {
  const { scriptName, scriptArgs } = parameters;
  const script = SCRIPTS.get((scriptName ?? "").toLowerCase());
  // A monitor of the script's own type has its parameters under their own names.
  if (script === undefined || scriptName === null || type.toUpperCase() !== "USER") {
    return { kind: "read", parameters: {} };
  }
  const read: Partial<Record<Parameter, string>> = {};
  for (const [key, value] of argumentPairs(scriptArgs ?? "", script)) {
    const parameter = Object.hasOwn(script.keys, key) ? script.keys[key] : undefined;
    if (parameter === undefined) {
      return { kind: "unreadable", why: `an argument of ${scriptName} is not supported` };
    }
    if (parameter !== null && value !== "") {
      read[parameter] = parameter === "sqlQuery" ? decodePercent(value) : value;
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

/** The user in a script's arguments; an unknown script is assumed to use the firmware's keys. */
function scriptUser({ parameters }: Monitor): string | null {
  const { scriptName, scriptArgs } = parameters;
  const script = SCRIPTS.get((scriptName ?? "").toLowerCase()) ?? ANY_SCRIPT;
  const user = argumentPairs(scriptArgs ?? "", script).find(([key]) => {
    const parameter = Object.hasOwn(script.keys, key) ? script.keys[key] : undefined;
    return parameter === "userName" || parameter === "bindDn";
  });
  return user?.[1] ?? null;
}

/** Arguments as key and value; a value may contain `=`, as in distinguished names. Arguments without a key are positional. */
function argumentPairs(
  scriptArgs: string,
  { positions, keys }: Script,
): [key: string, value: string][] {
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

/** Arguments used to be sent in a URL, so their authors wrote `%20` for a space (Citrix support: CTX209096). */
function decodePercent(value: string): string {
  return value.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"),
  );
}

/**
 * The probe of a monitor that logs in. Its password and shared secret are redacted. Without an account the monitor is never
 * scheduled (`needsCredential`), and running it is a configuration fault.
 */
export function probeWithLogin(
  exchange: (
    run: ProbeRun,
    credential: MonitorCredential,
    spec: MonitorSpec,
    target: Target,
  ) => Promise<Observation>,
): Probe<MonitorSpec> {
  return (spec, target, context) =>
    observe(context, async (run) => {
      const { credential } = spec;
      if (credential === null) {
        return run.fault("login", "not_configured", "this monitor needs an account");
      }
      run.redact(credential.password, credential.secret);
      return exchange(run, credential, spec, target);
    });
}

/** Why a monitor that logs in cannot do so, or null. */
export function needsCredential(spec: MonitorSpec): string | null {
  const { credential, monitor } = spec;
  if (credential !== null && credential.password !== NO_SECRET) {
    // An empty user name is never sent.
    return credential.username === ""
      ? `neither the ADC's monitor nor monitors.${monitor.name} has a user name`
      : null;
  }
  const what = monitorUser(monitor) === null ? "username and password_file" : "password_file";
  const how = `configure monitors.${monitor.name} with ${what}`;
  return monitor.parameters.password === "encrypted"
    ? `the password is encrypted and only the ADC can decrypt it: ${how}`
    : `this monitor logs in, but no credential is configured: ${how}`;
}

/**
 * The user of the ADC's own monitor: `-bindDN`, `-userName`, or the user in a script's arguments (`bdn` or `dbn` of nsldap.pl,
 * `user` of the others); null if there is none.
 */
export function monitorUser(monitor: Monitor): string | null {
  const { bindDn, userName } = monitor.parameters;
  const own = monitor.type.toUpperCase() === "LDAP" ? (bindDn ?? userName) : (userName ?? bindDn);
  const written = own ?? scriptUser(monitor);
  return written === "" ? null : written;
}

/**
 * The credential of a replica: the monitor's user with the configured password. A configured user with a different lockout key
 * takes precedence, since the password belongs to it.
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
  /** Address in the default `Host` header: the bound member's, even if `destIP` differs. */
  readonly hostHeader: string;
  /** Present if the monitor is `-secure YES` (or its type always uses TLS). */
  readonly tls: TlsSettings | null;
  /** Secrets that the ADC keeps encrypted, from the agent's configuration. */
  readonly credential: MonitorCredential | null;
  /** Why the configured credential is withheld from this probe; null or absent: it is not. */
  readonly withheld?: string | null;
  /** For monitors that run a script on the ADC: the command that replaces it. */
  readonly command: readonly string[] | null;
  /** Path and Host of the policy, for a VIP behind content switching. */
  readonly viaVip: VipRequest | null;
  /** How the ADC ends the connection of a TCP monitor (`monitorConnectionClose`); FIN when left out. */
  readonly closeMode?: "FIN" | "RESET";
  /** Names to try as SNI after a failed handshake, for the diagnosis only. */
  readonly diagnosticNames?: readonly string[];
  /** Undocumented behaviour of this ADC; absent: the more likely one. */
  readonly quirks?: AdcQuirks;
}

/** UNCONFIRMED behaviour of the ADC's own probes, for the operator to set (`probe:` of the configuration). */
export interface AdcQuirks {
  readonly httpVersion: "1.0" | "1.1";
  readonly userAgent: string | null;
  /** Result of a `-reverse YES` TCP monitor whose connection times out. */
  readonly tcpReverseTimeout: "fail" | "pass";
  /** Number of TCP segments within which a TCP-ECV pattern must arrive. */
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

/** Monitors that send the PROXY header of their net profile first (NetScaler docs: "Proxy protocol service monitoring"). */
export const ANNOUNCED_TYPES: ReadonlySet<string> = new Set([
  "HTTP",
  "HTTP-INLINE",
  "HTTP-ECV",
  "TCP-ECV",
]);

/** One NetScaler monitor type: its probe and its semantics. One per file, listed in registry.ts. */
export interface MonitorType {
  readonly type: string;
  readonly probe: Probe<MonitorSpec>;
  /** Table of netscaler.md 1.6: which outcomes pass when `-reverse YES`. */
  readonly reversePasses: readonly ("match" | "mismatch" | "refused" | "timeout")[];
  /** Source address on the ADC: scripted monitors use the NSIP (netscaler.md 1.7). */
  readonly source: "SNIP" | "NSIP";
  readonly transport: "tcp" | "udp" | "icmp";
  /** Whether a result through a VIP says anything about the service; TCP, TLS and PING do not. */
  readonly meaningfulAtVip: boolean;
  readonly defaultPort: number | null;
  /** Why this monitor cannot be repeated with this configuration, or null. */
  readonly unsupported: (spec: MonitorSpec) => string | null;
}
