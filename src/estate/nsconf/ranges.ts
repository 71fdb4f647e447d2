import type { Statement } from "./statements.ts";

/** More names than this from one range is a mistake; the statement then stands as written. */
const MAX_EXPANSION = 1024;

/** Only names and addresses of these kinds may hold ranges; a bracket elsewhere belongs to an expression. */
const EXPANDABLE = /^(server|service|servicegroup|vserver|monitor)$/i;

/**
 * Expands `add server serv[1-3] 10.102.27.[151-153]` into one statement per element, all ranges of a statement counting
 * together; a word without range repeats. Source: NetScaler docs, "Creating a range of virtual servers and services".
 */
export function expandRanges(statement: Statement): readonly Statement[] {
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

/** Every word that the range in this one stands for; itself alone when there is none, or an absurd one. */
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
