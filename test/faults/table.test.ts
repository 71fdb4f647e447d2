import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES } from "../../lab/faults/catalogue.ts";
import { startFault } from "../../lab/faults/start-fault.ts";
import { runMonitor } from "../../src/probes/monitors/run-monitor.ts";
import { probeContext } from "../support/probe-context.ts";
import { startBlackbox, type BlackboxJudge } from "./blackbox.ts";
import { CASES, DIFFERENCES } from "./cases.ts";
import { CHECKS } from "./checks.ts";

/** As the time-out of blackbox_exporter's modules. */
const TIMEOUT_MS = 1_500;
const DRIP_MS = 100;

let blackbox: BlackboxJudge | null = null;
beforeAll(async () => {
  blackbox = await startBlackbox();
});
afterAll(async () => {
  await blackbox?.close();
});

test("every fault of the catalogue is tried", () => {
  const tried = new Set(CASES.map(([fault]) => fault));
  expect(FAULT_NAMES.filter((fault) => !tried.has(fault))).toEqual([]);
});

describe.concurrent("faults", { timeout: 60_000 }, () => {
  for (const [fault, check, opinion, outcome, step, reason, difference] of CASES) {
    const aside =
      difference === undefined ? "" : `; blackbox_exporter differs: ${DIFFERENCES[difference]}`;
    test(`${fault} at ${check}: ${opinion}, ${step} ${reason}${aside}`, async ({
      expect: expects,
    }) => {
      const server = await startFault(fault, { dripMs: DRIP_MS });
      try {
        const target = { host: server.host, port: server.port, server: null };
        const [{ observation, passed }, theirs] = await Promise.all([
          runMonitor(CHECKS[check], target, probeContext(TIMEOUT_MS)),
          blackbox?.judge(check, server.port) ?? null,
        ]);
        expects({ passed, outcome: observation.outcome, step: observation.step }).toEqual({
          passed: opinion === "up",
          outcome,
          step,
        });
        expects(reason.split("|")).toContain(observation.reason);
        if (theirs !== null) {
          const opposite = opinion === "up" ? "down" : "up";
          expects(theirs).toBe(difference === undefined ? opinion : opposite);
        }
      } finally {
        await server.close();
      }
    });
  }
});
