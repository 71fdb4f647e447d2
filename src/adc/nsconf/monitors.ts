import { builtInMonitor, type PartialMonitor } from "../monitor-defaults.ts";
import { readFields } from "../fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../monitor-fields.ts";
import type { MonitorParameters } from "../../model/monitor.ts";
import {
  define,
  report,
  reportIncomplete,
  reportMissing,
  type Draft,
  type StatementKinds,
} from "./draft.ts";
import { hasScriptPassword, redactKeys } from "./secrets.ts";
import type { Statement } from "./statements.ts";
import { statementSource } from "./values.ts";

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
  const source = statementSource(statement, draft, name);
  const password = passwordKind(statement);
  return {
    ...readFields(MONITOR_FIELDS, source),
    parameters: {
      ...readFields(MONITOR_PARAMETER_FIELDS, source),
      ...(password === null ? {} : { password }),
    },
    written: redactKeys(statement.keys),
  };
}

function passwordKind({ keys }: Statement): MonitorParameters["password"] | null {
  if (keys.has("password") || keys.has("radkey") || keys.has("secureargs")) {
    return keys.has("encrypted") ? "encrypted" : "clear";
  }
  return hasScriptPassword(keys.get("scriptargs")?.[0] ?? "") ? "clear" : null;
}
