import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Steps } from "../../../lib/steps.ts";
import { readdirSync, readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import type { LiveProbe } from "../../../model/live.ts";
import { labelPairs } from "../text-format.ts";
import { bit, each, type Scope } from "./scope.ts";

/** Seconds. */
interface EventLoopLag {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LagMeter {
  /** The maximum of the current and the previous window. */
  readonly read: () => EventLoopLag;
  readonly close: () => void;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 60_000;
const NO_LAG: EventLoopLag = { p50: 0, p99: 0, max: 0 };

/** Measures timer delay in windows of a minute, so that several scrapers do not reset each other's values. */
export function startLagMeter(): LagMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let previous = NO_LAG;
  const timer = setInterval(() => {
    previous = current();
    histogram.reset();
  }, WINDOW_MS);
  timer.unref();

  // The histogram contains total delays of a timer of RESOLUTION_MS, in nanoseconds; the excess is lag.
  function lag(nanoseconds: number): number {
    return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  }

  function current(): EventLoopLag {
    return histogram.count === 0
      ? NO_LAG
      : {
          p50: lag(histogram.percentile(50)),
          p99: lag(histogram.percentile(99)),
          max: lag(histogram.max),
        };
  }

  return {
    read: () => {
      const now = current();
      return {
        p50: Math.max(previous.p50, now.p50),
        p99: Math.max(previous.p99, now.p99),
        max: Math.max(previous.max, now.max),
      };
    },
    close: () => {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

/** The agent's own state: cut off, suspended accounts, event-loop lag, process. */
export function* agentFamilies(scope: Scope, lag: EventLoopLag): Steps<void> {
  const { live, writer } = scope;
  writer.family("adc_witness_agent_cut_off");
  writer.sample("", bit(live.cutOff));
  yield* suspendedAccounts(scope);
  if (live.storage !== undefined && live.storage !== null) {
    writer.family("adc_witness_state_writable");
    writer.sample("", bit(live.storage.writable));
    writer.family("adc_witness_state_write_errors_total");
    writer.sample("", live.storage.writeErrors);
  }
  yield* heldBackLogins(scope);
  writer.family("adc_witness_event_loop_lag_seconds");
  writer.sample('statistic="p50"', lag.p50);
  writer.sample('statistic="p99"', lag.p99);
  writer.sample('statistic="max"', lag.max);
  yield;
  yield* stalls(scope);

  const cpu = process.cpuUsage();
  const residentBytes = residentMemory();
  writer.family("process_cpu_seconds_total");
  writer.sample("", (cpu.user + cpu.system) / 1e6);
  if (residentBytes !== null) {
    writer.family("process_resident_memory_bytes");
    writer.sample("", residentBytes);
  }
  writer.family("process_heap_bytes");
  writer.sample("", getHeapStatistics().used_heap_size);
  writer.family("process_start_time_seconds");
  writer.sample("", Math.round(performance.timeOrigin) / 1000);
  const descriptors = openDescriptors();
  if (descriptors !== null) {
    writer.family("process_open_fds");
    writer.sample("", descriptors.open);
    writer.family("process_max_fds");
    writer.sample("", descriptors.limit);
  }
  yield;
}

const NO_ENDPOINT = labelPairs([
  ["adc", ""],
  ["vserver", ""],
  ["adc_service", ""],
  ["server", ""],
  ["port", ""],
]);

/** Endpoints in the estate whose responses stalled the event loop; rarely any. */
function* stalls({ live, writer }: Scope): Steps<void> {
  const byEndpoint = new Map<string, number>();
  yield* each(live.probes, (probe) => {
    const seconds = probe.stalledSeconds ?? 0;
    if (seconds > 0) {
      const labels = endpointLabels(probe);
      byEndpoint.set(labels, (byEndpoint.get(labels) ?? 0) + seconds);
    }
  });
  writer.family("adc_witness_event_loop_stall_seconds_total");
  writer.sample(NO_ENDPOINT, live.unexplainedStallSeconds ?? 0);
  for (const [labels, seconds] of byEndpoint) {
    writer.sample(labels, seconds);
  }
  yield;
}

function endpointLabels({ adc, vserver, adcService, server, port }: LiveProbe): string {
  return labelPairs([
    ["adc", adc],
    ["vserver", vserver],
    ["adc_service", adcService],
    ["server", server],
    ["port", port],
  ]);
}

/** A resumed account stays with 0 while a probe uses it. */
function* suspendedAccounts(scope: Scope): Steps<void> {
  const { live, writer, sticky } = scope;
  const name = "adc_witness_login_suspended";
  const suspended = new Set(live.suspendedAccounts.map(({ account }) => account));
  const used = new Set(suspended);
  yield* each(live.probes, ({ account }) => {
    if (account !== null && account !== undefined) {
      used.add(account);
    }
  });
  writer.family(name);
  for (const account of sticky.remember(name, suspended, (known) => used.has(known))) {
    writer.sample(labelPairs([["account", account]]), bit(suspended.has(account)));
  }
  yield;
}

/** Probes whose last due login was not started, by account and reason. */
function* heldBackLogins({ live, writer }: Scope): Steps<void> {
  const counts = new Map<string, number>();
  for (const { account, heldBack } of live.probes) {
    if (typeof account === "string" && heldBack !== undefined && heldBack !== null) {
      const labels = labelPairs([
        ["account", account],
        ["reason", heldBack.why],
      ]);
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
    }
  }
  writer.family("adc_witness_logins_held_back");
  for (const [labels, count] of counts) {
    writer.sample(labels, count);
  }
  yield;
}

/** Null if it cannot be read, for example without a free descriptor. */
function residentMemory(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}

/** From Linux's /proc; null on other systems and without a free descriptor. */
function openDescriptors(): { readonly open: number; readonly limit: number } | null {
  if (process.platform !== "linux") {
    return null;
  }
  try {
    const open = readdirSync("/proc/self/fd").length;
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    return { open, limit: limit === undefined || limit === "unlimited" ? Infinity : Number(limit) };
  } catch {
    return null;
  }
}
