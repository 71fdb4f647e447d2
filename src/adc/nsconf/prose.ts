import { isOfNoKind, meaningsOf, subjectOf } from "./abbreviations.ts";
import { unclosedAt } from "./lexer.ts";

/** What begins like a command and is none, or none yet. */
export const PASSED_OVER: readonly ((text: string) => boolean)[] = [
  isTemplate,
  isSynopsis,
  isTitle,
  isSentence,
  isSentenceWithApostrophe,
];

/**
 * `{{ pool.name }}` or an editor's `${1:name}` outside quotes: a template's command, whose names and numbers are not
 * known yet.
 */
function isTemplate(text: string): boolean {
  if (!text.includes("{{") && !text.includes("${")) {
    return false;
  }
  const bare = withoutQuoted(text);
  return (
    /\$\{\d{1,3}[:|}]/.test(bare) ||
    (bare.includes("{{") && bare.indexOf("}}", bare.indexOf("{{")) > 0)
  );
}

/** A string that a probe sends may contain anything, in each of the forms of quotes (`q{…}`, too). */
function withoutQuoted(text: string): string {
  return text.replace(
    /"(?:[^"\\]|\\.)*"|'[^']*'|(?<= q)(?:\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|<[^>]*>|\/[^/]*\/|\|[^|]*\|)/g,
    '""',
  );
}

/**
 * `add lb monitor <name> [-interval <n>]`, `add server <name> (<IP> | <domain>)`, `-state (ENABLED | DISABLED)`: a
 * synopsis, as quoted in references.
 */
function isSynopsis(text: string): boolean {
  return (
    (text.includes("[-") || text.includes("(<") || (text.includes(" (") && text.includes("|"))) &&
    /\s(?:(?:\[-|\(<)[A-Za-z]|-[A-Za-z]{2,40} \( ?[A-Z][A-Z_]+ ?\| ?[A-Z][A-Z_]+ ?[|)])/.test(
      withoutQuoted(text),
    )
  );
}

/** `Bind services to vservers:` above commands. */
function isTitle(text: string): boolean {
  return (
    text.endsWith(":") &&
    !text.endsWith("::") &&
    !/["'-]/.test(text) &&
    / (?:to|the|your|an?|and|as|with|for) /i.test(text)
  );
}

/**
 * `Add servers to the pool.`, `Save lines that couldn't be read`: prose, whose apostrophe opens no quote. What may be
 * about an object of the command line, in full or abbreviated, is a command: `add mon a HTTP` and `bind vlan to 1/1`.
 */
function isSentence(text: string): boolean {
  if (CHOICE.test(text) || BINDING.test(text) || (!/["']| -/.test(text) && PHRASE.test(text))) {
    return true;
  }
  const [, noun = ""] = SENTENCE.exec(text) ?? [];
  return noun !== "" && isOfNoKind("add", subjectOf(noun, null).group) && !isAmbiguous(noun);
}

/** `Enable or disable window scaling.` */
const CHOICE = /^\s*[a-z]{2,10} (?:or|and) [a-z]{2,10} [a-z]/i;

/** `Bind GSLB Service to GSLB vServer` */
const BINDING =
  /^\s*(?:bind|unbind|link) (?:[a-z][a-z-]{1,19} ){1,3}to (?:[a-z]{2,20} ){0,3}(?:vserver|server|service|monitor|(?:service ?)?group)s?\.?$/i;

/** `Set a tag for the interface's native VLAN.`: the apostrophe within a word is what opens a quote to the line's end. */
function isSentenceWithApostrophe(text: string): boolean {
  if (!text.includes("'") || / -[A-Za-z]/.test(text)) {
    return false;
  }
  const open = unclosedAt(text);
  return (
    open !== null &&
    /^[a-z]+'[a-z]/i.test(text.slice(open)) &&
    (/[a-z]\.\s*$/.test(text) || (text.match(SMALL_WORD)?.length ?? 0) > 1)
  );
}

const SMALL_WORD = / (?:that|which|the|to|an?|and|of|for|in|on|with|from|if|so|this)(?= )/g;

function isAmbiguous(noun: string): boolean {
  return meaningsOf(noun, null).length > 0;
}

/** `Add responder policy p to unset the variable`: no command has such words one after the other. */
const PHRASE =
  / (?:to|that|which|so|for|of|in|with) (?:[^\s"'-]{1,40} ){0,3}(?:the|an?|your|this|these|each|all) \S/i;

const SENTENCE =
  /^\s*[a-z]{2,10} ([a-z]{1,30}) (?:[a-z]{1,30} )?(?:that|which|the|to|an?|and|of|for|in|on|with|from|if|so) /i;
