import type { MaintenanceWindow, WindowConfig, WindowView } from "../model/window.ts";
import {
  type StoreState,
  type WindowProgress,
  type MaintenanceStore,
  EMPTY_STORE,
} from "./store.ts";
import { createCalendar, type Occurrence, type PreparedWindow, prepareWindow } from "./calendar.ts";

/** Windows are removed this long after their end. Until then they can cause `return_overdue` or `maintenance_overrun`. */
const RETENTION_AFTER_END_MS = 90 * 24 * 3_600_000;
/** Maximum number of windows, against a flood through the API. */
export const MAX_WINDOWS = 1000;

type StepResult =
  | { readonly kind: "done"; readonly state: StoreState; readonly window: MaintenanceWindow }
  | { readonly kind: "not_found" | "refused"; readonly message: string };

/**
 * Declares a window. Idempotent by name: repeating a request changes nothing (returns the same state object); a different
 * request replaces the window.
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

/** How much longer a window lasts, or until when (milliseconds). */
export type Extension = { readonly byMs: number } | { readonly endAt: number };

/** Extends a declared window. */
function extendWindow(
  state: StoreState,
  configured: readonly WindowConfig[],
  name: string,
  extension: Extension,
  now: number,
): StepResult {
  const before = state.windows.find((window) => window.name === name && window.endAt > now);
  if (before === undefined) {
    return configured.some((window) => window.name === name)
      ? refused(`${name} is defined in the configuration; declare another window for its servers.`)
      : { kind: "not_found", message: `No open or upcoming window is named ${name}.` };
  }
  if (before.endAt === Infinity) {
    return refused(`${name} has no end.`);
  }
  const endAt = "byMs" in extension ? before.endAt + extension.byMs : extension.endAt;
  if (endAt < before.endAt) {
    return refused(`${name} would end sooner; end it with maintenance end.`);
  }
  const window = { ...before, endAt };
  const windows = state.windows.map((each) => (each === before ? window : each));
  return endAt === before.endAt
    ? { kind: "done", state, window: before }
    : { kind: "done", state: { ...state, windows }, window };
}

/** Ends a window now. An upcoming one is removed; of a configured one only the open occurrence ends. */
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
function occurrenceAsWindow(window: WindowConfig, occurrence: Occurrence): MaintenanceWindow {
  const { name, servers, reason, author, autoEnd, flexible } = window;
  return { name, servers, ...occurrence, reason, author, autoEnd, flexible };
}

/** Current health of a server. */
export interface ServerHealth {
  /** Out of service, down or in maintenance by any source. */
  readonly bad: boolean;
  /** Good for the stability time. */
  readonly stable: boolean;
}

/**
 * Updates windows from the health of their servers: `bad` starts a flexible window and arms an automatic end; `stable` then
 * ends it for this server. Reads the health only while such a window is open. Returns the same object if nothing changed, so
 * that it need not be written.
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

/** Removes windows that ended long ago. Returns the same object if there are none. */
export function removeExpired(state: StoreState, now: number): StoreState {
  const since = now - RETENTION_AFTER_END_MS;
  const windows = state.windows.filter((window) => window.endAt > since);
  const progress = state.progress.filter(
    (each) => (each.endedAt ?? each.begunAt ?? each.startAt) > since,
  );
  const same = windows.length === state.windows.length && progress.length === state.progress.length;
  return same ? state : { windows, progress };
}

function findProgress(
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

/** All windows of configuration and store, with parsed calendars. */
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

/** Declared maintenance of a server. */
export interface Declared {
  readonly state: "no" | "open" | "over";
  /** Planned end of the window that is open (the last of several), Infinity for `never`; null when none is open. */
  readonly endAt: number | null;
  /** Name of the window that decides; null when none does. */
  readonly window: string | null;
}
const NOT_DECLARED: Declared = { state: "no", endAt: null, window: null };
/**
 * Whether a server is in declared maintenance. `awaySince`: since when the member has been continuously out of service, or DOWN
 * and not working; null if it is neither. `over`: a window has ended and the member has been away ever since.
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
/** An occurrence for this server: a flexible one may start late, and any may end early, automatically or manually. */
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
/** Open windows, the next occurrence of each other one, and those that ended in the last day; sorted by start. */
export function listWindows(
  { windows, store }: DeclaredWindows,
  now: number,
  shownAfterEndMs = SHOWN_AFTER_END_MS,
): WindowView[] {
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
      const ended = calendar.lastEnded(now, now - shownAfterEndMs);
      const next = open === null ? calendar.next(now) : null;
      return [ended, open, next]
        .filter((occurrence) => occurrence !== null)
        .map((occurrence) => view(window, occurrence));
    })
    .sort((a, b) => a.startAt - b.startAt || (a.name < b.name ? -1 : 1));
}

/** Declared maintenance of the agent, from configuration and store. */
export interface Declarations {
  readonly declaredFor: (server: string, now: number, awaySince: number | null) => Declared;
  readonly list: (now: number) => readonly WindowView[];
  readonly start: (window: MaintenanceWindow, now: number) => Promise<DeclareResult>;
  readonly end: (name: string, now: number) => Promise<DeclareResult>;
  readonly extend: (name: string, extension: Extension, now: number) => Promise<DeclareResult>;
  /** The last occurrence of a window, at most 90 days old; null if none has begun. */
  readonly last: (name: string, now: number) => WindowView | null;
  /** Called at every evaluation; writes only when a flexible window begins or an automatic end is due. */
  readonly observe: (server: string, shows: () => ServerHealth, now: number) => void;
  /** A reloaded configuration's windows. */
  readonly reconfigure: (configured: readonly WindowConfig[]) => void;
  readonly close: () => Promise<void>;
}

export type DeclareResult =
  | { readonly kind: "done"; readonly window: WindowView }
  | { readonly kind: "not_found" | "refused" | "failed"; readonly message: string };

export interface DeclarationSources {
  readonly configured: readonly WindowConfig[];
  /** Null if this process does not hold the store; then `snapshot` is its content. */
  readonly store: MaintenanceStore | null;
  readonly snapshot: StoreState | null;
  /** Called if an update could not be written. */
  readonly onFailure: (message: string) => void;
}

export function createDeclarations(sources: DeclarationSources): Declarations {
  const { store, onFailure } = sources;
  let { configured } = sources;
  const readState = (): StoreState => store?.state() ?? sources.snapshot ?? EMPTY_STORE;
  let prepared: DeclaredWindows = declaredWindows(configured, readState());
  const current = (): DeclaredWindows => {
    if (prepared.store !== readState()) {
      prepared = declaredWindows(configured, readState());
    }
    return prepared;
  };

  const change = async (
    step: (state: StoreState) => StepResult,
    now: number,
  ): Promise<DeclareResult> => {
    if (store === null) {
      return { kind: "refused", message: "Another process holds the maintenance windows file." };
    }
    // Decided inside the store's queue; the last decision was applied.
    const decided: StepResult[] = [];
    const written = await store.update((state) => {
      const result = step(removeExpired(state, now));
      decided.push(result);
      return result.kind === "done" ? result.state : state;
    });
    const result = decided.at(-1);
    if (written.kind === "failed") {
      return { kind: "failed", message: written.message };
    }
    if (result?.kind !== "done") {
      return result ?? { kind: "failed", message: "The maintenance windows file did not respond." };
    }
    const view = listWindows(current(), now).find(({ name }) => name === result.window.name);
    return { kind: "done", window: view ?? { ...result.window, source: "api", state: "over" } };
  };

  return {
    declaredFor: (server, now, awaySince) => declaredFor(server, current(), now, awaySince),
    list: (now) => listWindows(current(), now),
    start: (window, now) => change((state) => declareWindow(state, configured, window, now), now),
    end: (name, now) => change((state) => endWindow(state, configured, name, now), now),
    extend: (name, extension, now) =>
      change((state) => extendWindow(state, configured, name, extension, now), now),
    last: (name, now) =>
      listWindows(current(), now, RETENTION_AFTER_END_MS)
        .filter((window) => window.name === name && window.state !== "coming")
        .at(-1) ?? null,
    observe: (server, shows, now) => {
      // Called for every server, every second.
      if (current().windows.length === 0) {
        return;
      }
      const observed = (state: StoreState): StoreState =>
        observeServer(state, current().windows, server, shows, now);
      if (store === null || observed(store.state()) === store.state()) {
        return;
      }
      void store.update(observed).then((written) => {
        if (written.kind === "failed") {
          onFailure(written.message);
        }
      });
    },
    reconfigure: (windows) => {
      configured = windows;
      prepared = declaredWindows(configured, readState());
    },
    close: async () => {
      await store?.close();
    },
  };
}
