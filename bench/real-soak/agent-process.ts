import { readdirSync } from "node:fs";
import { pino } from "pino";
import { startService } from "../../src/cli/service.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { AgentMemory } from "./slope.ts";

/**
 * The agent as `run` starts it, in a process of its own that tells its memory when asked: after a collection of garbage,
 * so that what is left is what is held. Its history holds little, to be full before anything is judged.
 */
const HISTORY_BYTES = 1024 * 1024;

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
  historyBytes: HISTORY_BYTES,
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

/** Twice: the first run may only queue finalisers. Needs `--expose-gc`. */
function collectGarbage(): void {
  if (globalThis.gc === undefined) {
    throw new Error("this process needs --expose-gc");
  }
  globalThis.gc();
  globalThis.gc();
}
