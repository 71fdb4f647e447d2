import type { Random } from "../simulation/random.ts";

/** A reader of external input. Its result does not matter, but it must return. */
export interface FuzzTarget {
  readonly name: string;
  /** Real inputs to begin with. */
  readonly seeds: readonly Buffer[];
  /** Words that mean something to it. */
  readonly words?: readonly string[];
  /**
   * Most inputs are no longer than this; one in fifty may be as long as any. For readers whose time is that of the text:
   * what a mutation breaks is then a large part of what is read, and a million inputs are read in minutes.
   */
  readonly usualBytes?: number;
  /** A mutation that knows the structure; half of all inputs come from it where there is one. */
  readonly mutate?: (random: Random) => Buffer;
  /** Number of concurrent inputs; 1 for synchronous readers. */
  readonly concurrency?: number;
  /** Reads one input. Throwing, never coming back or keeping memory is a finding. */
  readonly read: (input: Buffer, slot: number) => unknown;
  readonly close?: () => Promise<void>;
}

/** How to make a target; some need servers of their own. */
export type TargetMaker = () => FuzzTarget | Promise<FuzzTarget>;
