import { subjectOf, verbOf } from "./abbreviations.ts";
import { lexLine } from "./lexer.ts";
import { commandLines, type CommandLine } from "./lines.ts";
import { expandRanges } from "./ranges.ts";

/** One command taken apart: `verb group [object] word* (-key value*)*`. */
export interface Statement {
  /** First physical line, from 1. */
  readonly line: number;
  /** In lower case. */
  readonly verb: string;
  readonly group: string;
  /** Null for groups that have none (`add server …`). */
  readonly object: string | null;
  /** Everything before the first key, and what follows keys that take one value only. */
  readonly words: readonly string[];
  /** Keys in lower case, without the dash, each with its values; a flag has none. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** True when the line ended inside a quote or parenthesis: what was read up to there stands. */
  readonly broken: boolean;
}

/** Reads all statements in order, ranges such as `serv[1-3]` expanded. Never throws. */
export function* readStatements(
  text: string,
  orphan: (line: number) => void = ignore,
): Generator<Statement, void, undefined> {
  for (const command of commandLines(text, orphan)) {
    const statement = parseStatement(command);
    if (statement !== null) {
      yield* expandRanges(statement);
    }
  }
}

/** Null for a line that holds no verb and group. */
export function parseStatement(command: CommandLine): Statement | null {
  const tokens = lexLine(command.text);
  const broken = tokens.at(-1)?.kind === "error";
  const [verb, group, third] = tokens;
  if (verb?.kind !== "word" || group?.kind !== "word") {
    return null;
  }
  const subject = subjectOf(group.text, third?.kind === "word" ? third.text : null);
  const words: string[] = [];
  const keys = new Map<string, string[]>();
  let values: string[] | null = null;
  let wanted = Infinity;
  for (const token of tokens.slice(1 + subject.taken)) {
    if (token.kind === "key") {
      const key = token.text.toLowerCase();
      values = keys.get(key) ?? [];
      wanted = SINGLE_VALUE_KEYS.has(key) ? values.length + 1 : Infinity;
      keys.set(key, values);
    } else if (values !== null && values.length < wanted) {
      values.push(token.text);
    } else {
      words.push(token.text);
    }
  }
  return {
    line: command.line,
    verb: verbOf(verb.text) ?? verb.text.toLowerCase(),
    group: subject.group,
    object: subject.object,
    words,
    keys,
    broken,
  };
}

/** The name under which a kind of statement is looked up: `add lb monitor`, in lower case. */
export function statementKind(statement: Statement): string {
  const kind = `${statement.verb} ${statement.group}`;
  return (statement.object === null ? kind : `${kind} ${statement.object}`).toLowerCase();
}

function ignore(): void {
  // Lines that continue nothing are the caller's business only if it asks.
}

/** Keys that stand before positional arguments: `add cs vserver C -td 10 SSL 10.0.0.1 -range 3 443`. */
const SINGLE_VALUE_KEYS: ReadonlySet<string> = new Set(["td", "range"]);
