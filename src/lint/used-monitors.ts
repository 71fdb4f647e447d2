import type { Monitor } from "../model/monitor.ts";
import type { Fix } from "./change.ts";
import { useCount, usesOf, type LintContext } from "./context.ts";
import { changeFor, type OptionValues } from "./monitor-change.ts";

/** The monitors of these types that something uses. One that is reversed shows a failure by its success. */
export function usedMonitors(context: LintContext, ...types: readonly string[]): Monitor[] {
  return [...context.estate.monitors.values()].filter(
    (monitor) =>
      types.includes(monitor.type) && !monitor.reverse && context.usersOf(monitor).length > 0,
  );
}

/** Those, and in an excerpt the ones that its missing part may bind: what they send is wrong in any case. */
export function monitorsOf(context: LintContext, ...types: readonly string[]): Monitor[] {
  return context.estate.extent !== "excerpt"
    ? usedMonitors(context, ...types)
    : [...context.estate.monitors.values()].filter(
        ({ type, builtIn, reverse }) => types.includes(type) && !builtIn && !reverse,
      );
}

/** The change at every service that uses the monitor. Null: only something else than services does. */
export function changeEverywhere(
  context: LintContext,
  monitor: Monitor,
  values: OptionValues,
): Fix | null {
  const uses = usesOf(context, monitor);
  const count = useCount(context, monitor);
  return uses.length === 0 && count > 0
    ? null
    : changeFor(context.names, monitor, uses, count, values);
}

/** Where a monitor is defined, or where a built-in one is first bound. */
export function lineOf(context: LintContext, monitor: Monitor): number | null {
  return monitor.line ?? usesOf(context, monitor)[0]?.binding.line ?? null;
}
