import type { WebConfig } from "./load.ts";

export interface RateLimit {
  /** Whether one more request may pass now: visitors who have proven who they are, and all others, have each the whole rate. */
  readonly pass: (
    limit: NonNullable<WebConfig["rateLimit"]>,
    whose: "known" | "unknown",
  ) => boolean;
}

/** A token bucket over all requests, as exporter-toolkit's; two of them, so that nobody is shut out by strangers. */
export function createRateLimit(monotonic: () => number): RateLimit {
  const full = () => ({ tokens: Infinity, filledAt: monotonic() });
  const buckets = { known: full(), unknown: full() };
  return {
    pass: ({ intervalMs, burst }, whose) => {
      const bucket = buckets[whose];
      const now = monotonic();
      const filled = bucket.tokens + (now - bucket.filledAt) / intervalMs;
      bucket.tokens = Math.min(Math.max(1, burst), filled);
      bucket.filledAt = now;
      if (bucket.tokens < 1) {
        return false;
      }
      bucket.tokens -= 1;
      return true;
    },
  };
}
