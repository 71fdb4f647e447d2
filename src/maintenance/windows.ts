import type { WindowConfig } from "../model/window.ts";
import { nameMatcher } from "../lib/glob.ts";
import type { StoredWindow, StoreState } from "./store.ts";
import { createCalendar, type Calendar } from "./calendar.ts";

/** All windows, of configuration and store, with their calendars worked out once. */
export interface DeclaredWindows {
  readonly windows: readonly PreparedWindow[];
  readonly store: StoreState;
}
export interface PreparedWindow extends WindowConfig {
  readonly source: "config" | "api";
  readonly calendar: Calendar;
  readonly appliesTo: (server: string) => boolean;
}
export function declaredWindows(
  configured: readonly WindowConfig[],
  store: StoreState,
): DeclaredWindows {
  const prepare =
    (source: "config" | "api") =>
    (window: WindowConfig): PreparedWindow => ({
      ...window,
      source,
      calendar: createCalendar(window.when),
      appliesTo: nameMatcher(window.servers),
    });
  const windows = [
    ...configured.map(prepare("config")),
    ...store.windows.map(asConfigured).map(prepare("api")),
  ];
  return { windows, store };
}
/** A declared window in the form of a configured one. */
function asConfigured(window: StoredWindow): WindowConfig {
  const { startAt, endAt, ...rest } = window;
  return { ...rest, when: { kind: "fixed", startAt, endAt } };
}
