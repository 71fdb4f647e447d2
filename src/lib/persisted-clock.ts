import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";

/** What the clocks of this machine say at one moment, in milliseconds. */
export interface ClockReading {
  /** Names the run of the monotonic clock: two readings of one run can be compared, in any process. */
  readonly run: string;
  readonly monotonicMs: number;
  /** Since the epoch. */
  readonly wallMs: number;
}

/** A reading that was written down, and the time that it stands for by the clock of {@link timeAt}. */
export interface ClockMark extends ClockReading {
  readonly at: number;
}

/**
 * The time by a clock that goes on through restarts and that nobody can set while the machine runs: it advances by the
 * monotonic clock, and by the wall clock only from one start of the machine to the next, never backwards.
 */
export function timeAt(mark: ClockMark | null, reading: ClockReading): number {
  if (mark === null) {
    return reading.wallMs;
  }
  const passedMs =
    mark.run === reading.run
      ? reading.monotonicMs - mark.monotonicMs
      : reading.wallMs - mark.wallMs;
  return mark.at + Math.max(0, passedMs);
}

/**
 * The machine's clocks. On Linux the monotonic clock is one for all processes since the start of the machine; where no such
 * start can be named, each process has a run of its own.
 */
export async function machineClock(): Promise<() => ClockReading> {
  const run = await readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => randomUUID(),
  );
  return () => ({
    run,
    monotonicMs: Number(process.hrtime.bigint() / 1_000_000n),
    wallMs: Date.now(),
  });
}
