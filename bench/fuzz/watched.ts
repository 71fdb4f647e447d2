import { Worker } from "node:worker_threads";
import { MAX_MS, MAX_MEMORY_MB, type Finding, type FuzzResult } from "./fuzz.ts";
import type { ThreadTask, ThreadWord } from "./target-thread.ts";

const CURRENT_BYTES = 128 * 1024;
/** This much CPU time without a new input is a hang, however busy the machine is; so is a wait of this length. */
const MAX_WORK_MS = 60 * MAX_MS;
const MAX_WAIT_MS = 10 * 60_000;
const LOOK_EVERY_MS = 1_000;

export interface Watched {
  readonly result: FuzzResult | null;
  readonly findings: readonly Finding[];
}

/** Fuzzes a target in a separate thread: if it hangs or uses all memory, it is ended and its last input is kept. */
export function fuzzWatched(task: Omit<ThreadTask, "current">): Promise<Watched> {
  const current = new SharedArrayBuffer(CURRENT_BYTES);
  const length = new Uint32Array(current, 0, 1);
  const lastInput = (): Buffer =>
    Buffer.from(Buffer.from(current, 4, Math.min(length[0] ?? 0, CURRENT_BYTES - 4)));
  const worker = new Worker(new URL("./target-thread.js", import.meta.url), {
    workerData: { ...task, current } satisfies ThreadTask,
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MB },
  });
  return new Promise((resolve) => {
    const findings: Finding[] = [];
    let result: FuzzResult | null = null;
    let before: Buffer = Buffer.alloc(0);
    let still = now();
    const watch = setInterval(() => {
      const newest = lastInput();
      const { workMs, timeMs } = now();
      if (!newest.equals(before)) {
        before = newest;
        still = { workMs, timeMs };
      } else if (workMs - still.workMs > MAX_WORK_MS || timeMs - still.timeMs > MAX_WAIT_MS) {
        findings.push({ input: newest, what: "hangs" });
        void worker.terminate();
      }
    }, LOOK_EVERY_MS);
    worker.on("message", (word: ThreadWord) => {
      if (word.kind === "result") {
        result = word.result;
      } else if (word.kind === "crash") {
        findings.push({ input: lastInput(), what: word.what });
      }
    });
    worker.on("error", (error) => {
      findings.push({ input: lastInput(), what: String(error) });
    });
    worker.on("exit", () => {
      clearInterval(watch);
      resolve({ result, findings: [...(result?.findings ?? []), ...findings] });
    });
  });
}

/** Work of the whole process, which does nothing else. */
function now(): { readonly workMs: number; readonly timeMs: number } {
  const { user, system } = process.cpuUsage();
  return { workMs: (user + system) / 1_000, timeMs: performance.now() };
}
