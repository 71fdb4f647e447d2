import { Worker } from "node:worker_threads";
import { LONGEST_MS, MOST_MEMORY_MB, type Finding, type FuzzResult } from "./fuzz.ts";
import type { ThreadTask, ThreadWord } from "./target-thread.ts";

const CURRENT_BYTES = 128 * 1024;
/** Between two words of progress lie a thousand inputs; so long without a single new one is a hang. */
const PATIENCE_MS = 60 * LONGEST_MS;
const LOOK_EVERY_MS = 1_000;

export interface Watched {
  readonly result: FuzzResult | null;
  readonly findings: readonly Finding[];
}

/** Fuzzes a target in a thread of its own: one that hangs or takes all memory ends, and its last input is kept. */
export function fuzzWatched(task: Omit<ThreadTask, "current">): Promise<Watched> {
  const current = new SharedArrayBuffer(CURRENT_BYTES);
  const length = new Uint32Array(current, 0, 1);
  const lastInput = (): Buffer =>
    Buffer.from(Buffer.from(current, 4, Math.min(length[0] ?? 0, CURRENT_BYTES - 4)));
  const worker = new Worker(new URL("./target-thread.js", import.meta.url), {
    workerData: { ...task, current } satisfies ThreadTask,
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
  });
  return new Promise((resolve) => {
    const findings: Finding[] = [];
    let result: FuzzResult | null = null;
    let before: Buffer = Buffer.alloc(0);
    let stillSince = performance.now();
    const watch = setInterval(() => {
      const now = lastInput();
      if (!now.equals(before)) {
        before = now;
        stillSince = performance.now();
      } else if (performance.now() - stillSince > PATIENCE_MS) {
        findings.push({ input: now, what: "hangs" });
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
