import { isSubject, meaningsOf, subjectOf, verbOf, VERBS } from "./abbreviations.ts";

/**
 * Splits one line of NetScaler configuration into tokens as the ADC's own command line does. A `key` is an option
 * (`-respCode` without its hyphen); an `error` is the rest of a line that ends inside a quote or parenthesis, always
 * last. Source of the rules: the ns.conf grammar of Citrix's published configuration converter, confirmed by its
 * behaviour.
 */
export interface Token {
  readonly kind: "word" | "key" | "error";
  readonly text: string;
}

/**
 * Total over every string; runs in time linear in the line's length. `most` limits the number of tokens. A large file
 * has a million of them, so each is a single object.
 */
export function lexLine(line: string, most = Infinity): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(line, 0);
  while (at < line.length && line[at] !== "#" && tokens.length < most) {
    at = skipSpace(line, readToken(line, at, tokens));
    if (tokens.at(-1)?.kind === "error") {
      break;
    }
  }
  return tokens;
}

/** Where the token begins that the line leaves open; null if there is none. */
export function unclosedAt(line: string): number | null {
  const tokens: Token[] = [];
  let at = skipSpace(line, 0);
  while (at < line.length && line[at] !== "#") {
    const end = readToken(line, at, tokens);
    if (tokens.at(-1)?.kind === "error") {
      return at;
    }
    at = skipSpace(line, end);
  }
  return null;
}

/** Appends the token that starts here; returns the position after it, like all functions that read a token. */
function readToken(line: string, at: number, tokens: Token[]): number {
  const first = line[at];
  if (first === "-") {
    const end = endOfRun(line, at);
    tokens.push({ kind: "key", text: line.slice(at + 1, end) });
    return end;
  }
  if (first === '"' || first === "'") {
    return readQuoted(line, at, first, tokens);
  }
  return (first === "q" ? readQQuoted(line, at, tokens) : null) ?? readBare(line, at, tokens);
}

/** A token that starts with a quote ends at the matching quote, whatever follows. */
function readQuoted(line: string, at: number, quote: string, tokens: Token[]): number {
  let text = "";
  let from = at + 1;
  for (let end = from; end < line.length; end += 1) {
    const character = line[end];
    if (character === quote) {
      tokens.push({ kind: "word", text: text + line.slice(from, end) });
      return end + 1;
    }
    if (character === "\\") {
      const decoded = ESCAPES.get(line.charAt(end + 1));
      if (decoded !== undefined) {
        text += line.slice(from, end) + decoded;
        from = end + 2;
        end += 1;
      }
      // An unknown escape keeps its backslash.
    }
  }
  tokens.push({ kind: "error", text: text + line.slice(from) });
  return line.length;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);

/** The characters that open a q-quote; braces and angle brackets close with their counterpart. */
export const Q_DELIMITERS = "/{<|~$^+=&%@`?";

/**
 * `q{…}` without escapes, closed by the first delimiter and only if white space follows; null if it is not a q-quote.
 */
function readQQuoted(line: string, at: number, tokens: Token[]): number | null {
  const open = line.charAt(at + 1);
  if (open === "" || !Q_DELIMITERS.includes(open)) {
    return null;
  }
  const close = open === "{" ? "}" : open === "<" ? ">" : open;
  const end = line.indexOf(close, at + 2);
  if (end < 0 || (end + 1 < line.length && !isSpace(line, end + 1))) {
    return null;
  }
  tokens.push({ kind: "word", text: line.slice(at + 2, end) });
  return end + 1;
}

/**
 * An unquoted token: quotes inside it are kept and protect white space, as do parentheses, which must balance. Inside
 * those quotes a backslash escapes, as in quoted tokens.
 */
function readBare(line: string, at: number, tokens: Token[]): number {
  let quote: string | null = null;
  let nesting = 0;
  let text = "";
  let from = at;
  let end = at;
  for (; end < line.length; end += 1) {
    const character = line.charAt(end);
    if (quote !== null) {
      const decoded = character === "\\" ? ESCAPES.get(line.charAt(end + 1)) : undefined;
      if (decoded !== undefined) {
        text += line.slice(from, end) + decoded;
        from = end + 2;
        end += 1;
      } else if (character === quote) {
        quote = null;
      }
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === "(") {
      nesting += 1;
    } else if (character === ")") {
      nesting -= 1;
      if (nesting < 0) {
        tokens.push({ kind: "error", text: text + line.slice(from, end + 1) });
        return end + 1;
      }
    } else if (nesting === 0 && isSpace(line, end)) {
      break;
    }
  }
  const kind = quote !== null || nesting > 0 ? "error" : "word";
  tokens.push({ kind, text: text + line.slice(from, end) });
  return end;
}

function endOfRun(line: string, at: number): number {
  let end = at;
  while (end < line.length && !isSpace(line, end)) {
    end += 1;
  }
  return end;
}

function skipSpace(line: string, at: number): number {
  let end = at;
  while (end < line.length && isSpace(line, end)) {
    end += 1;
  }
  return end;
}

function isSpace(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/**
 * `"A(\\"/b\\")"`: a command of a program's source, in which each backslash stands twice; without the second ones. A
 * command is left as it is unless one of its quotes closes in the middle of a word, as the ADC never writes.
 */
export function withoutDoubledEscapes(text: string): string {
  if (!text.includes('\\\\"') || !closesInWord(text)) {
    return text;
  }
  const single = text.replace(/\\\\"/g, '\\"');
  return closesInWord(single) || lexLine(single).at(-1)?.kind === "error" ? text : single;
}

function closesInWord(text: string): boolean {
  return /(?:^|\s)"(?:[^"\\]|\\.)*"[^\s"]/.test(text);
}

/** One command with the number of its first physical line (from 1), wrapped lines joined. */
export interface CommandLine {
  readonly line: number;
  readonly text: string;
  /** After a prompt, in a captured session. */
  readonly typed: boolean;
  /** Rejected with an error, so it has changed nothing. */
  readonly refused: boolean;
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
  lastLength: number;
  /** How often its end has been searched for. */
  looks: number;
  /** Its last line ended in a backslash, which continues a line in a shell. */
  goesOn: boolean;
  /** Between quotes that also end it. */
  closed: boolean;
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
  let from = startOf(text);
  for (let line = 1; from < text.length; line += 1) {
    const end = endOfLine(text, from);
    const physical = withoutPager(text.slice(from, withoutCarriage(text, from, end)));
    from = end + 1;
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
    const plain = shown.replace(BARE_PROMPT, "");
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
    } else if (isBlank(physical, trimmed) || isReply(trimmed, pending)) {
      if (pending !== null) {
        pending.refused = pending.typed && REFUSAL.test(trimmed);
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
      pending.closed = shown !== physical && QUOTED.test(physical);
    } else if (pending?.closed === true) {
      yield pending;
      pending = null;
      orphan(line);
    } else if (pending?.typed === true && !isOpen(pending) && pending.lastLength !== hardWidth) {
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

/** What a terminal shows at the end of a screen page, and how it erases that before it continues in the same line. */
function withoutPager(line: string): string {
  const at = line.indexOf("--More--");
  return at === -1 || !PAGER.test(line.slice(0, at))
    ? line
    : line.slice(at + "--More--".length).replace(WIPED, "");
}

const PAGER = /^(?:[\s\u0008]|\u001b\[[\d;?]*[A-Za-z])*$/;
const WIPED = /^(?:[\s\u0008\r]|\(\d+%\)|\u001b\[[\d;?]*[A-Za-z])+/;

/**
 * A line of a web page that consists of code only, on its own or as a list item: `add vlan 2` between single backticks,
 * or a list item that can be nothing else. The name of a command without arguments (`add lb vserver`) is not one.
 */
function withoutCodeMarks(written: string): string {
  const line = written.replace(LEADING_TAGS, "");
  const listed = LISTED.exec(line)?.[1];
  if (listed !== undefined && CHANGING.test(listed)) {
    return LOOKS_TYPED.test(listed) || isBareCommand(listed) ? listed : line;
  }
  const [, quote, quoted] = (SNIPPET.test(line) ? null : QUOTED.exec(line)) ?? [];
  if (quoted !== undefined) {
    return quote === '"' ? withoutEscapes(quoted.replaceAll('""', '"')) : quoted;
  }
  const opened = (FENCE_IN_LINE.exec(line.trim()) ?? OPENING_MARK.exec(line))?.[1];
  if (opened !== undefined) {
    return opened;
  }
  if (!line.includes("`")) {
    return line;
  }
  const block = LONE_MARK.exec(line.trim())?.[1];
  if (block !== undefined) {
    return block;
  }
  const code = INLINE_CODE.exec(line.trim())?.[1];
  return code !== undefined && (/\d/.test(code) || code.trim().split(/\s+/).length > MOST_OF_NAME)
    ? code
    : line;
}

/** `<pre><code>add server …`: what a page's source has before its first command. */
const LEADING_TAGS = /^\s*(?:<(?:pre|code|p|div|span|li|br|td|blockquote)\b[^<>]{0,200}>\s*){1,8}/i;

/** The last line of a block between two backticks, as scripts quote several. */
const LONE_MARK = /^([^`]+)`\s?[,;)\]}]{0,4}$/;

/** A fence in the same line as a block's first command, or as its only one. */
const FENCE_IN_LINE = /^```((?:add|set|bind|link|enable|disable) [^`]+)(?:```)?$/;

/** The first line of such a block: `code: ` before its mark, or of a text between three quotes. */
const OPENING_MARK =
  /^(?:[^"'`]{0,80}[=:(,\s])?(?:`|"""|''')((?:add|set|bind|link|enable|disable) [^`]+)$/;

/**
 * One command as scripts and lists quote it: `echo "add …"`, `printf 'add …\\n' >> file`, `"add …",`, `"add …\\n" + \\`,
 * `Write-Output "add …" | Out-File f`, `ns.cli("add …")`, `ns_command "add …"`, `{"command": "add …"},`.
 */
const QUOTED =
  /^\s*(?:(?:echo|printf|print|Write-Output|Write-Host)(?: -[en]+)?[ (]\s?|[-+] ?|[a-z]{1,20}(?:_[a-z]{1,20}){1,4} |[\w.$]{1,40}\( ?(?:\w{1,30}, ?)?|[^#]{0,120}["']\w{1,30}["']\s?[:=]\s?)?(["'])((?:add|set|bind|link|enable|disable) (?:(?!\1)[^\\]|\\.|\1\1)+?)(?: ?\\n)?\1(?!\1)[)\]}]{0,3}(?:[,;]| ?\+(?: ?\\)?| ?>>? ?\S{1,200}| ?\| ?(?:Out-File|Add-Content|tee)\b.{0,200})?\s*$/;

/** `"prefix": "add lb vserver",`: the letters after which an editor offers a command. */
const SNIPPET = /^\s*["']?(?:prefix|trigger|tabTrigger)["']?\s?:/;

/** An item of a list, or a line of a numbered listing, without code marks, which some pages lose. */
const LISTED = /^\s*(?:[-*+\u2022]|\d{1,4}[.):]?)\s+([A-Za-z]+ .*)$/;

const CHANGING = /^(?:add|set|bind|link|enable|disable|unbind|unset|rm) /i;

/** What no sentence contains: an option, an address, a name with several parts after verb and object, a type. */
const LOOKS_TYPED =
  /\s-[A-Za-z]{2,}(?:\s|$)|\s\d{1,3}(?:\.\d{1,3}){3}(?:\s|$)|^\S+ (?:lb|cs) \S+ \S*[\d_]|^add service(?:group)? [^\s\d_]{0,64}[\d_]\S{0,64} (?:\S{1,64} )?(?:HTTP|SSL|TCP|UDP|DNS|ANY|SSL_BRIDGE|SSL_TCP)(?:\s|$)/i;

/** A group that has objects, an object, and names or values: `bind gslb vserver gslb-lb …`. Sentences have small words. */
function isBareCommand(text: string): boolean {
  return (
    /^\S+ (?:lb|cs|gslb|ssl|ns|vpn|authentication) [a-z]+ \S/i.test(text) &&
    !/ (?:an?|the|to|for|and|or|of|in|on|your|each|all|with|from|as|is|are)(?: |$)/i.test(text)
  );
}

const MOST_OF_NAME = 3;

const INLINE_CODE = /^(?:(?:[-*+]|\d{1,3}[.)])\s+)?`([^`]+)`[.,:;]?$/;

/** ` \` at the end of a line: scripts wrap commands in shell syntax. */
function endsInBackslash(line: string): boolean {
  const end = line.trimEnd();
  return end.endsWith("\\") && /\s/.test(end.charAt(end.length - 2));
}

function withoutBackslash(line: string): string {
  return line.trimEnd().slice(0, -1).trimEnd();
}

const BARE_PROMPT = /^\s*>\s?/;

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

/** `nsroot@ns1-Primary> `, `[ns1] > `: any text up to `>`, if a command follows. */
const PROMPT = /^[^"'>]{1,160}>[ \t]*(?=([A-Za-z]{2,})(?:[ \t]+\S|[ \t]*$))/;

/** `sh run`, `sho lb vs v`: the most common typed commands. */
const SHOWS = /^sho?\s/i;

function isShow(content: string, pending: Pending | null): boolean {
  return SHOWS.test(content) && (pending === null || !isOpen(pending));
}

/** The ADC's responses to a command: neither a command nor the continuation of one. */
const REPLY = /^(ERROR|WARNING|Warning|Error|Info|INFO|exec)\s*:/;

/** The response to a command that has changed nothing. */
const REFUSAL = /^error\s*:/i;

function isReply(line: string, pending: Pending | null): boolean {
  return line === "Done" || (REPLY.test(line) && (pending === null || !isOpen(pending)));
}

/**
 * `cli_script.sh "add server a 10.0.0.1"`, `nscli -U :nsroot:… "add server …"`: how scripts run commands on the ADC's
 * command line.
 */
const SCRIPTS: readonly string[] = ["cli_script.sh", "nscli"];

/** The commands that such a call runs; null: the line is not a call. */
function inScript(line: string): string | null {
  const script = SCRIPTS.find((name) => line.includes(name));
  if (script === undefined) {
    return null;
  }
  const at = line.indexOf(script);
  const written = line.slice(at + script.length).trim();
  const behind = written.replace(ACCOUNT, "");
  const isCall = at === 0 || /[\s/]/.test(line.charAt(at - 1));
  if (isCall && behind !== written && verbOf(/^[A-Za-z]*/.exec(behind)?.[0] ?? "") !== null) {
    // Behind an account without quotes: to a shell it is the same.
    return behind;
  }
  const argument = behind.replace(COMMAND_OPTION, "").replace(END_OF_CALL, "$1");
  const quote = argument.charAt(0);
  if (!isCall || argument.length < 2 || !argument.endsWith(quote)) {
    return null;
  }
  const inside = argument.slice(1, -1);
  switch (quote) {
    case '"':
      return withoutEscapes(inside);
    case "'":
      return inside;
    default:
      return null;
  }
}

/** `-U HOST:USER:PASSWORD`: the account that runs the command. */
const ACCOUNT = /^-U\s+\S{1,256}\s+/;

const COMMAND_OPTION = /^-c\s+/;

/** As a shell reads text in double quotes, and JSON a string. */
function withoutEscapes(inside: string): string {
  return inside.replace(/\\(["\\$`])/g, "$1");
}

/** `'add …'")`: a call within a call of another language. */
const END_OF_CALL = /(["'])["']?\)[;,]?$/;

/** The minimum number of columns at which lines are wrapped. */
const NARROWEST = 72;

/** Removes the prompt or the call; null: there is none followed by a command. */
function behindPrompt(line: string): string | null {
  const called = inScript(line);
  if (called !== null) {
    return called;
  }
  const found = PROMPT.exec(line);
  const verb = found?.[1];
  return found === null || verb === undefined || verbOf(verb) === null
    ? null
    : line.slice(found[0].length);
}

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
