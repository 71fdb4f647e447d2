import type { Transform } from "node:stream";

import { protocolBreak, type Break } from "../wire/break.ts";

/** What a parser is given in one turn of the event loop: some milliseconds' worth. */
const PIECE_BYTES = 2 * 1024;
export const PIECE_LINES = 32;
/**
 * What a server may make a parser do in one run. imapflow takes some 40 µs for a line however short, and 8 µs for each word,
 * parenthesis or quoted string: bytes alone say nothing of that. No mailbox of a probe comes near.
 */
export const MOST_LINES = 10_000;
const MOST_SIGNS = 100_000;
/** A line is parsed in one go. */
const MOST_SIGNS_IN_LINE = 4_000;
const NEWLINE = 10;
const SPACE = 32;

/**
 * Gives a library's parser what comes in pieces, with a turn of the event loop after each, and counts the work in them. By
 * itself imapflow parses whatever has come, up to hundreds of kilobytes of lines, in one turn: nothing else of the agent
 * runs meanwhile, not even the deadline of the probe.
 *
 * @param tooMuch Told once, when the server makes the parser do more than any mailbox needs.
 */
export function meterParser(parser: Transform, tooMuch: (why: Break) => void): void {
  const meter = new Meter();
  const parse = parser._transform.bind(parser);
  parser._transform = (chunk: Buffer, encoding, done) => {
    let at = 0;
    function next(): void {
      if (parser.destroyed || at >= chunk.length) {
        done();
        return;
      }
      const { end, excess } = meter.measure(chunk, at);
      if (excess !== null) {
        tooMuch(protocolBreak(excess));
        done();
        return;
      }
      const piece = chunk.subarray(at, end);
      at = end;
      parse(piece, encoding, () => setImmediate(next));
    }
    next();
  };
}

/** Cuts off pieces, and counts lines and signs: what is neither letter nor digit, as all that parts words. */
class Meter {
  #lines = 0;
  #signs = 0;
  #signsInLine = 0;
  #mostSignsInLine = 0;

  /** Where the piece that begins at `start` ends, and what there is too much of by then, or null. */
  measure(chunk: Buffer, start: number): { readonly end: number; readonly excess: string | null } {
    const linesBefore = this.#lines;
    let end = start;
    while (
      end < chunk.length &&
      end - start < PIECE_BYTES &&
      this.#lines - linesBefore < PIECE_LINES
    ) {
      this.#count(chunk[end] ?? 0);
      end += 1;
    }
    // Never right behind a line that others follow: a parser would not see that they came together, and a plaintext
    // answer smuggled in behind the one to STARTTLS is known by that.
    while (end < chunk.length && chunk[end - 1] === NEWLINE) {
      this.#count(chunk[end] ?? 0);
      end += 1;
    }
    return { end, excess: this.#excess() };
  }

  #count(byte: number): void {
    if (isLetterOrDigit(byte) || (byte < SPACE && byte !== NEWLINE)) {
      return;
    }
    this.#signs += 1;
    this.#signsInLine += 1;
    this.#mostSignsInLine = Math.max(this.#mostSignsInLine, this.#signsInLine);
    if (byte === NEWLINE) {
      this.#lines += 1;
      this.#signsInLine = 0;
    }
  }

  #excess(): string | null {
    if (this.#lines > MOST_LINES) {
      return `more than ${MOST_LINES} lines`;
    }
    if (this.#signs > MOST_SIGNS) {
      return `more than ${MOST_SIGNS} words`;
    }
    return this.#mostSignsInLine > MOST_SIGNS_IN_LINE
      ? `a line of more than ${MOST_SIGNS_IN_LINE} words`
      : null;
  }
}

function isLetterOrDigit(byte: number): boolean {
  const small = byte | 0x20;
  return (small >= 0x61 && small <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}
