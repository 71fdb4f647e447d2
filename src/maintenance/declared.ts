import type { WindowConfig } from "../config/schema.ts";
import type { DeclaredWindows, PreparedWindow } from "./prepared.ts";
import { findProgress } from "./store-steps.ts";
import type { StoreState } from "./stored.ts";
import type { Occurrence } from "./windows.ts";

/** What was declared about a server. */
export interface Declared {
  readonly state: "no" | "open" | "over";
  /** Planned end of the window that is open (the last of several), Infinity for `never`; null when none is open. */
  readonly endAt: number | null;
  /** Name of the window that decides; null when none does. */
  readonly window: string | null;
}

const NOT_DECLARED: Declared = { state: "no", endAt: null, window: null };

/**
 * Whether a server is in declared maintenance. `outSince` is the instant since which the member has been out of
 * service without a break, or null while it is not out: `over` says that a window has ended and the member has been
 * out ever since it was open.
 */
export function declaredFor(
  server: string,
  { windows, store }: DeclaredWindows,
  now: number,
  outSince: number | null,
): Declared {
  if (windows.length === 0) {
    return NOT_DECLARED;
  }
  const mine = windows.filter((window) => window.means(server));
  const open = mine
    .flatMap((window) => {
      const occurrence = window.calendar.openAt(now);
      const span = occurrence === null ? null : spanFor(server, window, occurrence, store);
      return span !== null && span.startAt <= now && now < span.endAt
        ? [{ window: window.name, endAt: span.endAt }]
        : [];
    })
    .sort((a, b) => b.endAt - a.endAt)[0];
  if (open !== undefined) {
    return { state: "open", ...open };
  }
  if (outSince === null) {
    return NOT_DECLARED;
  }
  const over = mine.find((window) => endedAfter(server, window, store, now, outSince));
  return over === undefined ? NOT_DECLARED : { state: "over", endAt: null, window: over.name };
}

/** An occurrence as it was for this server: begun late when flexible, ended early by itself or by hand. */
function spanFor(
  server: string,
  window: WindowConfig,
  occurrence: Occurrence,
  store: StoreState,
): Occurrence | null {
  const find = (who: string): ReturnType<typeof findProgress> =>
    findProgress(store.progress, window.name, occurrence.startAt, who);
  const own = find(server);
  if (window.flexible && (own?.begunAt ?? null) === null) {
    return null;
  }
  const ends = [occurrence.endAt, own?.endedAt, find("*")?.endedAt];
  return {
    startAt: window.flexible ? (own?.begunAt ?? occurrence.startAt) : occurrence.startAt,
    endAt: Math.min(...ends.filter((end) => typeof end === "number")),
  };
}

/** Whether an occurrence ended for this server, and not before the member went out. */
function endedAfter(
  server: string,
  window: PreparedWindow,
  store: StoreState,
  now: number,
  outSince: number,
): boolean {
  return [window.calendar.openAt(now), window.calendar.lastEnded(now, outSince)].some(
    (occurrence) => {
      const span = occurrence === null ? null : spanFor(server, window, occurrence, store);
      return span !== null && span.endAt <= now && span.endAt > outSince;
    },
  );
}
