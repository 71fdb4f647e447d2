import type { ProbeTask, ProbeResult } from "../run-probe.ts";

/**
 * What crosses between the main thread and a worker thread: plain data that survives a structured clone, in batches of
 * one turn of the event loop. Never a secret: see errand.ts.
 */
export type ToWorker = { readonly orders: readonly Order[] } | "stop";
export type FromWorker = readonly Answer[];

export type Order = RunOrder | { readonly kind: "forget"; readonly probe: string };

export interface RunOrder extends RunTerms {
  readonly kind: "run";
  readonly ticket: number;
  readonly probe: string;
  /** Told with the first run, and again when the plan has changed; null: as it was. */
  readonly errand: ProbeTask | null;
  /** By the clock that all threads share. */
  readonly askedAtMs: number;
}

/** What may differ from run to run. */
export interface RunTerms {
  readonly localAddress: string | null;
  readonly timeoutMs: number;
  /** As in a probe's context. */
  readonly excuseStalls?: boolean | undefined;
}

export interface Answer {
  readonly ticket: number;
  /** Null when it could not be run at all. */
  readonly result: ProbeResult | null;
  /** From the order to the start of the exchange. */
  readonly lagMs: number;
}

/** Milliseconds on the clock that all threads of a process share: `performance.now()` begins anew in each. */
export function sharedClockMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
