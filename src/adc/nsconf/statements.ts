import { MAX_NAME_LENGTH } from "../field-types.ts";
import { subjectOf, verbOf } from "./abbreviations.ts";
import { commandLines, type CommandLine } from "./command-lines.ts";
import { lexLine, type Token, Q_DELIMITERS } from "./lexer.ts";

/** More names from one range are a mistake; the statement is then kept as written. */
const MAX_EXPANSION = 1024;

/** Only names and addresses of these kinds may contain ranges; brackets elsewhere belong to an expression. */
const EXPANDABLE = /^(server|service|servicegroup|vserver|monitor)$/i;

/**
 * Expands `add server serv[1-3] 10.102.27.[151-153]` into one statement per element, with all ranges of a statement
 * advancing together; a word without a range repeats. Source: NetScaler docs, "Creating a range of virtual servers and
 * services".
 */
function expandRanges(statement: Statement): readonly Statement[] {
  const kind = statement.object ?? statement.group;
  if (!EXPANDABLE.test(kind) || !statement.words.some((word) => word.includes("["))) {
    return [statement];
  }
  const expanded = statement.words.map(expandWord);
  const size = Math.max(...expanded.map((words) => words.length));
  if (!expanded.every((words) => words.length === 1 || words.length === size)) {
    return [statement];
  }
  return Array.from({ length: size }, (_, position) => ({
    ...statement,
    words: expanded.map((words) => words[words.length === 1 ? 0 : position] ?? ""),
  }));
}

/** All words of a range; only the word itself if there is no range, or an unreasonable one. */
export function expandWord(word: string): string[] {
  const match = /^(.*?)\[(?:(\d{1,6})-(\d{1,6})|([A-Za-z])-([A-Za-z]))\](.*)$/s.exec(word);
  if (match === null) {
    return [word];
  }
  const [, before = "", fromDigits, toDigits, fromLetter = "", toLetter = "", after = ""] = match;
  const numeric = fromDigits !== undefined;
  const from = numeric ? Number(fromDigits) : fromLetter.charCodeAt(0);
  const to = numeric ? Number(toDigits) : toLetter.charCodeAt(0);
  if (to < from || to - from >= MAX_EXPANSION) {
    return [word];
  }
  const width = numeric && fromDigits.startsWith("0") ? fromDigits.length : 0;
  return Array.from({ length: to - from + 1 }, (_, offset) => {
    const element = from + offset;
    const text = numeric ? String(element).padStart(width, "0") : String.fromCharCode(element);
    return before + text + after;
  });
}

/** One parsed command: `verb group [object] word* (-key value*)*`. */
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
  /** Keys in lower case without the hyphen, each with its values; a flag has none. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  /** True if the line ended inside a quote or parenthesis: what was read up to there is kept. */
  readonly broken: boolean;
}

/**
 * Reads all statements in order, with ranges such as `serv[1-3]` expanded and rejected commands left out. Never throws.
 */
export function* readStatements(
  text: string,
  orphan: (line: number) => void = ignore,
): Generator<Statement, void, undefined> {
  for (const command of commandLines(text, orphan)) {
    if (!command.refused) {
      yield* statementsOf(command);
    }
  }
}

/**
 * The statements of a command: one, several for a range, none if it has no verb and group. `known`: its head, if that has
 * been read before.
 */
export function statementsOf(
  command: Pick<CommandLine, "line" | "text">,
  known: Head | null = null,
): readonly Statement[] {
  const statement = parseStatement(command, known);
  return statement === null ? [] : expandRanges(statement);
}

/** Null for a line without verb and group. */
function parseStatement(
  command: Pick<CommandLine, "line" | "text">,
  known: Head | null,
): Statement | null {
  const tokens = lexLine(command.text);
  const head = known ?? headOf(tokens);
  if (head === null) {
    return null;
  }
  const { verb, group, object, taken } = head;
  const { words, keys } = wordsAndKeys(tokens, taken);
  const broken = tokens.at(-1)?.kind === "error";
  return { line: command.line, verb, group, object, words, keys, broken };
}

interface Head extends Pick<Statement, "verb" | "group" | "object"> {
  /** The number of tokens that form it: 2 or 3. */
  readonly taken: number;
}

const MOST_OF_HEAD = 3;

function headOf([verb, group, third]: readonly Token[]): Head | null {
  if (verb?.kind !== "word" || group?.kind !== "word") {
    return null;
  }
  const subject = subjectOf(group.text, third?.kind === "word" ? third.text : null);
  return {
    verb: verbOf(verb.text) ?? verb.text.toLowerCase(),
    group: subject.group,
    object: subject.object,
    taken: 1 + subject.taken,
  };
}

/** What the first words of a plain command determine. */
export interface PlainHead extends Head {
  /** See {@link statementKind}. */
  readonly kind: string;
  /** See {@link shownKind}. */
  readonly shown: string;
}

/** The maximum number of distinct command heads; a configuration has far fewer. */
const MAX_HEADS = 4_096;

/**
 * Reads the head of a command for which the first words are enough: without quotes, parentheses and ranges, and too
 * short for a name that is too long. Null: the whole statement has to be read. Each distinct head is parsed once.
 */
export function createHeadReader(): (command: CommandLine) => PlainHead | null {
  const known = new Map<string, PlainHead | "three words">();
  const read = (text: string): PlainHead | null => {
    const head = headOf(lexLine(text, MOST_OF_HEAD));
    return head === null ? null : { ...head, kind: statementKind(head), shown: shownKind(head) };
  };
  const remember = (beginning: string, head: PlainHead | "three words"): void => {
    if (known.size < MAX_HEADS) {
      known.set(beginning, head);
    }
  };
  return ({ text }) => {
    if (text.length > MAX_NAME_LENGTH || /["'()[]/.test(text)) {
      return null;
    }
    const two = endOfWord(text, endOfWord(text, 0) + 1);
    const first = known.get(text.slice(0, two));
    if (first !== undefined && first !== "three words") {
      return first;
    }
    const three = text.slice(0, endOfWord(text, two + 1));
    const second = first === undefined ? undefined : known.get(three);
    if (second !== undefined && second !== "three words") {
      return second;
    }
    const head = read(text);
    if (head !== null && head.object === null && isSpaced(three)) {
      remember(text.slice(0, two), head);
    } else if (head !== null && isSpaced(three)) {
      remember(text.slice(0, two), "three words");
      remember(three, head);
    }
    return head;
  };
}

/**
 * Words with a single space between them, none of them an option or a comment: the result depends on this head only.
 */
function isSpaced(beginning: string): boolean {
  return /^[\w.]+ [\w.]+ [\w.]+$/.test(beginning);
}

function endOfWord(text: string, from: number): number {
  const end = text.indexOf(" ", from);
  return end < 0 ? text.length : end;
}

/** A large file has a hundred thousand statements: lists are created at their final length, and only where needed. */
function wordsAndKeys(tokens: readonly Token[], from: number): Pick<Statement, "words" | "keys"> {
  let at = from;
  const run = (most: number): readonly string[] => {
    const start = at;
    while (at < tokens.length && at - start < most && tokens[at]?.kind !== "key") {
      at += 1;
    }
    return at === start ? NOTHING : texts(tokens, start, at);
  };
  let words = run(Infinity);
  if (at === tokens.length) {
    return { words, keys: NO_KEYS };
  }
  const keys = new Map<string, readonly string[]>();
  while (at < tokens.length) {
    const key = (tokens[at]?.text ?? "").toLowerCase();
    at += 1;
    const single = SINGLE_VALUE_KEYS.has(key);
    const values = run(single ? 1 : Infinity);
    const known = keys.get(key);
    keys.set(key, known === undefined ? values : [...known, ...values]);
    const behind = single ? run(Infinity) : NOTHING;
    words = behind.length === 0 ? words : [...words, ...behind];
  }
  return { words, keys };
}

function texts(tokens: readonly Token[], from: number, end: number): readonly string[] {
  const found = new Array<string>(end - from);
  for (let at = from; at < end; at += 1) {
    found[at - from] = tokens[at]?.text ?? "";
  }
  return found;
}

const NOTHING: readonly string[] = [];
const NO_KEYS: ReadonlyMap<string, readonly string[]> = new Map();

/** The key under which a kind of statement is looked up: `add lb monitor`, in lower case. */
export function statementKind(statement: Pick<Statement, "verb" | "group" | "object">): string {
  const kind = `${statement.verb} ${statement.group}`;
  return (statement.object === null ? kind : `${kind} ${statement.object}`).toLowerCase();
}

/** The same as written, for messages. Words that are no command words are left out. */
export function shownKind({
  verb,
  group,
  object,
}: Pick<Statement, "verb" | "group" | "object">): string {
  const words = [verb, group, object ?? ""].filter((word) => word !== "");
  return words.map((word) => (/^[A-Za-z][\w-]{0,31}$/.test(word) ? word : "…")).join(" ");
}

function ignore(): void {
  // Lines that continue nothing are reported only on request.
}

/** Keys that come before positional arguments: `add cs vserver C -td 10 SSL 10.0.0.1 -range 3 443`. */
const SINGLE_VALUE_KEYS: ReadonlySet<string> = new Set(["td", "range"]);

/**
 * Writes a value so that the ADC reads the same value again: in double quotes, with escapes, whenever the bare text
 * would be read differently (the rule by which the ADC writes its own saved configuration), or would end the command
 * (`;` and `|`).
 */
export function writeWord(value: string): string {
  return needsQuotes(value) ? `"${value.replace(/[\\"\t\r\n]/g, escapeOf)}"` : value;
}

function needsQuotes(value: string): boolean {
  return (
    value === "" ||
    /[\s"'\\();|]/.test(value) ||
    /^[-#]/.test(value) ||
    (value.startsWith("q") && value.length > 1 && Q_DELIMITERS.includes(value.charAt(1)))
  );
}

function escapeOf(character: string): string {
  switch (character) {
    case "\t":
      return "\\t";
    case "\r":
      return "\\r";
    case "\n":
      return "\\n";
    default:
      return `\\${character}`;
  }
}
