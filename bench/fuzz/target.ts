import type { Random } from "../simulation/random.ts";

/** A reader of external input. Its result does not matter, but it must return. */
export interface FuzzTarget {
  readonly name: string;
  /** Real inputs to begin with. */
  readonly seeds: readonly Buffer[];
  /** Words with a meaning in this format. */
  readonly words?: readonly string[];
  /**
   * Most inputs have at most this length; one in fifty may have the maximum length. For readers whose time grows with
   * the text: a mutation then affects a large part of the input, and a million inputs are read in minutes.
   */
  readonly usualBytes?: number;
  /** A mutation that knows the structure; if there is one, half of all inputs come from it. */
  readonly mutate?: (random: Random) => Buffer;
  /** Number of concurrent inputs; 1 for synchronous readers. */
  readonly concurrency?: number;
  /** Reads one input. Throwing, never coming back or keeping memory is a finding. */
  readonly read: (input: Buffer, slot: number) => unknown;
  readonly close?: () => Promise<void>;
}

/** How to make a target; some need servers of their own. */
export type TargetMaker = () => FuzzTarget | Promise<FuzzTarget>;
