export interface AttemptLimitOptions {
  /** Number of attempts allowed at once. */
  readonly burst: number;
  /** After them, one more in so many milliseconds. */
  readonly everyMs: number;
  /** Keys remembered; beyond, those that have been quiet for longest are forgotten. */
  readonly maxKeys: number;
  /** Milliseconds, never set back. */
  readonly monotonic: () => number;
}

/** Token buckets by key, bounded in number. */
export interface AttemptLimit {
  /** Takes an attempt; false when there is none left now. */
  readonly take: (key: string) => boolean;
  /** Gives one back: it was no failure after all. */
  readonly giveBack: (key: string) => void;
  readonly size: () => number;
}

export function createAttemptLimit(options: AttemptLimitOptions): AttemptLimit {
  const { burst, everyMs, maxKeys, monotonic } = options;
  const buckets = new Map<string, { left: number; filledAt: number }>();

  function bucketOf(key: string): { left: number; filledAt: number } {
    const now = monotonic();
    const known = buckets.get(key) ?? { left: burst, filledAt: now };
    known.left = Math.min(burst, known.left + (now - known.filledAt) / everyMs);
    known.filledAt = now;
    // Moved to the end: the first key is the one quiet for longest.
    buckets.delete(key);
    buckets.set(key, known);
    const [oldest] = buckets.keys();
    if (buckets.size > maxKeys && oldest !== undefined) {
      buckets.delete(oldest);
    }
    return known;
  }

  return {
    take: (key) => {
      const bucket = bucketOf(key);
      if (bucket.left < 1) {
        return false;
      }
      bucket.left -= 1;
      return true;
    },
    giveBack: (key) => {
      const bucket = bucketOf(key);
      bucket.left = Math.min(burst, bucket.left + 1);
    },
    size: () => buckets.size,
  };
}
