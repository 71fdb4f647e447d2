import {
  builtInMonitor,
  type PartialMonitor,
  MONITOR_FIELDS,
  MONITOR_PARAMETER_FIELDS,
  hasScriptPassword,
  isDefaultMonitor,
  redactKeys,
} from "../monitor-defaults.ts";
import { readFields, type Fields } from "../fields.ts";
import { isPlaceholder } from "../placeholders.ts";
import type { MonitorParameters } from "../../model/monitor.ts";
import {
  define,
  report,
  reportDefaultMonitor,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
  statementSource,
  type StatementReader,
} from "./draft.ts";
import type { Statement } from "./statements.ts";
import { MONITOR_OPTION_NAMES } from "./grammar.ts";
import { expandOptions, reportStray, withoutEqualsSigns } from "./options.ts";
import { noteProfiles } from "./profile-uses.ts";

/** `add lb monitor NAME TYPE …`, and `set lb monitor`, which also changes built-ins. */
export const monitorStatements: StatementKinds = {
  definitions: new Map([["add lb monitor", addMonitor]]),
  changes: new Map([["set lb monitor", setMonitor]]),
};

function addMonitor(written: Statement, draft: Draft): void {
  const [name, type] = written.words;
  if (name === undefined || type === undefined) {
    reportIncomplete(draft, written, name ?? "monitor");
    return;
  }
  const statement = withoutEqualsSigns(written, draft, name, MONITOR_OPTION_NAMES);
  const monitor: PartialMonitor = Object.assign(
    { name, type: type.toUpperCase(), line: statement.line },
    readKeys(statement, draft, name),
  );
  reportStray(statement, draft, name, MONITOR_OPTION_NAMES, MONITOR_WORDS);
  define(draft.monitors, name, monitor, statement, draft);
}

function setMonitor(typed: Statement, draft: Draft): void {
  const [written = "", type] = typed.words;
  const statement = withoutEqualsSigns(typed, draft, written, MONITOR_OPTION_NAMES);
  const known = draft.monitors.get(written) ?? builtInMonitor(written);
  if (known === null) {
    reportMissing(draft, statement, "monitor", written);
    return;
  }
  if (type === undefined) {
    reportIncomplete(draft, statement, known.name);
    return;
  }
  if (isUnchangeable(known, type, statement, draft)) {
    return;
  }
  const changes = readKeys(statement, draft, written);
  reportStray(statement, draft, known.name, MONITOR_OPTION_NAMES, MONITOR_WORDS);
  draft.monitors.set(known.name, {
    ...known,
    ...changes,
    parameters: { ...known.parameters, ...changes.parameters },
    written: new Map([...(known.written ?? []), ...changes.written]),
    line: known.line ?? statement.line,
  });
}

/** Whether the ADC rejects `set` and `unset` for such a monitor, which is reported. */
function isUnchangeable(
  { name, type, builtIn }: PartialMonitor,
  written: string,
  statement: Statement,
  draft: Draft,
): boolean {
  if (isDefaultMonitor(name)) {
    reportDefaultMonitor(draft, statement, name, 2139);
    return true;
  }
  // Types of built-in monitors differ between versions of the firmware.
  const isOther = builtIn !== true && type.toUpperCase() !== written.toUpperCase();
  if (isOther && ![type, written].some(isPlaceholder)) {
    const message = `${name} is of type ${type}, not ${written.toUpperCase()}: the ADC rejects this command (error 2155).`;
    report(draft, statement, "error", "wrong_kind_reference", name, message);
  }
  return isOther;
}

/** Its name and type. */
const MONITOR_WORDS = 2;

type Keys = Omit<PartialMonitor, "name" | "type" | "parameters"> & {
  readonly parameters: Partial<MonitorParameters>;
  readonly written: ReadonlyMap<string, readonly string[]>;
};

function readKeys(typed: Statement, draft: Draft, name: string): Keys {
  const statement = expandOptions(typed, draft, name, MONITOR_OPTION_NAMES);
  noteProfiles(statement, draft);
  const source = statementSource(statement, draft, name);
  const password = passwordKind(statement);
  const parameters = readFields(MONITOR_PARAMETER_FIELDS, source);
  const written = redactKeys(statement.keys);
  return Object.assign(readFields(MONITOR_FIELDS, source), {
    parameters: password === null ? parameters : { ...parameters, password },
    written,
  });
}

function passwordKind({ keys }: Statement): MonitorParameters["password"] | null {
  if (keys.has("password") || keys.has("radkey") || keys.has("secureargs")) {
    return keys.has("encrypted") ? "encrypted" : "clear";
  }
  return hasScriptPassword(keys.get("scriptargs")?.[0] ?? "") ? "clear" : null;
}

/** `unset OBJECT NAME -option …`, read as `set`: its source of values returns each option's default. */
export function unsetReaders(
  changes: ReadonlyMap<string, StatementReader>,
): ReadonlyMap<string, StatementReader> {
  const readers = new Map(
    [...changes]
      .filter(([kind]) => kind.startsWith("set "))
      .map(([kind, read]) => [`un${kind}`, read]),
  );
  return readers.set("unset lb monitor", unsetMonitor);
}

/** Drops what was set, so that the defaults of the type (or of the built-in) apply again. */
function unsetMonitor(statement: Statement, draft: Draft): void {
  const [name = "", type] = statement.words;
  const known = draft.monitors.get(name);
  if (known === undefined) {
    reportMissing(draft, statement, "monitor", name);
    return;
  }
  if (type === undefined) {
    reportIncomplete(draft, statement, known.name);
    return;
  }
  if (isUnchangeable(known, type, statement, draft)) {
    return;
  }
  const unset = new Set([...statement.keys.keys()].map((key) => PROPERTIES.get(key) ?? key));
  const kept = (entries: object): [string, unknown][] =>
    Object.entries(entries).filter(([property]) => !unset.has(property));
  const base = builtInMonitor(name);
  const written = [...(known.written ?? [])].filter(([key]) => !statement.keys.has(key));
  const forgotten = {
    ...base,
    ...Object.fromEntries(kept(known)),
    name: known.name,
    type: known.type,
    parameters: { ...base?.parameters, ...Object.fromEntries(kept(known.parameters ?? {})) },
    written: new Map(written),
  } satisfies PartialMonitor;
  draft.monitors.set(known.name, forgotten);
}

/** The properties of a monitor by option. */
const PROPERTIES: ReadonlyMap<string, string> = new Map(
  [MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS].flatMap((fields: Fields) =>
    Object.entries(fields).map(([property, { key }]) => [key, property] as const),
  ),
);
