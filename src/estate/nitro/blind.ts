import type { BlindReason, MonitorState } from "../adc-state.ts";
import type { AdcService } from "../adc-service.ts";
import type { Monitor } from "../monitor.ts";
import { classifyLastResponse } from "./last-response.ts";

export interface BlindInput {
  readonly service: AdcService;
  /** The service, the member and its server are all enabled. */
  readonly enabled: boolean;
  /** BUSY: the member is at its client limit. */
  readonly busy: boolean;
  readonly monitors: readonly MonitorState[];
  /** Configured monitors by name. */
  readonly definitions: ReadonlyMap<string, Monitor>;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

/** Why the ADC's word about a member is worth little, in the order of the closed list; empty when nothing speaks against it. */
export function blindReasons(input: BlindInput): readonly BlindReason[] {
  const { service, enabled, busy, monitors, definitions } = input;
  const reasons = new Set<BlindReason>();
  if (!service.healthMonitor) {
    reasons.add("health_monitor_off");
  }
  if (!enabled) {
    reasons.add("service_disabled");
  }
  if (busy) {
    reasons.add("max_clients");
  }
  for (const monitor of monitors) {
    const definition = definitions.get(monitor.monitor);
    if (definition?.enabled === false) {
      reasons.add("monitor_disabled");
    }
    if (!monitor.bindingEnabled) {
      reasons.add("binding_disabled");
    }
    if (
      monitor.lastResponse !== null &&
      classifyLastResponse(monitor.lastResponse, false) === "not_owner"
    ) {
      reasons.add("cluster_non_owner");
    }
    const probed =
      service.healthMonitor &&
      enabled &&
      monitor.bindingEnabled &&
      definition !== undefined &&
      definition.enabled;
    if (probed && hasStopped(monitor, definition, input.now)) {
      reasons.add(stillness(definition));
    }
  }
  return ORDER.filter((reason) => reasons.has(reason));
}

const ORDER: readonly BlindReason[] = [
  "health_monitor_off",
  "monitor_disabled",
  "binding_disabled",
  "service_disabled",
  "traffic_suppression",
  "inline_traffic",
  "max_clients",
  "cluster_non_owner",
  "probes_not_advancing",
];

/** Two probes should have been counted by now: what the ADC waits between them depends on the state it is in. */
function hasStopped(state: MonitorState, monitor: Monitor, now: number): boolean {
  const since = state.probesUnchangedSince ?? null;
  const between = state.state === "up" ? monitor.intervalMs : monitor.downTimeMs;
  return since !== null && now - since > 2 * between + monitor.responseTimeoutMs;
}

/**
 * Why a monitor stands still: without LRTM the ADC sends no TCP probe while it sees live traffic to the server, and an
 * inline monitor probes only when there is none. Source: NetScaler docs, "Monitor TCP-based applications", HTTP-INLINE.
 */
function stillness(monitor: Monitor): BlindReason {
  switch (monitor.type) {
    case "TCP":
      return monitor.lrtm ? "probes_not_advancing" : "traffic_suppression";
    case "HTTP-INLINE":
      return "inline_traffic";
    default:
      return "probes_not_advancing";
  }
}

/**
 * Since when the probe counter stands at its present value. A counter that is smaller than before was reset: that counts as
 * a move. Null when the ADC tells no counter.
 */
export function probesUnchangedSince(
  totalProbes: number | null,
  previous: MonitorState | undefined,
  now: number,
): number | null {
  if (totalProbes === null) {
    return null;
  }
  return previous?.totalProbes === totalProbes ? (previous.probesUnchangedSince ?? now) : now;
}
