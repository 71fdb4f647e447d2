import { verbOf } from "./abbreviations.ts";
import { lexLine, unclosedAt } from "./lexer.ts";

/** What a terminal shows at the end of a screen page, and how it erases that before it continues in the same line. */
export function withoutPager(line: string): string {
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
export function withoutCodeMarks(written: string): string {
  const line = written.replace(LEADING_TAGS, "");
  const listed = LISTED.exec(line)?.[1];
  if (listed !== undefined && CHANGING.test(listed)) {
    return LOOKS_TYPED.test(listed) || isBareCommand(listed) ? listed : line;
  }
  const [, quote, quoted] = (SNIPPET.test(line) ? null : QUOTED.exec(line)) ?? [];
  if (quoted !== undefined) {
    return isWithoutArguments(quoted)
      ? line
      : quote === '"'
        ? withoutEscapes(quoted.replaceAll('""', '"'))
        : ELEMENT.test(line)
          ? quoted.replace(/\\\\(?=[rn])/g, "\\")
          : quoted;
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

/** `'add lb vserver',`: what a program looks for. */
function isWithoutArguments(quoted: string): boolean {
  return /^(?:add|set|bind) (?:(?:lb|cs|gslb|ssl|authentication|vpn) )?(?:[a-z]{0,20}server|service|serviceGroup|monitor)$/i.test(
    quoted,
  );
}

/** An element of a program's list: most languages double the backslash there, in single quotes, too. */
const ELEMENT = /^\s*'.*',\s*$/;

/**
 * The commands of a line that has several: with `;` or `<br>` between them, as pages write them, or each in quotes, as in
 * a program's list. Otherwise the line as it is.
 */
export function commandsIn(line: string): readonly string[] {
  const mayBeList = BETWEEN_QUOTES.test(line);
  if (!mayBeList && !line.includes(";") && !line.includes("<br")) {
    return [line];
  }
  const listed = mayBeList ? [...line.matchAll(QUOTED_COMMAND)] : [];
  if (listed.length > 1 && AROUND_LIST.test(line.replace(QUOTED_COMMAND, "").trim())) {
    return listed.map(([, , command = ""]) => withoutEscapes(command));
  }
  const shown = withoutCodeMarks(line).trim();
  const commands: string[] = [];
  let from = 0;
  for (const { 0: separator, index } of CHANGING.test(shown) ? shown.matchAll(SEPARATOR) : []) {
    const command = shown.slice(from, index);
    if (lexLine(command).at(-1)?.kind !== "error") {
      commands.push(command);
      from = index + separator.length;
    }
  }
  return commands.length === 0 ? [line] : [...commands, shown.slice(from)];
}

/** Between two commands; what is within quotes belongs to one. */
const SEPARATOR =
  /\s{0,4}(?:;|<br ?\/?>)\s{0,4}(?=(?:add|set|bind|link|enable|disable|unbind|unset|rm) [A-Za-z])/gi;

const BETWEEN_QUOTES = /(["']) ?, ?\1/;

const QUOTED_COMMAND =
  /(["'])((?:add|set|bind|link|enable|disable|(?:rm|unbind|unset)(?= (?:lb|cs|gslb|ssl|server|serviceGroup|service) )) [A-Za-z](?:(?!\1)[^\\]|\\.){1,2000})\1/g;

/** What stands around such a list: `commands = [`, `run(`, `]);`. */
const AROUND_LIST = /^(?:[\w.$]{1,40} ?[=:]? ?)?[[({]{0,2}[ ,]{0,200}[\])}]{0,3}[;,]?$/;

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
 * `Write-Output "add …" | Out-File f`, `ns.cli("add …")`, `ns_command "add …"`, `run "add …"`, `raw: 'add …'`,
 * `{"command": "add …"},`.
 */
const QUOTED =
  /^\s*(?:(?:echo|printf|print|Write-Output|Write-Host)(?: -[en]+)?[ (]\s?|[-+] ?|(?:run|exec|cmd|cli) |(?:- )?(?:raw|command|cmd|cli): |[a-z]{1,20}(?:_[a-z]{1,20}){1,4} |[\w.$]{1,40}\( ?(?:\w{1,30}, ?)?|[^#]{0,120}["']\w{1,30}["']\s?[:=]\s?)?(["'])((?:add|set|bind|link|enable|disable|(?:rm|unbind|unset)(?= (?:lb|cs|gslb|ssl|server|serviceGroup|service) )) (?:(?!\1)[^\\]|\\.|\1\1)+?)(?: ?\\n)?\1(?!\1)[)\]}]{0,3}(?:[,;]| ?\+(?: ?\\)?| ?>>? ?\S{1,200}| ?\| ?(?:Out-File|Add-Content|tee)\b.{0,200})?\s*$/;

/** Whether the quotes around the line's command also end it. */
export function isQuotedWhole(line: string): boolean {
  return QUOTED.test(line);
}

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
export function endsInBackslash(line: string): boolean {
  const end = line.trimEnd();
  return end.endsWith("\\") && /\s/.test(end.charAt(end.length - 2));
}

export function withoutBackslash(line: string): string {
  return line.trimEnd().slice(0, -1).trimEnd();
}

/** `> add …`: without a prompt that has no text. */
export function withoutBarePrompt(line: string): string {
  return line.replace(BARE_PROMPT, "");
}

const BARE_PROMPT = /^\s*>\s?/;

/** `nsroot@ns1-Primary> `, `[ns1] > `: any text up to `>`, if a command follows. */
const PROMPT = /^[^"'>]{1,160}>[ \t]*(?=([A-Za-z]{2,})(?:[ \t]+\S|[ \t]*$))/;

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

/** Removes the prompt or the call; null: there is none followed by a command. */
export function behindPrompt(line: string): string | null {
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

/** `add server a 10.0.0.1\tThe first server of the pool.`: a table's command, without the sentence beside it. */
export function withoutRemark(text: string): string {
  const at = text.includes("\t") ? text.search(REMARK) : -1;
  return at === -1 || unclosedAt(text.slice(0, at)) !== null ? text : text.slice(0, at);
}

/** More than one word in small letters after a capitalised one. */
const REMARK = /(?<=\S)\t\s{0,20}[A-Z][a-z]{0,20} (?:[a-z]{1,20} ){2}/;

function closesInWord(text: string): boolean {
  return /(?:^|\s)"(?:[^"\\]|\\.)*"[^\s"]/.test(text);
}
