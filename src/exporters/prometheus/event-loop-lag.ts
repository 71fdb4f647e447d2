import { monitorEventLoopDelay } from "node:perf_hooks";

/** Seconds. */
export interface Lag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LagMeter {
  /** The worse of the window that runs and the one before it. */
  readonly read: () => Lag;
  readonly close: () => void;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 60_000;
const NONE: Lag = { p50: 0, p99: 0, max: 0 };

/** Measures how late timers fire, in windows of a minute, so that two readers do not take it from each other. */
export function startLagMeter(): LagMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let previous = NONE;
  const timer = setInterval(() => {
    previous = current();
    histogram.reset();
  }, WINDOW_MS);
  timer.unref();

  // The histogram holds whole delays of a timer of RESOLUTION_MS, in nanoseconds: what is above that is lag.
  function lag(nanoseconds: number): number {
    return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  }

  function current(): Lag {
    return histogram.count === 0
      ? NONE
      : {
          p50: lag(histogram.percentile(50)),
          p99: lag(histogram.percentile(99)),
          max: lag(histogram.max),
        };
  }

  return {
    read: () => {
      const now = current();
      return {
        p50: Math.max(previous.p50, now.p50),
        p99: Math.max(previous.p99, now.p99),
        max: Math.max(previous.max, now.max),
      };
    },
    close: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
