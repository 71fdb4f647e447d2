import { isSubject, meaningsOf, subjectOf, verbOf, VERBS } from "./abbreviations.ts";
import { isSpace, lexLine } from "./lexer.ts";
import {
  behindPrompt,
  commandsIn,
  endsInBackslash,
  isQuotedWhole,
  withoutBackslash,
  withoutBarePrompt,
  withoutCodeMarks,
  withoutPager,
} from "./surroundings.ts";

/** One command with the number of its first physical line (from 1), wrapped lines joined. */
export interface CommandLine {
  readonly line: number;
  readonly text: string;
  /** After a prompt, in a captured session. */
  readonly typed: boolean;
  /** Rejected with an error, so it has changed nothing. */
  readonly refused: boolean;
  /** Answered with ` Done`: the ADC has taken it as it is. */
  readonly taken?: true;
  /** Where in the text each further physical line begins; absent: there is only one. */
  readonly joins?: readonly number[];
}

/** A longer command, joined or on one line, is not valid; the ADC's own limit is far below. */
const MAX_COMMAND_LENGTH = 65_536;

/** A command whose lines are still being joined. */
interface Pending {
  readonly line: number;
  text: string;
  /** After a prompt, in a captured session. */
  readonly typed: boolean;
  refused: boolean;
  taken?: true;
  lastLength: number;
  /** How often its end has been searched for. */
  looks: number;
  /** Its last line ended in a backslash, which continues a line in a shell. */
  goesOn: boolean;
  /** Between quotes that also end it. */
  closed: boolean;
  /** After `>` alone, which a mail puts before each line that it quotes. */
  bare: boolean;
  joins?: number[];
}

/** A quote that is open for this many lines also contains the next one: each search reads the whole command. */
const MAX_LOOKS = 100;

/**
 * The commands of a saved configuration, one at a time. Supports real files: CR LF, a byte order mark, comments,
 * prompts and ` Done` lines of captured sessions, and long lines that were wrapped on the way: a line that starts with
 * no command word continues the previous one. `orphan` receives the number of a line that continues nothing.
 */
export function* commandLines(
  text: string,
  orphan: (line: number) => void,
): Generator<CommandLine, void, undefined> {
  const hardWidth = hardWrapWidth(text);
  let pending: Pending | null = null;
  for (const [line, physical] of linesOf(text)) {
    if (physical.length > MAX_COMMAND_LENGTH) {
      if (pending !== null) {
        yield pending;
      }
      pending = null;
      orphan(line);
      continue;
    }
    if (isPlain(physical)) {
      if (pending !== null) {
        yield pending;
      }
      pending = pendingAt(line, physical, false, false);
      continue;
    }
    const shown = withoutCodeMarks(physical);
    const plain = withoutBarePrompt(shown);
    const bare = plain.length < shown.length;
    const starts: boolean = startsCommand(plain, pending) || (bare && isShow(plain, pending));
    const prompted: string | null = starts ? null : behindPrompt(plain);
    const whole: string = prompted ?? plain;
    const goesOn = endsInBackslash(whole);
    const content: string = goesOn ? withoutBackslash(whole) : whole;
    const trimmed = content.trim();
    if (pending?.goesOn === true && trimmed !== "" && !starts && !COMMENT.test(trimmed)) {
      join(pending, " ", content);
      pending.goesOn = goesOn && pending.text.length < MAX_COMMAND_LENGTH;
      pending.lastLength = content.length;
    } else if (pending?.typed === true && CARETS.test(trimmed)) {
      // The response follows.
      orphan(line);
    } else if (isBlank(physical, trimmed) || isReply(trimmed, pending)) {
      if (pending !== null) {
        pending.refused = pending.typed && REFUSAL.test(trimmed);
        if (pending.typed && trimmed === DONE) {
          pending.taken = true;
        }
        yield pending;
      }
      pending = null;
    } else if (
      starts ||
      (prompted !== null && (SHOWS.test(content) || startsCommand(content, pending)))
    ) {
      if (pending !== null) {
        yield pending;
      }
      pending = pendingAt(line, content, prompted !== null || bare, goesOn);
      pending.lastLength = physical.length;
      pending.bare = bare;
      pending.closed = shown !== physical && isQuotedWhole(physical);
    } else if (pending?.closed === true) {
      yield pending;
      pending = null;
      orphan(line);
    } else if (
      pending?.typed === true &&
      !(bare && pending.bare && !LEAVES.test(trimmed)) &&
      !isOpen(pending) &&
      pending.lastLength !== hardWidth
    ) {
      // The output of a typed command.
      yield pending;
      pending = null;
      orphan(line);
    } else if (
      pending === null ||
      pending.text.length + content.length > MAX_COMMAND_LENGTH ||
      !isWrapped(pending, trimmed)
    ) {
      if (pending !== null) {
        yield pending;
      }
      pending = null;
      orphan(line);
    } else {
      const glue = pending.lastLength === hardWidth ? "" : " ";
      join(pending, glue, content);
      pending.lastLength = content.length;
    }
  }
  if (pending !== null) {
    yield pending;
  }
}

/** The lines with their numbers; one that has several commands once for each. */
function* linesOf(text: string): Generator<readonly [line: number, text: string], void, undefined> {
  let from = startOf(text);
  for (let line = 1; from < text.length; line += 1) {
    const end = endOfLine(text, from);
    const physical = withoutPager(text.slice(from, withoutCarriage(text, from, end)));
    from = end + 1;
    if (physical.length > MAX_COMMAND_LENGTH) {
      yield [line, physical];
      continue;
    }
    for (const command of commandsIn(physical)) {
      yield [line, command];
    }
  }
}

function pendingAt(line: number, text: string, typed: boolean, goesOn: boolean): Pending {
  return {
    line,
    text,
    typed,
    refused: false,
    lastLength: text.length,
    looks: 0,
    goesOn,
    closed: false,
    bare: false,
  };
}

/** Appends a further physical line. */
function join(pending: Pending, glue: string, content: string): void {
  (pending.joins ??= []).push(pending.text.length + glue.length);
  pending.text += glue + content;
}

const PLAIN_VERBS = ["add ", "bind ", "set ", "enable ", "disable ", "link "];

/**
 * Matches nearly every line of a saved configuration: a configuring verb in the ADC's spelling, a command word, and a
 * last character after which no line continues. Such a line is a separate command whatever precedes it.
 */
function isPlain(line: string): boolean {
  const verb = PLAIN_VERBS.find((one) => line.startsWith(one));
  const last = line.charCodeAt(line.length - 1);
  if (verb === undefined || last === 0x5c || last <= 0x20 || last > 0x7e || line.includes("`")) {
    return false;
  }
  let at = verb.length;
  if (!isLetter(line.charCodeAt(at))) {
    return false;
  }
  while (at < line.length && isOfWord(line.charCodeAt(at))) {
    at += 1;
  }
  return at === line.length || isSpace(line, at);
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

/** Letters, digits, `_` and `-`. */
function isOfWord(code: number): boolean {
  return isLetter(code) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d;
}

/**
 * A comment in the ADC's syntax, or what surrounds the commands of a page, session or script: a code fence, a generator's
 * tag, a shell's prompt (`root@adc:/# cat ns.conf`), the end of a text of several lines in Python or PowerShell.
 */
const COMMENT =
  /^(?:#|```|\{%|[\w.-]{1,64}@[\w.-]{1,64}:\S{0,200}[#$](?:\s|$)|(?:"""|'''|["']@)\s?[,;)\]}]{0,4}$|\*\/)/;

/** A line of a comment in a program's source that has no text of its own: ` *`, ` * </pre>`, ` * @param`. */
const BARE_STAR = /^\s+\*\s*(?:$|<\/?\w|@\w)/;

function isBlank(line: string, trimmed: string): boolean {
  return trimmed === "" || COMMENT.test(trimmed) || BARE_STAR.test(line);
}

/** `sh run`, `sho lb vs v`: the most common typed commands. */
const SHOWS = /^sho?\s/i;

function isShow(content: string, pending: Pending | null): boolean {
  return SHOWS.test(content) && (pending === null || !isOpen(pending));
}

/** The ADC's responses to a command: neither a command nor the continuation of one. */
const REPLY = /^(ERROR|WARNING|Warning|Error|Info|INFO|exec)\s*:/;

/** The response to a command that has been carried out. */
const DONE = "Done";

/** The response to a command that has changed nothing. */
const REFUSAL = /^error\s*:/i;

function isReply(line: string, pending: Pending | null): boolean {
  if (line === DONE) {
    return true;
  }
  const isOne =
    REPLY.test(line) || (ANSWER.test(line) && !AWAITS_VALUE.test(pending?.text.slice(-100) ?? ""));
  return isOne && (pending === null || !isOpen(pending));
}

/** What the ADC shows under the word that it rejects. */
const CARETS = /^\^{1,200}$/;

/** What is typed, too, and configures nothing. */
const LEAVES = /^(?:exit|quit|logout|shell|help|history|man|cls|ping\d?|traceroute)\b/i;

/** What is typed when the ADC asks whether to go on, as guides show it on a line of its own. */
const ANSWER = /^(?:y|n|yes|no)$/i;

/** The minimum number of columns at which lines are wrapped. */
const NARROWEST = 72;

/** First words that look like commands but, inside an open quote or parenthesis, are more likely its text. */
function startsCommand(content: string, pending: Pending | null): boolean {
  const [, verb, next] = /^\s*([A-Za-z]+)(?!\S)(?:\s+(\S+))?/.exec(content) ?? [];
  const isVerb =
    verb !== undefined && (VERBS.has(verb.toLowerCase()) || isShort(verb, next)) && next !== "=";
  if (!isVerb) {
    return false;
  }
  if (pending === null || CONFIGURING.test(verb)) {
    return next === undefined || /^[A-Za-z][\w-]*$/.test(next) || pending === null;
  }
  return (REMOVING.test(verb) && isSubject(next ?? "")) || !isOpen(pending);
}

/** Ends with an option that has no value. */
const AWAITS_VALUE = /\s-\w+\s*$/;

/**
 * Whether a line continues the previous one: if its first word would have fitted there, the line was not cut and is a
 * page's text about its commands.
 */
function isWrapped(pending: Pending, content: string): boolean {
  const [word = ""] = content.split(/\s/, 1);
  if (OF_A_PAGE.test(content) || ITEM.test(content)) {
    return false;
  }
  if (NO_WORD.test(content) || SEPARATOR.test(content)) {
    return isOpen(pending);
  }
  return (
    content.startsWith("-") ||
    AWAITS_VALUE.test(pending.text) ||
    pending.lastLength + 1 + word.length > NARROWEST ||
    isOpen(pending)
  );
}

/** A title, or a tool's message: `[*] Found:`. */
const OF_A_PAGE = /^\[[*+!-]\] |[^:]:$/;

/** The end of a text in a program's source, a rule of a page, or the mark of a conflict that git left. */
const NO_WORD = /^(?:[^\w"')*]+|[<>]{6,7} \S{1,200})$/;

/**
 * What separates commands on a page, or in other devices' syntax: `=== Mail`, `--- step 2 ---`, `******`, `! comment`. An
 * expression that is negated is no such line: `!HTTP.REQ.IS_VALID`.
 */
const SEPARATOR =
  /^(?:={2,}|-{3,}|--(?![A-Za-z0-9])|\*{2,}|~{2,}|_{3,}|\+{2,}|!(?![(]*[A-Za-z]+\.))/;

/** A list's item: an option follows its hyphen at once. */
const ITEM = /^(?:[-*+\u2022]|\d{1,3}[.)]) /;

/** Inside a quote or parenthesis. */
function isOpen(pending: Pending): boolean {
  pending.looks += 1;
  return pending.looks > MAX_LOOKS || lexLine(pending.text).at(-1)?.kind === "error";
}

/** `dis serv web1`: an abbreviated verb counts only if an object follows. */
function isShort(verb: string, next: string | undefined): boolean {
  if (verbOf(verb) === null || next === undefined) {
    return false;
  }
  const { group } = subjectOf(next, null);
  return SHORT_SUBJECTS.has(group.toLowerCase()) || meaningsOf(next, null).length > 0;
}

const SHORT_SUBJECTS: ReadonlySet<string> = new Set([
  "lb",
  "cs",
  "server",
  "service",
  "servicegroup",
  "ns",
]);

const CONFIGURING = /^(add|set|bind|link|enable|disable)$/i;

/** Words of texts, too: commands only before an object of the ADC. */
const REMOVING = /^(rm|rename|switch|unbind|unlink|unset)$/i;

function startOf(text: string): number {
  return text.startsWith("\uFEFF") ? 1 : 0;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function withoutCarriage(text: string, from: number, end: number): number {
  return end > from && text.charCodeAt(end - 1) === 0x0d ? end - 1 : end;
}

/**
 * The column at which a terminal has cut lines in the middle of words, or -1. Such files have two continued lines of
 * exactly the same length, the longest of all; other wrapping happens at a space, which is restored.
 */
function hardWrapWidth(text: string): number {
  let longest = 0;
  let count = 0;
  for (let from = startOf(text); from < text.length;) {
    const end = endOfLine(text, from);
    const length = withoutCarriage(text, from, end) - from;
    if (length > longest) {
      longest = length;
      count = 1;
    } else if (length === longest) {
      count += 1;
    }
    from = end + 1;
  }
  return count >= 2 && longest >= NARROWEST ? longest : -1;
}
