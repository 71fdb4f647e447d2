import { parentPort, workerData } from "node:worker_threads";
import { attackMaker } from "./expressions.ts";
import { fuzz, type FuzzResult } from "./fuzz.ts";
import { SOCKET_TARGETS, TARGETS } from "./targets.ts";

/** Input of a thread: target, number of inputs, and where to store the current input. */
export interface ThreadTask {
  readonly target: string;
  readonly inputs: number;
  readonly seed: number;
  /** Length of the newest input in the first four bytes, then the input. */
  readonly current: SharedArrayBuffer;
}

export type ThreadWord =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "crash"; readonly what: string }
  | { readonly kind: "result"; readonly result: FuzzResult };

const task = workerData as ThreadTask;
const length = new Uint32Array(task.current, 0, 1);
const bytes = new Uint8Array(task.current, 4);
const tell = (word: ThreadWord): void => parentPort?.postMessage(word);

process.on("uncaughtException", (error) => {
  tell({ kind: "crash", what: error.stack ?? error.message });
});
const make = TARGETS.get(task.target) ?? SOCKET_TARGETS.get(task.target);
const target = await make?.();
if (target === undefined) {
  throw new Error(`no target ${task.target}`);
}
const result = await fuzz(target, {
  inputs: task.inputs,
  seed: task.seed,
  attack: attackMaker(),
  onInput: (input) => {
    length[0] = input.length;
    bytes.set(input.subarray(0, bytes.length));
  },
  onProgress: (done) => {
    tell({ kind: "progress", done });
  },
});
await target.close?.();
tell({ kind: "result", result });
