import { builtInMonitor, type PartialMonitor } from "../monitor-defaults.ts";
import type { Fields } from "../fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../monitor-fields.ts";
import { reportMissing, type Draft, type StatementReader } from "./draft.ts";
import type { Statement } from "./statements.ts";

/** `unset OBJECT NAME -option …`, read as `set`: its source of values gives each option's default. */
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

/** What was set is forgotten, so that the defaults of the type stand again; a built-in's are its own. */
function unsetMonitor(statement: Statement, draft: Draft): void {
  const [name = ""] = statement.words;
  const known = draft.monitors.get(name);
  if (known === undefined) {
    reportMissing(draft, statement, "monitor", name);
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
