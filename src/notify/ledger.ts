import type { Cause, Causes } from "./cause.ts";
import { URGENCIES } from "../model/verdicts.ts";

/** What one receiver has been notified of, by cause key. Plain data, kept across restarts. */
export type Ledger = Readonly<Record<string, LedgerEntry>>;

export interface LedgerEntry {
  /** As last seen. */
  readonly cause: Cause;
  /** Since when something waits to be sent, milliseconds since the epoch; null: nothing does. */
  readonly pendingSince: number | null;
  /** Since when it is certainly over; null: it is not. */
  readonly goneSince: number | null;
  /** What was sent last; null: nothing yet. */
  readonly notified: {
    readonly at: number;
    readonly urgency: Cause["urgency"];
    readonly verdicts: readonly string[];
    readonly rows: readonly string[];
  } | null;
}

export interface Notice {
  readonly kind: "firing" | "changed" | "reminder" | "resolved";
  readonly cause: Cause;
  /** When the receiver was last notified of it; null: this is the first notification. */
  readonly notifiedAt: number | null;
}

export interface Pace {
  /** How long a cause, a change or an end must last before it is sent. */
  readonly groupWaitMs: number;
  /** How long after the last notification a persisting cause is sent again. */
  readonly repeatMs: number;
}

/** Maximum number of tracked causes; further ones are sent after these have ended. */
const MAX_ENTRIES = 1_000;

/**
 * Decides what to send now, and returns the updated ledger. A cause is sent after it has lasted for `groupWaitMs`; again when
 * it grows, changes its verdict, becomes more urgent, or after `repeatMs`; and its end once all its rows are known to be good.
 * `now`: milliseconds since the epoch.
 */
export function stepLedger(
  ledger: Ledger,
  { present, uncertain }: Causes,
  now: number,
  pace: Pace,
): { readonly ledger: Ledger; readonly notices: readonly Notice[] } {
  const next: Record<string, LedgerEntry> = {};
  const notices: Notice[] = [];
  const keep = (key: string, entry: LedgerEntry, notice: Notice | null): void => {
    next[key] = entry;
    if (notice !== null) {
      notices.push(notice);
    }
  };
  const seen = new Set<string>();
  let room = MAX_ENTRIES - Object.keys(ledger).length;
  for (const cause of present) {
    seen.add(cause.key);
    const known = ledger[cause.key];
    if (known !== undefined || room > 0) {
      room -= known === undefined ? 1 : 0;
      const { entry, notice } = stepPresent(cause, known ?? null, now, pace);
      keep(cause.key, entry, notice);
    }
  }
  for (const [key, entry] of Object.entries(ledger)) {
    if (seen.has(key)) {
      continue;
    }
    const { cause, notified } = entry;
    if (cause.rows.some((row) => uncertain(cause.adc, row))) {
      keep(key, { ...entry, pendingSince: null, goneSince: null }, null);
      continue;
    }
    const goneSince = notInFuture(entry.goneSince ?? now, now);
    if (notified === null) {
      continue;
    }
    if (now - goneSince < pace.groupWaitMs) {
      keep(key, { ...entry, pendingSince: null, goneSince }, null);
    } else {
      notices.push({ kind: "resolved", cause, notifiedAt: notified.at });
    }
  }
  return { ledger: next, notices };
}

function stepPresent(
  cause: Cause,
  known: LedgerEntry | null,
  now: number,
  pace: Pace,
): { readonly entry: LedgerEntry; readonly notice: Notice | null } {
  const before = known?.notified ?? null;
  const notified = before === null ? null : { ...before, at: notInFuture(before.at, now) };
  const isNews = notified === null || isWorse(cause, notified);
  const pendingSince = isNews ? notInFuture(known?.pendingSince ?? now, now) : null;
  const isDue = pendingSince !== null && now - pendingSince >= pace.groupWaitMs;
  const isOld = notified !== null && !isNews && now - notified.at >= pace.repeatMs;
  if (!isDue && !isOld) {
    return { entry: { cause, pendingSince, goneSince: null, notified }, notice: null };
  }
  const { urgency, verdicts, rows } = cause;
  return {
    entry: {
      cause,
      pendingSince: null,
      goneSince: null,
      notified: { at: now, urgency, verdicts, rows },
    },
    notice: {
      kind: notified === null ? "firing" : isDue ? "changed" : "reminder",
      cause,
      notifiedAt: notified?.at ?? null,
    },
  };
}

/** A partial recovery is not sent, only the end of the whole cause. */
function isWorse(cause: Cause, notified: NonNullable<LedgerEntry["notified"]>): boolean {
  return (
    URGENCIES.indexOf(cause.urgency) > URGENCIES.indexOf(notified.urgency) ||
    cause.verdicts.some((verdict) => !notified.verdicts.includes(verdict)) ||
    cause.rows.some((row) => !notified.rows.includes(row))
  );
}

/** Future times (the clock was set back) are replaced by now, so that nothing is delayed. */
function notInFuture(at: number, now: number): number {
  return Math.min(at, now);
}
