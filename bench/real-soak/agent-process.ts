import { readdirSync } from "node:fs";
import { queryObjects } from "node:v8";
import { pino } from "pino";
import { startService } from "../../src/cli/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { AgentMemory } from "./slope.ts";

/**
 * The agent as `run` starts it, in a separate process that reports its memory on request, after a garbage collection.
 * Its history is small, so that it is full before anything is judged.
 */
const HISTORY = { maxBytes: 128 * 1024, timelineEntries: 20, changes: 50 };

const [file = "", listen = ""] = process.argv.slice(2);
const loaded = await loadConfig(file, process.env);
if (loaded.kind === "invalid") {
  throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
}
const service = await startService({
  config: loaded.config,
  listen: [listen],
  log: pino({ level: "fatal" }),
  reread: () => loadConfig(file, process.env),
  history: HISTORY,
});
if (service.kind === "failed") {
  throw new Error(service.message);
}
process.on("message", (message) => {
  if (message === "read") {
    process.send?.(memory());
  }
});
process.once("SIGTERM", () => {
  void service.stop().then(() => {
    process.disconnect();
  });
});
process.send?.("ready");

function memory(): AgentMemory {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) {
    resources[type] = (resources[type] ?? 0) + 1;
  }
  return {
    heapMb: heapUsed / 1e6,
    externalMb: external / 1e6,
    residentMb: rss / 1e6,
    descriptors: readdirSync("/proc/self/fd").length,
    resources,
  };
}

/**
 * All that is available, as for a snapshot of the heap: `gc()` leaves megabytes of caches and finalisers for a minute or so.
 * The count itself is nothing to us.
 */
function collectGarbage(): void {
  queryObjects(Nothing, { format: "count" });
}

class Nothing {}
