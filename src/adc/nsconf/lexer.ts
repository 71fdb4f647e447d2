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
  const plain = endOfPlain(line, at);
  if (plain === line.length || isSpace(line, plain)) {
    tokens.push({ kind: "word", text: line.slice(at, plain) });
    return plain;
  }
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

/** The end of a run of characters that mean only themselves, as nearly all words consist of. */
function endOfPlain(line: string, at: number): number {
  let end = at;
  while (end < line.length && !isSpace(line, end) && !isBracketOrQuote(line.charCodeAt(end))) {
    end += 1;
  }
  return end;
}

/** `"`, `'`, `(` and `)`. */
function isBracketOrQuote(code: number): boolean {
  return code === 0x22 || (code >= 0x27 && code <= 0x29);
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

/** The white space that separates tokens: blank, tab and the ends of lines. */
export function isSpace(line: string, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
