import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";
import {
  ALONE,
  FAST,
  LONG,
  LongestFirst,
  NOT_FAST,
  SHARED,
  WAITING,
} from "./test/support/order-of-files.ts";

const ALL = ["test/**/*.test.ts"];

/** Six projects, each file in one of them; package.json's scripts choose (`test:fast`, `test`, `test:long`). */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    // One more than the smallest machine has processors: much of the time is spent waiting for probes and time-outs.
    maxWorkers: 3,
    reporters: [process.env["CI"] ? "dot" : "default", new ClosingLine()],
    sequence: { sequencer: LongestFirst },
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
          exclude: [...ALONE, ...WAITING, ...LONG, ...FAST],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "fast",
          include: FAST,
          exclude: [...NOT_FAST, ...LONG],
          // Most of the time goes into loading modules, and they keep no state.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: "long", include: LONG },
      },
    ],
  },
});
