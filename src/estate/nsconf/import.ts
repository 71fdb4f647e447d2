import { estateDiagnostics } from "../diagnostics.ts";
import type { Estate } from "../model.ts";
import { atOnce, type Steps } from "../steps.ts";
import { actionStatements } from "./actions.ts";
import { authenticationStatements } from "./authentication.ts";
import { emptyDraft, report, type Draft, type StatementReader } from "./draft.ts";
import { finishEstate } from "./finish.ts";
import { monitorStatements } from "./monitors.ts";
import { policyStatements, readPolicy } from "./policies.ts";
import { removalStatements } from "./removals.ts";
import { serverStatements } from "./servers.ts";
import { serviceStatements } from "./services.ts";
import { readStatements, statementKind, type Statement } from "./statements.ts";
import { firmwareOf, systemStatements } from "./system.ts";
import { tlsStatements } from "./tls.ts";
import { toggleStatements } from "./toggles.ts";
import { vserverStatements } from "./vservers.ts";

/** A saved configuration may be this large. */
export const MAX_NS_CONF_BYTES = 64 * 1_048_576;
/** Ranges expanded: a line of a few words can stand for a thousand. */
const MAX_STATEMENTS = 400_000;

/**
 * Reads a saved or captured NetScaler configuration. Never throws: what is odd becomes a diagnostic, what is beside the
 * purpose is counted in `otherStatements`. No secret of the file reaches the estate.
 */
export function parseNsConf(text: string, options: { readonly adc: string }): Estate {
  return atOnce(nsConfSteps(text, options));
}

/** The same in steps: a large file takes a good part of a second. */
export function* nsConfSteps(text: string, options: { readonly adc: string }): Steps<Estate> {
  const draft = emptyDraft();
  draft.firmware = firmwareOf(text);
  const changes: Statement[] = [];
  const orphans: number[] = [];
  let count = 0;
  for (const statement of readStatements(text, (line) => orphans.push(line))) {
    yield;
    count += 1;
    if (count > MAX_STATEMENTS) {
      const message = `Only the first ${String(MAX_STATEMENTS)} statements were read.`;
      report(draft, statement, "error", "import_too_large", "file", message);
      break;
    }
    reportBroken(statement, draft);
    const kind = statementKind(statement);
    const definition = DEFINITIONS.get(kind);
    if (definition !== undefined) {
      definition(statement, draft);
    } else if (CHANGES.has(kind)) {
      changes.push(statement);
    } else if (!readPolicy(statement, draft)) {
      countOther(statement, draft);
    }
  }
  for (const statement of changes) {
    CHANGES.get(statementKind(statement))?.(statement, draft);
  }
  reportOrphans(orphans, draft);
  const estate = yield* finishEstate(draft, options.adc);
  yield;
  draft.diagnostics.pushAll(estateDiagnostics(estate, draft.monitorsUsedElsewhere));
  return { ...estate, diagnostics: draft.diagnostics.all() };
}

const KINDS = [
  serverStatements,
  serviceStatements,
  monitorStatements,
  vserverStatements,
  actionStatements,
  policyStatements,
  tlsStatements,
  authenticationStatements,
  systemStatements,
  toggleStatements,
  removalStatements,
];
const DEFINITIONS: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.definitions]),
);
const CHANGES: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.changes]),
);

/** Said without quoting the line, which may hold a secret. */
function reportBroken(statement: Statement, draft: Draft): void {
  if (statement.broken) {
    report(
      draft,
      statement,
      "warning",
      "broken_line",
      statementKind(statement).slice(0, 60),
      "This line ends inside a quote or parenthesis; it is read as far as it goes.",
    );
  }
}

function reportOrphans(lines: readonly number[], draft: Draft): void {
  const [first] = lines;
  if (first !== undefined) {
    draft.diagnostics.push({
      severity: "warning",
      rule: "unreadable_lines",
      line: first,
      object: "file",
      message: `${String(lines.length)} line(s) belong to no command, this one first.`,
    });
  }
}

/** Group and object are command words; anything else in their place is garbage that need not be repeated. */
function countOther(statement: Statement, draft: Draft): void {
  const words = [statement.verb, statement.group, statement.object ?? ""].filter(
    (word) => word !== "",
  );
  const key = words.map((word) => (/^[A-Za-z][\w-]{0,31}$/.test(word) ? word : "…")).join(" ");
  draft.otherStatements.set(key, (draft.otherStatements.get(key) ?? 0) + 1);
}
