/** Commands in the form of web pages and word processors, which the ADC does not understand. */

/** The intended command, and what in it the ADC does not accept. */
interface WebText {
  readonly meant: string;
  /** To be used as the object of a sentence. */
  readonly what: string;
}

/** Null: the ADC accepts the command as it is. Text within plain quotes is unchanged. */
export function webText(text: string): WebText | null {
  const plain = isEscaped(text) ? outsideQuotes(text, unescaped) : text;
  const meant = isTypographic(plain) ? outsideQuotes(plain, untypographic) : plain;
  if (plain !== text) {
    return {
      meant,
      what: "HTML entities and tags (&quot;, <br>), which the source of a web page contains",
    };
  }
  return meant === text
    ? null
    : { meant, what: "typographic quotes or dashes, which web pages and word processors insert" };
}

/** A typographic quote or dash of word processors and web pages, outside plain quotes. */
const TYPOGRAPHIC = /(?:^|\s)(?:[\u201c-\u201f\u2018-\u201b\u00ab]|[\u2012-\u2015][A-Za-z])/;

/** Some character of these, anywhere: found far faster, and in few lines. */
const TYPOGRAPHIC_MARK = /[\u2012-\u201f\u00ab]/;

function isTypographic(text: string): boolean {
  if (!TYPOGRAPHIC_MARK.test(text) || !TYPOGRAPHIC.test(text)) {
    return false;
  }
  const [bare = ""] = withoutQuoted(text).split(/\s#/, 1);
  return TYPOGRAPHIC.test(bare);
}

function untypographic(part: string): string {
  return part
    .replace(/[\u201c-\u201f\u00ab\u00bb]/g, '"')
    .replace(/[\u2018-\u201b]/g, "'")
    .replace(/(^|\s)[\u2012-\u2015](?=[A-Za-z])/g, "$1-");
}

const ENTITY = /&(#\d{2,5}|#x[\da-f]{2,4}|[a-z]{2,5});/gi;

/**
 * Tags at the end of the line, which is broken there in the page's source. The first closes something or breaks the line: an
 * opening tag alone, `-respCode <code>`, is a guide's placeholder.
 */
const TRAILING_TAGS =
  /(?!\s{0,4}<(?!\/|br\b|p\b))(?:\s{0,4}<\/?(?:pre|code|p|div|span|li|br|td|blockquote)\b[^<>]{0,40}>){1,8}\s*$/i;

const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ["quot", '"'],
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["nbsp", " "],
  ["apos", "'"],
  ["ldquo", "\u201c"],
  ["rdquo", "\u201d"],
  ["lsquo", "\u2018"],
  ["rsquo", "\u2019"],
  ["ndash", "\u2013"],
  ["mdash", "\u2014"],
]);

function isEscaped(text: string): boolean {
  if (!text.includes("&") && !text.endsWith(">")) {
    return false;
  }
  const bare = withoutQuoted(text);
  return (
    TRAILING_TAGS.test(bare) ||
    [...bare.matchAll(ENTITY)].some(([whole]) => decoded(whole) !== whole)
  );
}

function unescaped(part: string): string {
  return part.replace(TRAILING_TAGS, "").replace(ENTITY, decoded);
}

/** The character of an entity; the entity itself if commands contain no such character. */
function decoded(entity: string): string {
  const name = entity.slice(1, -1).toLowerCase();
  const code = name.startsWith("#x")
    ? Number.parseInt(name.slice(2), 16)
    : name.startsWith("#")
      ? Number(name.slice(1))
      : null;
  if (code === null) {
    return CHARACTERS.get(name) ?? entity;
  }
  const isSpace = code === 0xa0;
  return isSpace ? " " : code < 0x20 || code > 0x2030 ? entity : String.fromCharCode(code);
}

/** Text within plain quotes is left empty here. */
function withoutQuoted(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
}

function outsideQuotes(text: string, change: (part: string) => string): string {
  return text
    .split(/("(?:[^"\\]|\\.)*")/)
    .map((part, at) => (at % 2 === 1 ? part : change(part)))
    .join("");
}
