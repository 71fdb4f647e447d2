import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";
import { FAST, LONG, LongestFirst, NOT_FAST, WAITING } from "./test/support/order-of-files.ts";

const ALL = ["test/**/*.test.ts"];

/** Five projects, each file in one of them; package.json's scripts choose (`test:fast`, `test`, `test:long`). */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
    reporters: [process.env["CI"] ? "dot" : "default", new ClosingLine()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: "waiting",
          include: WAITING,
          exclude: LONG,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "working",
          include: ALL,
          exclude: [...WAITING, ...LONG, ...FAST],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "not-fast",
          include: NOT_FAST,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "fast",
          include: FAST,
          exclude: [...NOT_FAST, ...LONG],
          maxWorkers: 2,
          // Most of the time goes into loading modules, and they keep no state.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "long", include: LONG, maxWorkers: 3, sequence: { groupOrder: 0 } },
      },
    ],
  },
});
