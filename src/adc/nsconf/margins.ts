import { isSubject, subjectOf } from "./abbreviations.ts";

/**
 * A text without what a tool put before each of its lines: a unified diff as its new state, a numbered or marked list of
 * commands without its numbers or marks. Each line keeps its place; what a diff leaves out becomes empty. Any other text
 * is returned as it is.
 */
export function withoutMargins(text: string): string {
  const hasHunks = isDiff(text);
  const mayBeList = LISTED_COMMAND.test(text);
  if (!hasHunks && !mayBeList) {
    return text;
  }
  const lines = text.split("\n");
  return withoutListMarks(hasHunks ? newState(lines) : lines).join("\n");
}

/** Whether a text is a unified diff, or contains one: it shows only the neighbourhood of what changed. */
export function isDiff(text: string): boolean {
  return HUNK_IN_TEXT.test(text);
}

const HUNK_IN_TEXT = /^@@ -\d{1,9}(?:,\d{1,9})? \+\d{1,9}(?:,\d{1,9})? @@/m;

const HUNK = /^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/;

/** What precedes a file's hunks, and what follows a last line without end. */
const OF_DIFF = /^(?:diff --git |index [0-9a-f]{4,64}\.\.|--- \S|\+\+\+ \S|\\ No newline)/;

/** The lines of the new state. A pasted diff may have lost the blank before an unchanged line, and count its lines wrong. */
function newState(lines: readonly string[]): string[] {
  let inHunk = false;
  let left = 0;
  return lines.map((line) => {
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      inHunk = true;
      left = Number(hunk[1] ?? 1) + Number(hunk[2] ?? 1);
      return "";
    }
    if (OF_DIFF.test(line)) {
      return "";
    }
    const mark = line.charAt(0);
    if ((line.trim() === "" && left <= 0) || line.startsWith("```")) {
      inHunk = false;
    }
    if (!inHunk) {
      return line;
    }
    left -= mark === "-" || mark === "+" ? 1 : 2;
    return mark === "-" ? "" : mark === "+" || mark === " " ? line.slice(1) : line;
  });
}

/** Quickly recognises that a text has no such line, as no saved file has. */
const LISTED_COMMAND =
  /^[ \t]{0,16}(?:L?\d{1,6}[.):]?|\[\d{1,6}\]|[-*\u2022])[ \t]{1,8}(?:add|bind|set) [A-Za-z]/m;

/** A number or mark with the blanks behind it, and the line's text. */
const MARGIN =
  /^([ \t]{0,16})(?:(L?)\d{1,6}([.):]?)|(\[)\d{1,6}\]|([-*\u2022]))(?:[ \t]{1,8}(.*)|)$/;

interface Listed {
  /** What the marks of one list have in common. */
  readonly style: string;
  readonly content: string;
}

function listedIn(line: string): Listed | null {
  const [found, indent = "", letter = "", behind = "", bracket = "", mark = "", content = ""] =
    MARGIN.exec(line.replace(/\r$/, "")) ?? [];
  return found === undefined
    ? null
    : { style: mark === "" ? `${letter}${bracket}0${behind}` : `${indent}${mark}`, content };
}

/**
 * A page's lists have such marks, too, and their items begin with verbs: only neighbouring lines most of which are
 * typed commands are a list of commands, and of those only what is a command loses a mark that sentences have as well.
 */
function withoutListMarks(lines: readonly string[]): string[] {
  const listed = lines.map(listedIn);
  const result = [...lines];
  for (let from = 0; from < lines.length;) {
    const style = listed[from]?.style;
    let end = from + 1;
    while (style !== undefined && listed[end]?.style === style) {
      end += 1;
    }
    const run = listed.slice(from, end).flatMap((one) => (one === null ? [] : [one.content]));
    const commands = run.filter(isTyped).length;
    if (style !== undefined && commands > 1 && commands * 2 > run.length) {
      const isNumbering = !OF_SENTENCES.test(style);
      run.forEach((content, at) => {
        if (isNumbering || isTyped(content)) {
          result[from + at] = content;
        }
      });
    }
    from = end;
  }
  return result;
}

/** `1.`, `1)`, `-`, `*`: the marks of a page's lists. */
const OF_SENTENCES = /[.)*\u2022-]$/;

/** A command as the ADC writes it: verb and object in their spelling, then names, without a sentence's small words. */
function isTyped(content: string): boolean {
  const [, verb = "", subject = ""] = TYPED.exec(content) ?? [];
  return (
    verb !== "" &&
    isSubject(subjectOf(subject, null).group) &&
    (/\s-[A-Za-z]{2,}\s/.test(content) || !OF_SENTENCE.test(content))
  );
}

const TYPED =
  /^(add|set|bind|link|enable|disable|unbind|unset|rm) ([A-Za-z]{2,40}) [^\s,;]+(?:\s|$)/;

const OF_SENTENCE =
  /[.:!?]$|[a-z], | (?:an?|the|to|for|and|or|of|in|on|your|each|all|with|from|as|is|are|that|if)(?: |$)/;
