import { collectGarbage } from "../collect-garbage.ts";

/** Heap and buffers of this process (in a worker thread: the heap of that thread), garbage included. */
export function memoryInUseMb(): number {
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** The same without garbage: a heap with room to spare is not collected for long. */
export function memoryHeldMb(): number {
  collectGarbage();
  return memoryInUseMb();
}
