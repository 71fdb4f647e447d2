import type { Diagnostic } from "../../model/estate.ts";
import { type Draft, report } from "./draft.ts";
import { isOfNoKind, meaningsOf } from "./abbreviations.ts";
import type { CommandLine } from "./command-lines.ts";
import { unclosedAt } from "./lexer.ts";
import { type Statement, statementKind, statementsOf } from "./statements.ts";
import { counted } from "../../lib/counted.ts";

/** Reported without quoting the line, as for a line that ends inside a quote. */
export function reportWebText(command: CommandLine, what: string, draft: Draft): void {
  const [first] = statementsOf(command);
  if (first !== undefined) {
    const message = `The ADC does not understand ${what}: it rejects the command.`;
    const object = first.words[0] ?? statementKind(first).slice(0, 60);
    report(draft, first, "error", "typographic_characters", object, message);
  }
}

/**
 * Reported without quoting the line, which may contain a secret, at the physical line in which it is left open. What
 * follows there is lost, which has to be said.
 */
export function reportBroken(command: CommandLine, statement: Statement, draft: Draft): void {
  const open = unclosedAt(command.text) ?? 0;
  const joins = command.joins ?? [];
  const before = joins.filter((at) => at <= open).length;
  const lost = joins.length - before;
  const lines = lost === 1 ? "the next line" : `the next ${String(lost)} lines`;
  draft.diagnostics.push({
    severity: "warning",
    rule: "broken_line",
    line: command.line + before,
    object:
      (isNameless(statement) ? null : statement.words[0]) ?? statementKind(statement).slice(0, 60),
    message: `This line ends inside a quote or parenthesis; the rest of it${lost === 0 ? " is" : `, and ${lines}, are`} ignored.`,
  });
}

/** Whether the name itself is what is left open, so that the rest of the line, perhaps a secret, would be part of it. */
export function isNameless({ words, keys }: Statement): boolean {
  return words.length + keys.size < 2;
}

/**
 * A command that the session shows as rejected is not part of the configuration; that it was attempted is worth a note.
 */
export function reportRefused(lines: readonly number[], draft: Draft): void {
  const what =
    lines.length === 1
      ? "command that the ADC rejected is ignored"
      : "commands that the ADC rejected are ignored";
  reportLines(lines, "info", "refused_command", what, draft);
}

/** The names of objects that lines add which were not read, in whatever surroundings; lines from 1. */
export function addedNames(text: string, unread: readonly number[]): ReadonlySet<string> {
  if (unread.length === 0) {
    return new Set();
  }
  const lines = text.split("\n");
  return new Set(
    unread.flatMap((line) =>
      [...(lines[line - 1] ?? "").matchAll(ADDED)].map(([, name = ""]) => name),
    ),
  );
}

const ADDED =
  /\badd (?:(?:lb|cs|gslb|ssl|ns|vpn|cr|authentication|responder|rewrite) )?[A-Za-z]{2,40} (?=([^\s"'`]{1,128}))/g;

/** One finding for all lines of a kind: their number, and the first. */
export function reportLines(
  lines: readonly number[],
  severity: Diagnostic["severity"],
  rule: string,
  what: string,
  draft: Draft,
): void {
  const [first] = lines;
  if (first !== undefined) {
    const which = lines.length === 1 ? "it is" : "the first is";
    const message = `${String(lines.length)} ${what}; ${which} line ${String(first)}.`;
    draft.diagnostics.push({ severity, rule, line: first, object: "file", message });
  }
}

/** Groups and objects that affect health or routing and that no reader supports. */
const ABOUT_HEALTH =
  /^clear ns config\b|^(add|set|bind|unbind|enable|disable) (gslb(?! parameter)|vserver|cr|lsn|spillover|autoscale|vpn vserver|user (vserver|protocol)|lb (group|route|wlm|metrictable|policylabel)|cs policylabel|ns (pbrs?|pbr6|pat|ratecontrol)|responder policylabel|rewrite (global|policylabel(?! of the firmware))|tm (global|formssoaction)|aaa (group|global)|authentication policylabel|vrid\w*)\b/;

/** `bind rewrite policylabel ns_cvpn_v2_url_label …`: part of every saved configuration. */
export const LABEL_OF_FIRMWARE = /^\w+ \w+ policylabel (?:ns_|_)/i;

/** An object that the group does not have, or both without the space between: `add lb virtual`, `bind sslvserver`. */
const NO_COMMAND =
  /^(add|set|bind|unbind|enable|disable|unset|rm) ((lb|cs|ssl|gslb)(vserver|monitor|service|servicegroup|policy|action)|lb (?!vserver|monitor|monbindings|group|parameter|persistentsessions|metrictable|profile|policy|policylabel|action|route6?|wlm|sipparameters|global)\S*|cs (?!vserver|policy|policylabel|action|parameter)\S*)$|^add ssl (vserver|service|servicegroup)$|^(add|set|unset|rm) ns (net|ssl|dns|lb)profile$|^(add|set|bind|unbind|enable|disable|unset|rm) (serv(?!er$|ice$|icegroup$|icefunction$|icepath$)\w*|monit(?!or$)\w*)/;

/** Reports what was not examined, so that a missing finding is not mistaken for health. */
export function reportUnread(draft: Draft, isPage: boolean): void {
  const kinds = [...draft.otherStatements];
  const isStrange = (kind: string): boolean => {
    const [verb = "", subject = ""] = kind.split(" ");
    return !isPage && isOfNoKind(verb, subject);
  };
  const unread = kinds.filter(
    ([kind]) =>
      !NO_COMMAND.test(kind.toLowerCase()) &&
      (ABOUT_HEALTH.test(kind.toLowerCase()) || isStrange(kind)),
  );
  const unknown = kinds.filter(([kind]) => NO_COMMAND.test(kind.toLowerCase()));
  const ambiguous = kinds.flatMap(([kind, count]): [string, number][] => {
    const [, group = "", object = null] = kind.split(" ");
    const meanings = meaningsOf(group, object);
    return meanings.length === 0 ? [] : [[`${kind} (${meanings.join(" or ")})`, count]];
  });
  reportKinds(draft, "info", "not_looked_at", ["is not examined", "are not examined"], unread);
  reportKinds(
    draft,
    "warning",
    "unknown_command",
    ["is no command of the ADC", "are not commands of the ADC"],
    [
      ...unknown.filter(([kind]) => !ambiguous.some(([name]) => name.startsWith(`${kind} (`))),
      ...ambiguous,
    ],
  );
  for (const [name, count] of draft.otherPartitions) {
    draft.diagnostics.push({
      severity: "info",
      rule: "partition_not_read",
      line: null,
      object: name,
      message: `${counted(count, "statement")} of another admin partition ${count === 1 ? "is" : "are"} not examined.`,
    });
  }
}

function reportKinds(
  draft: Draft,
  severity: "info" | "warning",
  rule: string,
  [one, many]: readonly [one: string, many: string],
  kinds: readonly (readonly [string, number])[],
): void {
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  const named = kinds.map(([kind, count]) => (count === 1 ? kind : `${kind} (${String(count)})`));
  if (total > 0) {
    const message = `${counted(total, "statement")} of ${counted(kinds.length, "kind")} ${total === 1 ? one : many}: ${named.join(", ")}.`;
    draft.diagnostics.push({ severity, rule, line: null, object: "file", message });
  }
}
