import { seededRandom, type Random } from "../simulation/random.ts";
import type { AttackMaker } from "./expressions.ts";
import { memoryHeldMb, memoryInUseMb } from "./memory.ts";
import { MAX_INPUT_BYTES, mutateBytes } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";
import { WorkClock } from "./work-clock.ts";

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Creates attacks on the product's own expressions, which a small share of inputs contains. */
  readonly attack: AttackMaker;
  /** Called before each input is read, so that a watcher knows which input hangs. */
  readonly onInput?: (input: Buffer) => void;
  readonly onProgress?: (done: number) => void;
}

export interface Finding {
  readonly input: Buffer;
  readonly what: string;
}

export interface FuzzResult {
  readonly inputs: number;
  readonly durationMs: number;
  readonly slowestMs: number;
  readonly peakMemoryMb: number;
  readonly findings: readonly Finding[];
}

/** An input that is worked on for longer is a hang. */
export const MAX_MS = 1_000;
/** What waits for a peer has its own time-out, far shorter. */
const MAX_WAIT_MS = 30_000;
/** Heap and buffers together, all inputs under way included. */
export const MAX_MEMORY_MB = 256;
const LOOK_AT_MEMORY_EVERY = 1_000;
const MAX_FINDINGS = 20;
/** The share of inputs that may be longer than usual. */
const UNUSUAL = 0.02;
/** The share of inputs that contain an attack on the product's own regular expressions. */
const ATTACKS = 0.01;

/** Reads this many inputs mutated from a target's seeds; the same seed gives the same inputs in the same order. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const random = seededRandom(options.seed);
  const concurrency = target.concurrency ?? 1;
  const clock = new WorkClock();
  const findings: Finding[] = [];
  const began = performance.now();
  let made = 0;
  let slowestMs = 0;
  let peakMemoryMb = 0;
  const slot = async (index: number): Promise<void> => {
    while (made < options.inputs && findings.length < MAX_FINDINGS) {
      made += 1;
      if (concurrency > 1) {
        // Time-outs and other slots have their turn.
        await new Promise(setImmediate);
      }
      const input = inputOf(target, random, options.attack);
      options.onInput?.(input);
      const { tookMs, what } = await readOne(target, input, clock, index);
      slowestMs = Math.max(slowestMs, tookMs);
      if (what !== null) {
        findings.push({ input, what });
      }
      if (made % LOOK_AT_MEMORY_EVERY === 0) {
        options.onProgress?.(made);
        const memoryMb = memoryInUseMb();
        const heldMb = memoryMb > MAX_MEMORY_MB ? memoryHeldMb() : memoryMb;
        peakMemoryMb = Math.max(peakMemoryMb, heldMb);
        if (heldMb > MAX_MEMORY_MB) {
          findings.push({ input, what: `${heldMb.toFixed(0)} MB in use` });
        }
      }
    }
  };
  const slots = Array.from({ length: concurrency }, (_, index) => slot(index));
  await Promise.all(slots);
  return {
    inputs: made,
    durationMs: performance.now() - began,
    slowestMs,
    peakMemoryMb: Math.max(peakMemoryMb, memoryInUseMb()),
    findings,
  };
}

/** The failure of reading an input; null: none. */
export async function readOne(
  target: FuzzTarget,
  input: Buffer,
  clock = new WorkClock(),
  slot = 0,
): Promise<{ readonly tookMs: number; readonly what: string | null }> {
  const began = clock.begin();
  let what: string | null = null;
  try {
    const result = target.read(input, slot);
    if (result instanceof Promise) {
      await result;
    }
  } catch (error) {
    what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { waitedMs, tookMs } = clock.end(began);
  const slow = tookMs > MAX_MS || waitedMs > MAX_WAIT_MS;
  const words = `took ${tookMs.toFixed(0)} ms of work in ${waitedMs.toFixed(0)} ms`;
  return { tookMs, what: what ?? (slow ? words : null) };
}

function inputOf(target: FuzzTarget, random: Random, attack: AttackMaker): Buffer {
  if (random.next() < ATTACKS) {
    // Within a valid input, because readers check it before they use the expressions.
    const seed = random.pick(target.seeds).subarray(0, MAX_INPUT_BYTES / 2);
    const at = random.whole(0, seed.length);
    const run = attack(random, MAX_INPUT_BYTES - seed.length);
    return Buffer.concat([seed.subarray(0, at), run, seed.subarray(at)]);
  }
  if (target.mutate !== undefined && random.next() < 0.5) {
    return target.mutate(random);
  }
  const { seeds, words = [], usualBytes } = target;
  const usual = usualBytes !== undefined && random.next() >= UNUSUAL;
  return mutateBytes(seeds, words, random, usual ? usualBytes : MAX_INPUT_BYTES);
}
