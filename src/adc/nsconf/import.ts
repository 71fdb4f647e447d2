import { MAX_NAME_LENGTH } from "../field-types.ts";
import type { Estate } from "../../model/estate.ts";
import { countKind, type Draft, emptyDraft, report, type StatementReader } from "./draft.ts";
import { commandLines, type CommandLine } from "./command-lines.ts";
import { withoutDoubledEscapes, withoutRemark } from "./surroundings.ts";
import {
  createHeadReader,
  type PlainHead,
  shownKind,
  type Statement,
  statementKind,
  statementsOf,
} from "./statements.ts";
import { estateDiagnostics } from "../diagnostics.ts";
import { nearNamesOf } from "../object-kinds.ts";
import { runSync, type Steps } from "../../lib/steps.ts";
import {
  actionStatements,
  authenticationStatements,
  policyStatements,
  readPolicy,
} from "./policies.ts";
import { finishEstate } from "./finish.ts";
import { GSLB_REMOVERS, gslbStatements } from "./gslb.ts";
import { monitorStatements, unsetReaders } from "./monitors.ts";
import { removalStatements, REMOVERS, toggleStatements } from "./changes.ts";
import { RENAMERS } from "./renaming.ts";
import { profileReferences, profileStatements } from "./profiles.ts";
import { monitorName, serverStatements, serviceStatements } from "./services.ts";
import { tlsStatements } from "./tls.ts";
import { vserverStatements } from "./vservers.ts";
import { webText } from "./web-text.ts";
import {
  type Block,
  FENCED,
  FILTERED,
  PROSE,
  asPart,
  clashesWithin,
  extentOf,
  hasExamples,
  withoutSecondMention,
} from "./extent.ts";
import { CONFIGURES } from "./abbreviations.ts";
import { isDiff, withoutMargins } from "./margins.ts";
import { PASSED_OVER } from "./prose.ts";
import { isPlaceholder } from "../placeholders.ts";
import {
  LABEL_OF_FIRMWARE,
  addedNames,
  isNameless,
  reportBroken,
  reportLines,
  reportRefused,
  reportUnread,
  reportWebText,
} from "./unread.ts";
import { firmwareOf, systemStatements } from "./system.ts";

/** No statement was read, not even an irrelevant one: this is a different kind of file. */
export function holdsNothing(estate: Estate): boolean {
  const { servers, services, monitors, lbVservers, csVservers, policies, otherStatements } = estate;
  const { sites, services: gslbServices, vservers: gslbVservers } = estate.gslb;
  const { certKeys, sslProfiles, netProfiles } = estate;
  const tables = [
    ...[servers, services, monitors, lbVservers, csVservers, policies, otherStatements],
    ...[certKeys, sslProfiles, netProfiles],
    ...[sites, gslbServices, gslbVservers],
  ];
  // What is wrong with the only command, that all belongs to a partition, or is about what is elsewhere, is an answer.
  const isAnswered = estate.diagnostics.some(({ rule }) => ANSWERS.has(rule));
  return !isAnswered && tables.every(({ size }) => size === 0);
}

const ANSWERS: ReadonlySet<string> = new Set([
  "incomplete_statement",
  "not_in_text",
  "stray_words",
  "partition_not_read",
]);

/** The maximum size of a saved configuration. */
export const MAX_NS_CONF_BYTES = 64 * 1_048_576;

/** The maximum number of statements after ranges are expanded: a short line can stand for a thousand. */
const MAX_STATEMENTS = 400_000;

/**
 * Statements per step: one event-loop turn has time for several, and a step for each would take as long as the reading.
 */
const COMMANDS_PER_STEP = 16;

/**
 * Reads a saved or captured NetScaler configuration. Never throws: anything unusual becomes a diagnostic, and
 * irrelevant statements are counted in `otherStatements`. No secret in the file gets into the estate.
 */
export function parseNsConf(text: string, options: { readonly adc: string }): Estate {
  return runSync(nsConfSteps(text, options));
}

/** Like `importNsConf`, in steps: a large file takes a large part of a second. */
export function* nsConfSteps(written: string, options: { readonly adc: string }): Steps<Estate> {
  const text = withoutMargins(written);
  const draft = emptyDraft();
  draft.firmware = firmwareOf(text);
  const isHtml = HTML.test(text);
  // Kept as text and parsed again later: as statements they would need as much memory as the estate.
  let changes: Change[] = [];
  const orphans: number[] = [];
  const refused: number[] = [];
  let captured = false;
  let count = 0;
  let partition: string | null = null;
  let firstCommand: number | null = null;
  let steps = 0;
  const headOf = createHeadReader();
  const blocks: Block[] = [];
  let after = 0;
  for (const found of commandLines(text, (line) => orphans.push(line))) {
    const single = withoutRemark(withoutDoubledEscapes(found.text));
    let command: CommandLine = single === found.text ? found : { ...found, text: single };
    steps += 1;
    if (steps % COMMANDS_PER_STEP === 0) {
      yield;
    }
    captured ||= command.typed;
    if (command.line > after) {
      blocks.push({ from: command.line, defined: 0 });
    }
    after = command.line + (command.joins?.length ?? 0) + 1;
    if (command.taken === true) {
      draft.takenLines.add(command.line);
    }
    if (command.refused) {
      refused.push(command.line);
      continue;
    }
    if (PASSED_OVER.some((is) => is(command.text))) {
      orphans.push(command.line);
      continue;
    }
    firstCommand ??= command.line;
    const pasted =
      partition === null && CONFIGURES.test(command.text) ? webText(command.text) : null;
    if (pasted !== null && PASSED_OVER.some((is) => is(pasted.meant))) {
      orphans.push(command.line);
      continue;
    }
    if (pasted !== null) {
      // Read as intended, so that consequences are not reported as well.
      command = { ...command, text: pasted.meant };
      if (!isHtml && !isOpen(pasted.meant)) {
        reportWebText(command, pasted.what, draft);
      }
    }
    const head = partition === null && count < MAX_STATEMENTS ? headOf(command) : null;
    if (head !== null && CHANGES.has(head.kind)) {
      count += 1;
      changes.push({ line: command.line, text: command.text, kind: head.kind, head });
      continue;
    }
    if (head !== null && isIrrelevant(head) && !BOUND_MONITOR.test(command.text)) {
      count += 1;
      const isFirmwares = LABEL_OF_FIRMWARE.test(command.text);
      countKind(isFirmwares ? `${head.shown} of the firmware` : head.shown, draft);
      continue;
    }
    const statements = statementsOf(command, head);
    const [first] = statements;
    if (first === undefined) {
      continue;
    }
    count += statements.length;
    if (count > MAX_STATEMENTS) {
      const message = `Only the first ${String(MAX_STATEMENTS)} statements were read.`;
      report(draft, first, "error", "import_too_large", "file", message);
      break;
    }
    // What a captured `show` prints may end up in its line.
    if (first.broken && first.verb !== "show") {
      reportBroken(command, first, draft);
      if (isNameless(first)) {
        continue;
      }
    }
    const kind = head?.kind ?? statementKind(first);
    if (hasOverlongName(first)) {
      const message = `A name has more than ${String(MAX_NAME_LENGTH)} characters, which the ADC does not accept; this line is ignored.`;
      report(draft, first, "error", "unreadable_value", kind.slice(0, 60), message);
      continue;
    }
    const remove = ALL_REMOVERS.get(kind);
    if (kind === "switch ns partition") {
      const [name = "default"] = first.words;
      const isHome = firstCommand === command.line && isOnlyPartition(name, text);
      partition = isHome || name.toLowerCase() === "default" ? null : name;
    } else if (partition !== null) {
      const known = draft.otherPartitions.get(partition) ?? 0;
      draft.otherPartitions.set(partition, known + statements.length);
    } else if (CHANGES.has(kind)) {
      changes.push({ line: command.line, text: command.text, kind, head });
    } else if (remove !== undefined) {
      applyChanges(changes, draft);
      changes = [];
      statements.forEach((statement) => {
        remove(statement, draft);
      });
    } else {
      const block = blocks.at(-1);
      if (block !== undefined && DEFINITIONS.has(kind)) {
        block.defined += 1;
      }
      statements.forEach((statement) => {
        readDefinition(statement, kind, draft);
      });
    }
  }
  applyChanges(changes, draft);
  const fenced = FENCED.test(text);
  const extent = extentOf(draft, {
    captured,
    fenced,
    orphans: orphans.length,
    diff: isDiff(written),
    examples: hasExamples(draft, blocks),
  });
  // A title above several commands is no lost command of theirs.
  const onlyTitle =
    extent === "paste" && count >= PROSE && orphans.every((line) => line < (firstCommand ?? 0));
  const isProse = captured || extent === "excerpt" || onlyTitle;
  if (!isProse) {
    const what = orphans.length === 1 ? "line is no command" : "lines are not commands";
    reportLines(orphans, "warning", "unreadable_lines", what, draft);
  }
  reportRefused(refused, draft);
  // A page's sentences begin with verbs, too.
  const isPage = extent !== null && orphans.length > 0;
  reportUnread(draft, isPage);
  const finished = yield* finishEstate(draft, options.adc);
  yield;
  const estate: Estate = extent === null ? finished : { ...finished, extent };
  const isFiltered = extent === "excerpt" && FILTERED.test(text);
  // What uses them may be read before they are defined.
  const monitorsUsedElsewhere = new Set(
    [...draft.monitorsUsedElsewhere].map((name) => monitorName(name, draft)),
  );
  const beside = { profiles: profileReferences(draft), otherVservers: draft.otherVservers.exact };
  const { said, leftOut } =
    extent === null
      ? { said: draft.diagnostics, leftOut: [] }
      : asPart(
          draft.diagnostics.all(),
          extent,
          nearNamesOf(estate, beside),
          clashesWithin(blocks, draft.clashes),
        );
  const unreadDefinitions: ReadonlySet<string> =
    extent === null ? new Set() : addedNames(text, orphans);
  said.pushAll(
    estateDiagnostics(estate, {
      ...draft,
      ...beside,
      monitorsUsedElsewhere,
      unreadDefinitions,
      leftOut,
    }),
  );
  const diagnostics = said.all();
  return {
    ...estate,
    ...(monitorsUsedElsewhere.size === 0 ? null : { monitorsUsedElsewhere }),
    ...(isFiltered ? { filtered: true as const } : null),
    // The output of a session's commands is no mistake, nor is a page's text about its commands.
    ...(isProse && orphans.length > 0 ? { passedOver: orphans.length } : null),
    diagnostics: extent === null ? diagnostics : withoutSecondMention(diagnostics),
  };
}

/** Whether a text that begins with a partition has nothing of another one: it is what the partition's own `show` prints. */
function isOnlyPartition(name: string, text: string): boolean {
  return [...text.matchAll(SWITCH)].every(([, other]) => other === name);
}

const SWITCH = /\bswitch ns partition +([^\s;"'`]{1,256})/gi;

/** A saved web page, whose characters nobody enters. */
const HTML = /^[\s\ufeff]{0,100}<(?:!doctype html|html)\b/i;

/** A page's form of a command that is still to be filled in (`add server &lt;name&gt; …`), which nobody enters as it is. */
function isOpen(text: string): boolean {
  return /<[A-Za-z]/.test(text) && text.split(" ").some(isPlaceholder);
}

/** A command that is read after all definitions. */
interface Change extends Pick<CommandLine, "line" | "text"> {
  /** See {@link statementKind}. */
  readonly kind: string;
  /** Null: not read yet. */
  readonly head: PlainHead | null;
}

const KINDS = [
  serverStatements,
  serviceStatements,
  monitorStatements,
  vserverStatements,
  gslbStatements,
  actionStatements,
  policyStatements,
  tlsStatements,
  authenticationStatements,
  profileStatements,
  systemStatements,
  toggleStatements,
  removalStatements,
];

const ALL_REMOVERS: ReadonlyMap<string, StatementReader> = new Map([
  ...REMOVERS,
  ...GSLB_REMOVERS,
  ...RENAMERS,
]);

const DEFINITIONS: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.definitions]),
);

const SETTERS: ReadonlyMap<string, StatementReader> = new Map(
  KINDS.flatMap((kinds) => [...kinds.changes]),
);

const CHANGES: ReadonlyMap<string, StatementReader> = new Map([
  ...SETTERS,
  ...unsetReaders(SETTERS),
]);

/** The object's own name, and those of its bindings. The strings of a pattern set are not names. */
function hasOverlongName({ verb, group, words }: Statement): boolean {
  const names = verb.toLowerCase() === "bind" && group.toLowerCase() !== "policy" ? 2 : 1;
  return words.slice(0, names).some(({ length }) => length > MAX_NAME_LENGTH);
}

function readDefinition(statement: Statement, kind: string, draft: Draft): void {
  const read = DEFINITIONS.get(kind);
  if (read !== undefined) {
    read(statement, draft);
  } else if (!readPolicy(statement, draft)) {
    countOther(statement, draft);
  }
}

function applyChanges(changes: readonly Change[], draft: Draft): void {
  for (const change of changes) {
    const read = CHANGES.get(change.kind);
    for (const statement of statementsOf(change, change.head)) {
      read?.(statement, draft);
    }
  }
}

/** No reader supports it, so only its kind matters. `readPolicy` decides which policies are read. */
function isIrrelevant({ kind, verb, object }: PlainHead): boolean {
  return (
    !DEFINITIONS.has(kind) &&
    !ALL_REMOVERS.has(kind) &&
    kind !== "switch ns partition" &&
    !(verb === "add" && /policy$/i.test(object ?? ""))
  );
}

/** `-monitor`, as used by routes, also abbreviated. */
const BOUND_MONITOR = /-mon/i;

function countOther(statement: Statement, draft: Draft): void {
  countKind(shownKind(statement), draft);
  // Routes and policy-based routes use monitors too.
  for (const [key, names] of statement.keys) {
    if (key.startsWith("mon") && "monitorname".startsWith(key)) {
      names.forEach((name) => draft.monitorsUsedElsewhere.add(name));
    }
  }
}
