import type { Log } from "../../lib/log.ts";
import { addressGroup } from "../../lib/ip.ts";
import { visibleText } from "../../lib/printable.ts";

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

/** Number of wrong passwords and tokens accepted from one address in a burst; then one more every few seconds. */
const BURST = 10;
const ONE_MORE_EVERY_MS = 3_000;
const MAX_ADDRESSES = 1_024;
/** One line of log for an address in this time, however often it guesses, and so many lines of all addresses. */
const LOG_EVERY_MS = 10_000;
const MAX_LINES = 20;

/** What was wrong, as the log tells it. */
export interface WrongGuess {
  readonly what: "password" | "token";
  /** The name that was given with a password. */
  readonly user: string | null;
  readonly path: string;
}

/**
 * Slows whoever guesses, by his address, and tells the log. Nobody who gives what is right is ever slowed by it: a right
 * password is known from its first use on, and a right token at once.
 */
export interface Guesses {
  /** Whether something that may be wrong is looked at now; each call counts as a guess until `right` takes it back. */
  readonly mayTry: (address: string) => boolean;
  readonly right: (address: string) => void;
  readonly wrong: (address: string, guess: WrongGuess) => void;
}

export function createGuesses(log: Log, monotonic: () => number): Guesses {
  const attempts = createAttemptLimit({
    burst: BURST,
    everyMs: ONE_MORE_EVERY_MS,
    maxKeys: MAX_ADDRESSES,
    monotonic,
  });
  const lines = createAttemptLimit({
    burst: 1,
    everyMs: LOG_EVERY_MS,
    maxKeys: MAX_ADDRESSES,
    monotonic,
  });
  const allLines = createAttemptLimit({
    burst: MAX_LINES,
    everyMs: LOG_EVERY_MS / MAX_LINES,
    maxKeys: 1,
    monotonic,
  });
  let untold = 0;
  return {
    mayTry: (address) => {
      const may = attempts.take(addressGroup(address));
      untold += may ? 0 : 1;
      return may;
    },
    right: (address) => {
      attempts.giveBack(addressGroup(address));
    },
    wrong: (address, { what, user, path }) => {
      if (!lines.take(addressGroup(address)) || !allLines.take("")) {
        untold += 1;
        return;
      }
      log.warn(
        {
          from: address,
          what,
          ...(user === null ? {} : { user: visibleText(user, 64) }),
          path: visibleText(path),
          untold,
        },
        "wrong password or token rejected",
      );
      untold = 0;
    },
  };
}
