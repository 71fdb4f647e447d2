import type { Steps } from "../../../lib/steps.ts";
import { readdirSync, readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { labelPairs } from "../text-format.ts";
import type { Lag } from "../event-loop-lag.ts";
import { bit, type Scope } from "./scope.ts";

/** The agent's own condition: cut off or not, accounts it does not try, lag of its event loop, its process. */
export function* agentFamilies(scope: Scope, lag: Lag): Steps<void> {
  const { live, writer } = scope;
  writer.family("adc_witness_agent_cut_off");
  writer.sample("", bit(live.cutOff));
  yield* suspendedAccounts(scope);
  writer.family("adc_witness_event_loop_lag_seconds");
  writer.sample('statistic="p50"', lag.p50);
  writer.sample('statistic="p99"', lag.p99);
  writer.sample('statistic="max"', lag.max);
  yield;

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

/** An account stays with 0 after it came back; the list of accounts is the configuration's, so it is short. */
function* suspendedAccounts(scope: Scope): Steps<void> {
  const { live, writer, sticky } = scope;
  const name = "adc_witness_login_suspended";
  const suspended = new Set(live.suspendedAccounts.map(({ account }) => account));
  for (const account of suspended) {
    sticky.remember(name, account);
  }
  writer.family(name);
  for (const account of sticky.remembered(name)) {
    writer.sample(labelPairs([["account", account]]), bit(suspended.has(account)));
  }
  yield;
}

/** Null while it cannot be told: reading it takes a descriptor, and none may be left. */
function residentMemory(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}

/** By Linux' /proc; null elsewhere, as every exporter does, and while no descriptor is left to read it with. */
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
