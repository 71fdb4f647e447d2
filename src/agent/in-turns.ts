import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Steps } from "../estate/steps.ts";

/** Longest time that work in steps holds the event loop. */
const TURN_MS = 5;

/** Does work step by step, and lets others run every few milliseconds: ten thousand members never hold the event loop. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  let began = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return step.value;
    }
    if (performance.now() - began >= TURN_MS) {
      await nextTurn();
      began = performance.now();
    }
  }
}
