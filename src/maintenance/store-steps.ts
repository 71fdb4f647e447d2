import type { MaintenanceWindow, WindowConfig } from "../model/window.ts";
import type { StoreState, WindowProgress } from "./store.ts";
import { createCalendar, type Occurrence, type PreparedWindow } from "./calendar.ts";

/** Windows that ended so long ago are forgotten. Until then they can make a `return_overdue` or a `maintenance_overrun`. */
const KEPT_AFTER_END_MS = 90 * 24 * 3_600_000;
/** More windows than anybody declares; a flood through the API stops here. */
export const MAX_WINDOWS = 1000;

export type StepResult =
  | { readonly kind: "done"; readonly state: StoreState; readonly window: MaintenanceWindow }
  | { readonly kind: "not_found" | "refused"; readonly message: string };

/**
 * Declares a window, idempotent by name: the same request again changes nothing (the same state object comes back),
 * another one replaces the window of that name.
 */
export function declareWindow(
  state: StoreState,
  configured: readonly WindowConfig[],
  window: MaintenanceWindow,
  now: number,
): StepResult {
  const others = state.windows.filter((each) => each.name !== window.name);
  const before = state.windows.find((each) => each.name === window.name);
  if (configured.some((each) => each.name === window.name)) {
    return refused(
      `The configuration already has a window named ${window.name}; choose another name.`,
    );
  }
  if (window.endAt <= window.startAt) {
    return refused("The window ends before it begins.");
  }
  if (window.endAt <= now) {
    return refused("The window has already ended.");
  }
  if (before === undefined && others.length >= MAX_WINDOWS) {
    return refused(`The limit of ${String(MAX_WINDOWS)} windows is reached; end some first.`);
  }
  if (before !== undefined && sameWindow(before, window)) {
    return { kind: "done", state, window: before };
  }
  return { kind: "done", state: { ...state, windows: [...others, window] }, window };
}

/** Ends a window now. One that has not begun is forgotten; of a configured one only the open occurrence ends. */
export function endWindow(
  state: StoreState,
  configured: readonly WindowConfig[],
  name: string,
  now: number,
): StepResult {
  const stored = state.windows.find((window) => window.name === name && window.endAt > now);
  if (stored !== undefined) {
    const others = state.windows.filter((window) => window !== stored);
    const window = { ...stored, endAt: Math.max(now, stored.startAt) };
    const kept = stored.startAt < now ? [...others, window] : others;
    return { kind: "done", state: { ...state, windows: kept }, window };
  }
  const window = configured.find((each) => each.name === name);
  const open = window === undefined ? null : createCalendar(window.when).openAt(now);
  if (window === undefined) {
    return { kind: "not_found", message: `No open or upcoming window is named ${name}.` };
  }
  if (open === null) {
    return refused(`${name} is not open and is defined in the configuration; change it there.`);
  }
  const progress = setProgress(state.progress, name, open.startAt, "*", { endedAt: now });
  return {
    kind: "done",
    state: { ...state, progress },
    window: occurrenceAsWindow(window, { startAt: open.startAt, endAt: now }),
  };
}

function refused(message: string): StepResult {
  return { kind: "refused", message };
}

/** One occurrence of a configured window in the form of a declared one. */
export function occurrenceAsWindow(
  window: WindowConfig,
  occurrence: Occurrence,
): MaintenanceWindow {
  const { name, servers, reason, author, autoEnd, flexible } = window;
  return { name, servers, ...occurrence, reason, author, autoEnd, flexible };
}

/** What a server shows at one moment. */
export interface ServerHealth {
  /** Out, down or in maintenance in anybody's eyes. */
  readonly bad: boolean;
  /** Good for the stability time. */
  readonly stable: boolean;
}

/**
 * What a server shows while a window of its is open: `bad` begins a flexible window and arms an automatic end; `stable` then
 * ends it for this server. Asks for it only where such a window is open. Comes back with the same object when nothing
 * changed, so that it need not be written.
 */
export function observeServer(
  state: StoreState,
  windows: readonly PreparedWindow[],
  server: string,
  shows: () => ServerHealth,
  now: number,
): StoreState {
  let { progress } = state;
  for (const window of windows) {
    const open =
      (window.flexible || window.autoEnd) && window.appliesTo(server)
        ? window.calendar.openAt(now)
        : null;
    if (open !== null) {
      const { bad, stable } = shows();
      const here = findProgress(progress, window.name, open.startAt, server);
      const begun = typeof here?.begunAt === "number";
      const ended = typeof here?.endedAt === "number";
      if (bad && !begun) {
        progress = setProgress(progress, window.name, open.startAt, server, { begunAt: now });
      } else if (window.autoEnd && stable && begun && !ended) {
        progress = setProgress(progress, window.name, open.startAt, server, { endedAt: now });
      }
    }
  }
  return progress === state.progress ? state : { ...state, progress };
}

/** Forgets what ended long ago. The same object when there is nothing to forget. */
export function forgetOld(state: StoreState, now: number): StoreState {
  const since = now - KEPT_AFTER_END_MS;
  const windows = state.windows.filter((window) => window.endAt > since);
  const progress = state.progress.filter(
    (each) => (each.endedAt ?? each.begunAt ?? each.startAt) > since,
  );
  const same = windows.length === state.windows.length && progress.length === state.progress.length;
  return same ? state : { windows, progress };
}

export function findProgress(
  progress: readonly WindowProgress[],
  window: string,
  startAt: number,
  server: string,
): WindowProgress | undefined {
  return progress.find(
    (each) => each.window === window && each.startAt === startAt && each.server === server,
  );
}

function setProgress(
  progress: readonly WindowProgress[],
  window: string,
  startAt: number,
  server: string,
  change: Partial<Pick<WindowProgress, "begunAt" | "endedAt">>,
): readonly WindowProgress[] {
  const before = findProgress(progress, window, startAt, server);
  const others = progress.filter((each) => each !== before);
  return [
    ...others,
    { window, startAt, server, begunAt: null, endedAt: null, ...before, ...change },
  ];
}

function sameWindow(a: MaintenanceWindow, b: MaintenanceWindow): boolean {
  return (
    a.startAt === b.startAt &&
    a.endAt === b.endAt &&
    a.reason === b.reason &&
    a.author === b.author &&
    a.autoEnd === b.autoEnd &&
    a.flexible === b.flexible &&
    JSON.stringify(a.servers) === JSON.stringify(b.servers)
  );
}
