import { builtInMonitor, type PartialMonitor } from "../monitor-defaults.ts";
import { reportMissing, type Draft, type StatementReader } from "./draft.ts";
import type { Statement } from "./statements.ts";

/**
 * `unset OBJECT NAME -option …` as `set` with each option's default: what the ADC does. An option that is not here changes
 * nothing that this project reads.
 */
export function unsetReaders(
  changes: ReadonlyMap<string, StatementReader>,
): ReadonlyMap<string, StatementReader> {
  const readers = new Map(
    [...changes]
      .filter(([kind]) => kind.startsWith("set "))
      .map(([kind, read]) => [
        `un${kind}`,
        (statement: Statement, draft: Draft) => {
          read(withDefaults(statement, DEFAULTS_OF.get(kind) ?? new Map()), draft);
        },
      ]),
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
  const unset = new Set([...statement.keys.keys()].map((key) => FIELDS.get(key) ?? key));
  const kept = (entries: object): [string, unknown][] =>
    Object.entries(entries).filter(([field]) => !unset.has(field.toLowerCase()));
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

/** Fields of the model whose name is not the option's, in lower case. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ["interval", "intervalms"],
  ["resptimeout", "responsetimeoutms"],
  ["downtime", "downtimems"],
  ["deviation", "deviationms"],
  ["state", "enabled"],
  ["respcode", "respcodes"],
  ["ipaddress", "ipaddresses"],
]);

function withDefaults(
  statement: Statement,
  own: ReadonlyMap<string, readonly string[]>,
): Statement {
  const keys = [...statement.keys.keys()].flatMap((key) => {
    const value = own.get(key) ?? DEFAULTS.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...statement, verb: "set", keys: new Map(keys) };
}

/** NetScaler command reference; the same wherever the option occurs. */
const DEFAULTS: ReadonlyMap<string, readonly string[]> = table({
  state: "ENABLED",
  healthmonitor: "YES",
  monthreshold: "0",
  usip: "NO",
  maxclient: "0",
  monconnectionclose: "NONE",
  comment: "",
  backupvserver: "",
  redirecturl: "",
  persistencetype: "NONE",
  timeout: "2",
  lbmethod: "LEASTCONNECTION",
  stateupdate: "DISABLED",
  authentication: "OFF",
  authn401: "OFF",
});

const DEFAULTS_OF: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map([
  ["set lb vserver", table({ clttimeout: "180" })],
  ["set cs vserver", table({ clttimeout: "180" })],
]);

function table(values: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(values).map(([key, value]) => [key, [value]]));
}
