import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";
import {
  ALONE,
  FAST,
  FAST_OF_SHARED,
  LONG,
  LongestFirst,
  NOT_FAST,
  NOT_FAST_BUT_SHARED,
  SHARED,
  WAITING,
} from "./test/support/order-of-files.ts";

const ALL = ["test/**/*.test.ts"];

/** Many more than the smallest machine has processors: most of the time is spent waiting for probes and time-outs. */
const WORKERS_THAT_WAIT = 6;
/** One more than the smallest machine has: some of the time goes into reading files. */
const WORKERS_THAT_WORK = 3;

/** Six projects, each file in one of them; package.json's scripts choose (`test:fast`, `test`, `test:long`). */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    maxWorkers: WORKERS_THAT_WAIT,
    // Likewise within a file: whole stories.
    maxConcurrency: 8,
    reporters: [process.env["CI"] ? "dot" : "default", new ClosingLine()],
    sequence: { sequencer: LongestFirst },
    // Every project would translate the sources for itself otherwise, and every run again; the key is the source's content.
    experimental: { fsModuleCache: true },
    projects: [
      {
        extends: true,
        test: {
          name: "waiting",
          include: WAITING,
          exclude: LONG,
        },
      },
      {
        extends: true,
        test: {
          name: "working",
          include: ALL,
          exclude: [...WAITING, ...LONG, ...FAST, ...SHARED],
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: [...NOT_FAST, ...ALONE],
          exclude: WAITING,
        },
      },
      {
        extends: true,
        test: {
          name: "shared",
          include: SHARED,
          exclude: [...ALONE, ...WAITING, ...LONG, ...FAST_OF_SHARED],
          isolate: false,
          // After the isolated files, so that a worker goes on with the modules it has.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "fast",
          include: FAST,
          exclude: [...NOT_FAST, ...NOT_FAST_BUT_SHARED, ...LONG],
          // Most of the time goes into loading modules, and they keep no state.
          isolate: false,
          maxWorkers: WORKERS_THAT_WORK,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: { name: "long", include: LONG },
      },
    ],
  },
});
