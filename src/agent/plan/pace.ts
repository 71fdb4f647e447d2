import type { Estate } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/**
 * The estate as it is repeated: no monitor of it more often than every `minIntervalMs` milliseconds, up or down. The ADC may
 * be configured to probe every millisecond; a second opinion must not become a flood.
 */
export function atOwnPace(estate: Estate, minIntervalMs: number): Estate {
  const fast = [...estate.monitors.values()].filter((monitor) => isFaster(monitor, minIntervalMs));
  if (fast.length === 0) {
    return estate;
  }
  const slowed = fast.map((monitor): [string, Monitor] => [
    monitor.name,
    {
      ...monitor,
      intervalMs: Math.max(monitor.intervalMs, minIntervalMs),
      downTimeMs: Math.max(monitor.downTimeMs, minIntervalMs),
    },
  ]);
  return { ...estate, monitors: new Map([...estate.monitors, ...slowed]) };
}

/** Tells at a probe that it is slower than the ADC's own. `estate`: as it was imported. */
export function withPaceNote(
  probe: PlannedProbe,
  estate: Estate,
  minIntervalMs: number,
): PlannedProbe {
  const own =
    probe.action.kind === "monitor" ? estate.monitors.get(probe.action.monitor.name) : undefined;
  if (own === undefined || !isFaster(own, minIntervalMs)) {
    return probe;
  }
  const note =
    `the ADC probes every ${String(Math.min(own.intervalMs, own.downTimeMs))} ms, ` +
    `this agent at most every ${String(minIntervalMs)} ms (min_probe_interval)`;
  return { ...probe, note: probe.note === null ? note : `${probe.note}; ${note}` };
}

function isFaster({ intervalMs, downTimeMs }: Monitor, minIntervalMs: number): boolean {
  return Math.min(intervalMs, downTimeMs) < minIntervalMs;
}
