import type { ExchangeError } from "./exchange-error.ts";
import type { Transcript } from "./transcript.ts";

/** Something that holds a handle while a probe runs: interrupted when the probe's time is over, released at its end. */
export interface RunResource {
  interrupt(why: ExchangeError): void;
  release(): void;
}

/** What work that several probes share (a process, a batch of echoes) needs of each probe's run. */
export interface RunScope {
  /** Set when the time is over or the round was abandoned. */
  readonly interrupted: ExchangeError | null;
  readonly transcript: Transcript;
  readonly context: { readonly monotonic: () => number };
  remainingMs(): number;
  track(resource: RunResource): void;
  untrack(resource: RunResource): void;
}
