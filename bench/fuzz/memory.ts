import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Heap and buffers of this process (in a worker thread: the heap of that thread), garbage included. */
export function memoryInUseMb(): number {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** The same without garbage: a heap with room to spare is not collected for long. Takes some tens of milliseconds. */
export function memoryHeldMb(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return memoryInUseMb();
}
