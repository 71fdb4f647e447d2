import type { LineConnection } from "../line-connection.ts";

/** An argument of an IMAP command (RFC 3501 section 4). Strings are latin1: one character a byte. */
export type ImapToken =
  | { readonly kind: "atom"; readonly value: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly ImapToken[] };

export interface ImapCommand {
  readonly tag: string;
  /** Upper case; with its prefix when it begins with UID: `UID FETCH`. */
  readonly name: string;
  readonly args: readonly ImapToken[];
}

export type ReadCommand =
  | { readonly kind: "command"; readonly command: ImapCommand }
  | { readonly kind: "bad"; readonly tag: string }
  | { readonly kind: "closed" };

/** Largest accepted literal; Exchange's own limit is the message size limit. */
const LITERAL_LIMIT = 36 * 1024 * 1024;

/** Reads one command with its literals (synchronising ones, and LITERAL+). */
export async function readCommand(connection: LineConnection): Promise<ReadCommand> {
  let text = "";
  const literals: string[] = [];
  for (;;) {
    const line = await connection.readLine();
    if (line === null) {
      return { kind: "closed" };
    }
    const literal = /\{(\d{1,10})(\+?)\}$/.exec(line);
    if (literal === null) {
      return parse(text + line, literals);
    }
    const size = Number(literal[1]);
    if (size > LITERAL_LIMIT) {
      return { kind: "bad", tag: tagOf(text + line) };
    }
    if (literal[2] === "") {
      await connection.send("+ Ready for additional command text.\r\n");
    }
    const bytes = await connection.readBytes(size);
    if (bytes === null) {
      return { kind: "closed" };
    }
    text += line;
    literals.push(bytes.toString("latin1"));
  }
}

function tagOf(text: string): string {
  return text.split(" ", 1)[0] ?? "*";
}

function parse(text: string, literals: string[]): ReadCommand {
  const tag = tagOf(text);
  const tokens = tokenize(text.slice(tag.length), literals);
  const [first, second] = tokens ?? [];
  if (tokens === null || tag === "" || first?.kind !== "atom") {
    return { kind: "bad", tag };
  }
  const name = first.value.toUpperCase();
  if (name === "UID" && second?.kind === "atom") {
    const full = `UID ${second.value.toUpperCase()}`;
    return { kind: "command", command: { tag, name: full, args: tokens.slice(2) } };
  }
  return { kind: "command", command: { tag, name, args: tokens.slice(1) } };
}

/** Null when quotes, brackets or parentheses do not close. */
function tokenize(text: string, literals: string[]): ImapToken[] | null {
  const stack: ImapToken[][] = [[]];
  let at = 0;
  while (at < text.length) {
    const top = stack.at(-1);
    if (top === undefined) {
      return null;
    }
    const rest = text.slice(at);
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(rest);
    const literal = /^\{\d+\+?\}/.exec(rest);
    const atom = /^[^\s()"[\]{]+(?:\[[^\]]*\])?(?:<[\d.]+>)?|^\[[^\]]*\]/.exec(rest);
    if (rest.startsWith(" ")) {
      at += 1;
    } else if (rest.startsWith("(")) {
      stack.push([]);
      at += 1;
    } else if (rest.startsWith(")")) {
      stack.pop();
      stack.at(-1)?.push({ kind: "list", items: top });
      at += 1;
    } else if (quoted !== null) {
      top.push({ kind: "string", value: (quoted[1] ?? "").replace(/\\(.)/g, "$1") });
      at += quoted[0].length;
    } else if (literal !== null) {
      top.push({ kind: "string", value: literals.shift() ?? "" });
      at += literal[0].length;
    } else if (atom !== null) {
      top.push({ kind: "atom", value: atom[0] });
      at += atom[0].length;
    } else {
      return null;
    }
  }
  return stack.length === 1 ? (stack[0] ?? null) : null;
}

/** The text of an atom or string; null for a list or nothing. */
export function textOf(token: ImapToken | undefined): string | null {
  return token === undefined || token.kind === "list" ? null : token.value;
}

/** A quoted string, or a literal if the text cannot be quoted; NIL for null. */
export function imapString(text: string | null): string {
  if (text === null) {
    return "NIL";
  }
  return /[\r\n\0\x80-\xff]/.test(text)
    ? `{${text.length}}\r\n${text}`
    : `"${text.replace(/(["\\])/g, "\\$1")}"`;
}
