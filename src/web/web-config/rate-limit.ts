import type { WebConfig } from "./load.ts";

export interface RateLimit {
  /** Whether one more request may pass now. */
  readonly pass: (limit: NonNullable<WebConfig["rateLimit"]>) => boolean;
}

/** A token bucket over all requests, as exporter-toolkit's. */
export function createRateLimit(monotonic: () => number): RateLimit {
  let tokens = Infinity;
  let filledAt = monotonic();
  return {
    pass: ({ intervalMs, burst }) => {
      const now = monotonic();
      tokens = Math.min(Math.max(1, burst), tokens + (now - filledAt) / intervalMs);
      filledAt = now;
      if (tokens < 1) {
        return false;
      }
      tokens -= 1;
      return true;
    },
  };
}
