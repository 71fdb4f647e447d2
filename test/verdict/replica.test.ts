import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  initialReplica,
  nextDelayMs,
  stepReplica,
  type ReplicaParameters,
  type ReplicaState,
} from "../../src/verdict/replica.ts";

const DEFAULTS: ReplicaParameters = {
  retries: 3,
  failureRetries: 0,
  successRetries: 1,
  intervalMs: 5000,
  downTimeMs: 30_000,
};

/** `S` success, `F` failure, `?` an agent fault; gives the opinion after each, as U, D or -. */
function run(parameters: ReplicaParameters, results: string): string {
  let state = initialReplica();
  return [...results]
    .map((result) => {
      state = stepReplica(state, parameters, result === "?" ? null : result === "S");
      return { up: "U", down: "D", unknown: "-" }[state.opinion];
    })
    .join("");
}

describe("stepReplica", () => {
  test.each([
    ["one success is up", {}, "S", "U"],
    ["retries failures in a row are down", {}, "FFF", "--D"],
    ["a success between begins the count anew", {}, "SFFSFFSFFF", "UUUUUUUUUD"],
    ["one success brings it up again", {}, "SFFFS", "UUUDU"],
    ["success retries count in a row", { successRetries: 3 }, "SFFFSSFSSS", "UUUDDDDDDU"],
    ["failure retries count inside the last retries", { failureRetries: 2 }, "SFSFS", "UUUDU"],
    ["failures too far apart do not count", { failureRetries: 2 }, "SFSSFSSF", "UUUUUUUU"],
    ["the window begins anew with UP", { failureRetries: 2 }, "FFFSFSSF", "--DUUUUU"],
    ["from unknown all retries must fail", { failureRetries: 2 }, "FF", "--"],
    ["retries 1 goes down at once", { retries: 1 }, "SFSF", "UDUD"],
    ["an agent fault is unknown and does not count", {}, "SFF?F?S", "UUU-D-U"],
    ["an agent fault while down", {}, "SFFF?F", "UUUD-D"],
  ] as const)("gives the expected opinions: %s", (_name, changes, results, opinions) => {
    expect(run({ ...DEFAULTS, ...changes }, results)).toBe(opinions);
  });

  test("waits the down time when DOWN, also after an agent fault", () => {
    let state: ReplicaState = initialReplica();
    const delays = [..."SFFF?S"].map((result) => {
      state = stepReplica(state, DEFAULTS, result === "?" ? null : result === "S");
      return nextDelayMs(state, DEFAULTS);
    });
    expect(nextDelayMs(initialReplica(), DEFAULTS)).toBe(5000);
    expect(delays).toEqual([5000, 5000, 5000, 30_000, 30_000, 5000]);
  });

  /** The rules once more, over the whole history instead of a state. */
  function oracle(parameters: ReplicaParameters, results: readonly boolean[]): string {
    let opinion = "unknown";
    let since = 0;
    for (let end = 1; end <= results.length; end += 1) {
      const seen = results.slice(since, end);
      const window = seen.slice(-parameters.retries);
      const failures = window.filter((passed) => !passed).length;
      const needed =
        parameters.failureRetries === 0 ? parameters.retries : parameters.failureRetries;
      const allFailed = window.length === parameters.retries && failures === window.length;
      const successes = seen.slice(-parameters.successRetries);
      const allPassed =
        successes.length === parameters.successRetries && successes.every((passed) => passed);
      let next = opinion;
      if (opinion === "unknown" && seen.at(-1) === true) {
        next = "up";
      } else if (opinion === "unknown" && allFailed) {
        next = "down";
      } else if (opinion === "up" && failures >= needed) {
        next = "down";
      } else if (opinion === "down" && allPassed) {
        next = "up";
      }
      if (next !== opinion) {
        opinion = next;
        since = end;
      }
    }
    return opinion;
  }

  test("agrees with the rules applied to the whole history", () => {
    const parameters = fc
      .record({
        retries: fc.integer({ min: 1, max: 7 }),
        failureRetries: fc.integer({ min: 0, max: 6 }),
        successRetries: fc.integer({ min: 1, max: 5 }),
      })
      .filter(({ retries, failureRetries }) => failureRetries < retries);
    fc.assert(
      fc.property(parameters, fc.array(fc.boolean(), { maxLength: 60 }), (chosen, results) => {
        const full = { ...DEFAULTS, ...chosen };
        let state = initialReplica();
        results.forEach((passed, index) => {
          state = stepReplica(state, full, passed);
          expect(state.opinion).toBe(oracle(full, results.slice(0, index + 1)));
          expect(state.recent.length).toBeLessThanOrEqual(7);
        });
      }),
      { numRuns: 500 },
    );
  });
});
