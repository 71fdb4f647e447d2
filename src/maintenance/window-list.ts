import type { DeclaredWindows, PreparedWindow } from "./prepared.ts";
import { findProgress, occurrenceAsWindow } from "./store-steps.ts";
import type { StoredWindow } from "./stored.ts";
import type { Occurrence } from "./windows.ts";

/** A window as people see it in a list: one occurrence of it. */
export interface WindowView extends StoredWindow {
  readonly source: "config" | "api";
  readonly state: "open" | "coming" | "over";
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
