import { builtInMonitor, type PartialMonitor } from "../monitor-defaults.ts";
import type { CodeRange, MonitorParameters } from "../../model/monitor.ts";
import {
  define,
  report,
  reportIncomplete,
  reportMissing,
  type Draft,
  type Mutable,
  type StatementKinds,
} from "./draft.ts";
import { redactKeys, redactScriptArgs, hasScriptPassword } from "./secrets.ts";
import type { Statement } from "./statements.ts";
import { codeRange, KeyReader } from "./values.ts";

/** `add lb monitor NAME TYPE …`, and `set lb monitor`, which also changes built-ins. */
export const monitorStatements: StatementKinds = {
  definitions: new Map([["add lb monitor", addMonitor]]),
  changes: new Map([["set lb monitor", setMonitor]]),
};

function addMonitor(statement: Statement, draft: Draft): void {
  const [name, type] = statement.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, statement, name ?? "monitor");
    return;
  }
  const monitor: PartialMonitor = {
    name,
    type: type.toUpperCase(),
    line: statement.line,
    ...readKeys(statement, draft, name),
  };
  strayWords(statement, draft, name);
  define(draft.monitors, name, monitor, statement, draft);
}

function setMonitor(statement: Statement, draft: Draft): void {
  const [written = ""] = statement.words;
  const known = draft.monitors.get(written) ?? builtInMonitor(written);
  if (known === null) {
    reportMissing(draft, statement, "monitor", written);
    return;
  }
  const changes = readKeys(statement, draft, written);
  strayWords(statement, draft, known.name);
  draft.monitors.set(known.name, {
    ...known,
    ...changes,
    parameters: { ...known.parameters, ...changes.parameters },
    written: new Map([...(known.written ?? []), ...changes.written]),
    line: known.line ?? statement.line,
  });
}

/** A word behind name and type is a key that lost its dash: it does nothing, and its author believes it does. */
function strayWords(statement: Statement, draft: Draft, name: string): void {
  if (statement.words.length > 2) {
    report(
      draft,
      statement,
      "warning",
      "stray_words",
      name,
      `${String(statement.words.length - 2)} word(s) of this statement belong to no key and are ignored.`,
    );
  }
}

type Keys = Omit<PartialMonitor, "name" | "type" | "parameters"> & {
  readonly parameters: Partial<MonitorParameters>;
  readonly written: ReadonlyMap<string, readonly string[]>;
};

function readKeys(statement: Statement, draft: Draft, name: string): Keys {
  const keys = new KeyReader(statement, draft, name);
  const destIp = keys.text("destip");
  const destPort = keys.text("destport") === "*" ? 0 : keys.number("destport");
  return {
    ...given({
      enabled: keys.flag("state"),
      intervalMs: keys.durationMs("interval"),
      responseTimeoutMs: keys.durationMs("resptimeout"),
      downTimeMs: keys.durationMs("downtime"),
      deviationMs: keys.durationMs("deviation"),
      retries: keys.number("retries"),
      failureRetries: keys.number("failureretries"),
      successRetries: keys.number("successretries"),
      alertRetries: keys.number("alertretries"),
      reverse: keys.flag("reverse"),
      transparent: keys.flag("transparent"),
      ipTunnel: keys.flag("iptunnel"),
      tos: keys.flag("tos"),
      secure: keys.flag("secure"),
      lrtm: keys.flag("lrtm"),
      destIp: destIp === undefined ? undefined : pinnedAddress(destIp),
      destPort: destPort === undefined ? undefined : pinnedPort(destPort),
      netProfile: keys.text("netprofile"),
      sslProfile: keys.text("sslprofile"),
    }),
    parameters: readParameters(keys, statement, draft, name),
    written: redactKeys(statement.keys),
  };
}

/** The ADC writes `0.0.0.0` or `0` for "the bound service's own address". */
function pinnedAddress(text: string): string | null {
  return ["0", "0.0.0.0", "::", "*"].includes(text) ? null : text;
}

function pinnedPort(port: number): number | null {
  return port === 0 || port >= 65_535 ? null : port;
}

function readParameters(
  keys: KeyReader,
  statement: Statement,
  draft: Draft,
  name: string,
): Partial<MonitorParameters> {
  const scriptArgs = keys.text("scriptargs");
  const version = keys.text("snmpversion")?.toUpperCase();
  return given({
    httpRequest: keys.text("httprequest"),
    rtspRequest: keys.text("rtsprequest"),
    respCodes: responseCodes(keys, statement, draft, name),
    customHeaders: keys.text("customheaders"),
    send: keys.text("send"),
    recv: keys.text("recv"),
    trofsCode: keys.number("trofscode"),
    trofsString: keys.text("trofsstring"),
    query: keys.text("query"),
    queryType: keys.text("querytype"),
    ipAddresses: keys.values("ipaddress"),
    userName: keys.text("username"),
    password: passwordKind(keys),
    scriptName: keys.text("scriptname"),
    scriptArgs: scriptArgs === undefined ? undefined : redactScriptArgs(scriptArgs),
    dispatcherIp: keys.text("dispatcherip"),
    dispatcherPort: keys.number("dispatcherport"),
    baseDn: keys.text("basedn"),
    bindDn: keys.text("binddn"),
    filter: keys.text("filter"),
    attribute: keys.text("attribute"),
    group: keys.text("group"),
    fileName: keys.text("filename"),
    database: keys.text("database"),
    sqlQuery: keys.text("sqlquery"),
    radNasId: keys.text("radnasid"),
    radNasIp: keys.text("radnasip"),
    snmpOid: keys.text("snmpoid"),
    snmpThreshold: keys.text("snmpthreshold"),
    snmpVersion: version === "V1" || version === "V2" ? version : undefined,
    sipMethod: keys.text("sipmethod"),
    sipUri: keys.text("sipuri"),
    maxForwards: keys.number("maxforwards"),
    action: keys.text("action"),
  });
}

function passwordKind(keys: KeyReader): MonitorParameters["password"] | undefined {
  if (keys.has("password") || keys.has("radkey") || keys.has("secureargs")) {
    return keys.has("encrypted") ? "encrypted" : "clear";
  }
  const scriptArgs = keys.values("scriptargs")?.[0] ?? "";
  return hasScriptPassword(scriptArgs) ? "clear" : undefined;
}

function responseCodes(
  keys: KeyReader,
  statement: Statement,
  draft: Draft,
  name: string,
): readonly CodeRange[] | undefined {
  const written = keys.values("respcode");
  const ranges = (written ?? []).flatMap((text) => text.split(",")).map(codeRange);
  const readable = ranges.filter((range) => range !== null);
  if (readable.length < ranges.length) {
    report(
      draft,
      statement,
      "warning",
      "unreadable_value",
      name,
      "A value of -respCode is neither a code nor a range; it is left out.",
    );
  }
  return readable.length === 0 ? undefined : readable;
}

/** Drops what was not given, so that defaults can fill it. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Mutable<{ [K in keyof T]?: Exclude<T[K], undefined> }>;
}
