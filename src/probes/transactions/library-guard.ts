import type { Step } from "../reason.ts";
import { breakOfSocketError, protocolBreak, type Break } from "../wire/break.ts";
import { messageOf, type ProbeRun, type RunResource } from "../wire/probe-run.ts";
import { breakOfVerification } from "../wire/tls-failure.ts";

/** What became of a call into a library. */
export type Guarded<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  | Break;

/** Most bytes a server may send to a library's client in one run; no mailbox of a probe comes near. */
const MOST_BYTES = 1024 * 1024;
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
  #over: Break | null;
  #waiting: ((why: Break) => void) | null = null;

  /** @param received Bytes that have come on the library's connection so far. */
  constructor(run: ProbeRun, stop: () => void, received: () => number) {
    this.#run = run;
    this.#stop = stop;
    this.#received = received;
    this.#over = run.interrupted;
    run.hold(this);
  }

  /** Waits for one call at a time. */
  async wait<T>(begin: () => Promise<T>): Promise<Guarded<T>> {
    if (this.#over !== null) {
      return this.#over;
    }
    const interrupted = new Promise<Break>((resolve) => {
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
  fail(why: Break): void {
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
    this.#run.drop(this);
    this.#stop();
  }

  interrupt(why: Break): void {
    this.fail(why);
    this.close();
  }

  release(): void {
    this.#stop();
  }

  #checkBytes(): void {
    if (this.#received() > MOST_BYTES) {
      this.interrupt(protocolBreak(`more than ${MOST_BYTES} bytes`));
    }
  }
}

/** What an error of a library means, as far as the socket tells: anything else is garbage from the peer. */
export function breakOfLibraryError(error: unknown): Break {
  const unproven = breakOfVerification(codeOf(error));
  if (unproven !== null) {
    return unproven;
  }
  if (isSocketError(error)) {
    return breakOfSocketError(error);
  }
  return { kind: "named", outcome: "failed", reason: "protocol_error", detail: messageOf(error) };
}

/** A library that did not like its server's certificate has sent nothing yet, however far it was meant to go. */
export function stepOfLibraryBreak(why: Break, step: Step): Step {
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
