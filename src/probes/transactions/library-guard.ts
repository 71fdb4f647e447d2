import { errorMessage } from "../../lib/error-code.ts";
import type { Transform } from "node:stream";
import { protocolError, type ExchangeError, socketError } from "../../net/exchange-error.ts";
import { type ProbeRun } from "../../net/probe-run.ts";
import type { RunResource } from "../../net/run-scope.ts";
import type { Step } from "../../model/reasons.ts";
import { breakOfVerification } from "../../net/tls-failure.ts";

/** What a parser is given in one turn of the event loop: some milliseconds' worth. */
const PIECE_BYTES = 2 * 1024;
export const PIECE_LINES = 32;
/**
 * What a server may make a parser do in one run. imapflow takes some 40 µs for a line however short, and 8 µs for each word,
 * parenthesis or quoted string: bytes alone say nothing of that. No mailbox of a probe comes near.
 */
export const MAX_LINES = 10_000;
const MAX_SIGNS = 100_000;
/** A line is parsed in one go. */
const MAX_SIGNS_IN_LINE = 4_000;
const NEWLINE = 10;
const SPACE = 32;

/**
 * Gives a library's parser what comes in pieces, with a turn of the event loop after each, and counts the work in them. By
 * itself imapflow parses whatever has come, up to hundreds of kilobytes of lines, in one turn: nothing else of the agent
 * runs meanwhile, not even the deadline of the probe.
 *
 * @param tooMuch Told once, when the server makes the parser do more than any mailbox needs.
 */
export function meterParser(parser: Transform, tooMuch: (why: ExchangeError) => void): void {
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
        tooMuch(protocolError(excess));
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
    if (this.#lines > MAX_LINES) {
      return `more than ${MAX_LINES} lines`;
    }
    if (this.#signs > MAX_SIGNS) {
      return `more than ${MAX_SIGNS} words`;
    }
    return this.#mostSignsInLine > MAX_SIGNS_IN_LINE
      ? `a line of more than ${MAX_SIGNS_IN_LINE} words`
      : null;
  }
}

function isLetterOrDigit(byte: number): boolean {
  const small = byte | 0x20;
  return (small >= 0x61 && small <= 0x7a) || (byte >= 0x30 && byte <= 0x39);
}

/** What became of a call into a library. */
export type Guarded<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  | ExchangeError;

/** Most bytes a server may send to a library's client in one run; no mailbox of a probe comes near. */
const MAX_BYTES = 1024 * 1024;
const LOOK_EVERY_MS = 20;
/** How long the server may take to say goodbye. */
const FAREWELL_MS = 500;

/**
 * Holds a client library that has a connection of its own inside a run: its calls end with the run's deadline, its
 * connection is closed at the run's end, and what it says too late is dropped. Libraries bound a line and an answer, but
 * not how many of them a server sends: so the bytes received are counted here.
 */
export class LibraryGuard implements RunResource {
  readonly #run: ProbeRun;
  readonly #stop: () => void;
  readonly #received: () => number;
  #over: ExchangeError | null;
  #waiting: ((why: ExchangeError) => void) | null = null;

  /** @param received Bytes that have come on the library's connection so far. */
  constructor(run: ProbeRun, stop: () => void, received: () => number) {
    this.#run = run;
    this.#stop = stop;
    this.#received = received;
    this.#over = run.interrupted;
    run.track(this);
  }

  /** Waits for one call at a time. */
  async wait<T>(begin: () => Promise<T>): Promise<Guarded<T>> {
    if (this.#over !== null) {
      return this.#over;
    }
    const interrupted = new Promise<ExchangeError>((resolve) => {
      this.#waiting = resolve;
    });
    const called = begin().then(
      (value): Guarded<T> => ({ kind: "value", value }),
      (error: unknown): Guarded<T> => ({ kind: "error", error }),
    );
    const look = setInterval(() => this.#checkBytes(), LOOK_EVERY_MS);
    const result = await Promise.race([called, interrupted]);
    clearInterval(look);
    this.#waiting = null;
    return result;
  }

  /** Ends waiting by an event of the library that its promises do not tell. */
  fail(why: ExchangeError): void {
    this.#over ??= why;
    this.#waiting?.(this.#over);
  }

  /** Says goodbye, gives the server a moment to answer, and closes: what comes of it decides nothing. */
  async leave(goodbye: () => Promise<unknown>): Promise<void> {
    const enough = setTimeout(() => this.fail({ kind: "timeout" }), FAREWELL_MS);
    await this.wait(goodbye);
    clearTimeout(enough);
    this.#run.phase("quit");
    this.close();
  }

  /** Closes the library's connection before the run ends. */
  close(): void {
    this.#run.untrack(this);
    this.#stop();
  }

  interrupt(why: ExchangeError): void {
    this.fail(why);
    this.close();
  }

  release(): void {
    this.#stop();
  }

  #checkBytes(): void {
    if (this.#received() > MAX_BYTES) {
      this.interrupt(protocolError(`more than ${MAX_BYTES} bytes`));
    }
  }
}

/** What an error of a library means, as far as the socket tells: anything else is garbage from the peer. */
export function breakOfLibraryError(error: unknown): ExchangeError {
  const unproven = breakOfVerification(codeOf(error));
  if (unproven !== null) {
    return unproven;
  }
  if (isSocketError(error)) {
    return socketError(error);
  }
  return {
    kind: "named",
    outcome: "failed",
    reason: "protocol_error",
    detail: errorMessage(error),
  };
}

/** A library that did not like its server's certificate has sent nothing yet, however far it was meant to go. */
export function stepOfLibraryBreak(why: ExchangeError, step: Step): Step {
  return why.kind === "named" && why.outcome === "fault" && why.reason.startsWith("certificate_")
    ? "tls"
    : step;
}

const SOCKET_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
]);

function isSocketError(error: unknown): error is NodeJS.ErrnoException {
  const code = codeOf(error);
  return code !== null && SOCKET_CODES.has(code);
}

/** The `code` of an error, or null. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}
