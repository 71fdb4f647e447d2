/**
 * Splits one line of NetScaler configuration into tokens as the ADC's own command line does. A `key` is an option
 * (`-respCode` without its dash); an `error` is the rest of a line that ends inside a quote or parenthesis, always last.
 * Source of the rules: the ns.conf grammar of Citrix's published configuration converter, confirmed by its behaviour.
 */
export interface Token {
  readonly kind: "word" | "key" | "error";
  readonly text: string;
}

/** Total over every string; runs in time linear in the line's length. */
export function lexLine(line: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at = skipSpace(line, at);
    if (at >= line.length || line[at] === "#") {
      return tokens;
    }
    const { token, end } = readToken(line, at);
    tokens.push(token);
    if (token.kind === "error") {
      return tokens;
    }
    at = end;
  }
}

interface Reading {
  readonly token: Token;
  /** Position behind the token. */
  readonly end: number;
}

function readToken(line: string, at: number): Reading {
  const first = line[at];
  if (first === "-") {
    const end = endOfRun(line, at);
    return { token: { kind: "key", text: line.slice(at + 1, end) }, end };
  }
  if (first === '"' || first === "'") {
    return readQuoted(line, at, first);
  }
  return (first === "q" ? readQQuoted(line, at) : null) ?? readBare(line, at);
}

/** A token that starts with a quote ends at the matching one, whatever follows. */
function readQuoted(line: string, at: number, quote: string): Reading {
  let text = "";
  let from = at + 1;
  for (let end = from; end < line.length; end += 1) {
    const character = line[end];
    if (character === quote) {
      return { token: { kind: "word", text: text + line.slice(from, end) }, end: end + 1 };
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
  return { token: { kind: "error", text: text + line.slice(from) }, end: line.length };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["t", "\t"],
  ["n", "\n"],
  ["r", "\r"],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);

/** The characters that open a q-quote; braces and angle brackets close with their mirror image. */
export const Q_DELIMITERS = "/{<|~$^+=&%@`?";

/** `q{…}` without escapes, closed by the first delimiter and only if white space follows; null when it is no q-quote. */
function readQQuoted(line: string, at: number): Reading | null {
  const open = line.charAt(at + 1);
  if (open === "" || !Q_DELIMITERS.includes(open)) {
    return null;
  }
  const close = open === "{" ? "}" : open === "<" ? ">" : open;
  const end = line.indexOf(close, at + 2);
  if (end < 0 || (end + 1 < line.length && !isSpace(line, end + 1))) {
    return null;
  }
  return { token: { kind: "word", text: line.slice(at + 2, end) }, end: end + 1 };
}

/**
 * An unquoted token: quotes inside are kept and protect white space, and so do parentheses, which must balance. Inside those
 * quotes a backslash escapes, as in quoted tokens.
 */
function readBare(line: string, at: number): Reading {
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
        return { token: { kind: "error", text: text + line.slice(from, end + 1) }, end: end + 1 };
      }
    } else if (nesting === 0 && isSpace(line, end)) {
      break;
    }
  }
  const kind = quote !== null || nesting > 0 ? "error" : "word";
  return { token: { kind, text: text + line.slice(from, end) }, end };
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
