import type { MaintenanceWindow, WindowConfig, WindowView } from "../model/window.ts";
import { prepareWindow, type Occurrence, type PreparedWindow } from "./calendar.ts";
import { findProgress, occurrenceAsWindow } from "./store-steps.ts";
import type { StoreState } from "./store.ts";

/** All windows, of configuration and store, with their calendars worked out once. */
export interface DeclaredWindows {
  readonly windows: readonly PreparedWindow[];
  readonly store: StoreState;
}
export function declaredWindows(
  configured: readonly WindowConfig[],
  store: StoreState,
): DeclaredWindows {
  const windows = [
    ...configured.map((window) => prepareWindow(window, "config")),
    ...store.windows.map((window) => prepareWindow(asConfigured(window), "api")),
  ];
  return { windows, store };
}
/** A declared window in the form of a configured one. */
function asConfigured(window: MaintenanceWindow): WindowConfig {
  const { startAt, endAt, ...rest } = window;
  return { ...rest, when: { kind: "fixed", startAt, endAt } };
}

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
 * Whether a server is in declared maintenance. `awaySince` is the instant since which the member has been out of
 * service, or DOWN and not working, without a break; null while it is neither: `over` says that a window has ended and
 * the member has been away ever since it was open.
 */
export function declaredFor(
  server: string,
  { windows, store }: DeclaredWindows,
  now: number,
  awaySince: number | null,
): Declared {
  if (windows.length === 0) {
    return NOT_DECLARED;
  }
  const mine = windows.filter((window) => window.appliesTo(server));
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
  if (awaySince === null) {
    return NOT_DECLARED;
  }
  const over = mine.find((window) => endedAfter(server, window, store, now, awaySince));
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
/** Whether an occurrence ended for this server, and not before the member went away. */
function endedAfter(
  server: string,
  window: PreparedWindow,
  store: StoreState,
  now: number,
  awaySince: number,
): boolean {
  return [window.calendar.openAt(now), window.calendar.lastEnded(now, awaySince)].some(
    (occurrence) => {
      const span = occurrence === null ? null : spanFor(server, window, occurrence, store);
      return span !== null && span.endAt <= now && span.endAt > awaySince;
    },
  );
}
const SHOWN_AFTER_END_MS = 24 * 3_600_000;
/** Windows that are open, the next occurrence of each that is not, and those that ended in the last day; by start. */
export function listWindows({ windows, store }: DeclaredWindows, now: number): WindowView[] {
  const view = (window: PreparedWindow, occurrence: Occurrence): WindowView => {
    const ended = findProgress(store.progress, window.name, occurrence.startAt, "*")?.endedAt;
    const endAt = Math.min(occurrence.endAt, ended ?? Infinity);
    const state = now < occurrence.startAt ? "coming" : now < endAt ? "open" : "over";
    const { startAt } = occurrence;
    return {
      ...occurrenceAsWindow(window, { startAt, endAt }),
      source: window.source,
      state,
    };
  };
  return windows
    .flatMap((window) => {
      const { calendar } = window;
      const open = calendar.openAt(now);
      const ended = calendar.lastEnded(now, now - SHOWN_AFTER_END_MS);
      const next = open === null ? calendar.next(now) : null;
      return [ended, open, next]
        .filter((occurrence) => occurrence !== null)
        .map((occurrence) => view(window, occurrence));
    })
    .sort((a, b) => a.startAt - b.startAt || (a.name < b.name ? -1 : 1));
}
