import { describe, expect, test } from "vitest";
import {
  freshForMs,
  freshUntil,
  isFresh,
  initialReplica,
  replicaOpinionAt,
  stepReplica,
} from "../../src/verdict/replica.ts";

const PARAMETERS = {
  retries: 2,
  failureRetries: 0,
  successRetries: 1,
  intervalMs: 5_000,
  downTimeMs: 30_000,
};

describe("freshness", () => {
  test("isFresh is true for three intervals after a result", () => {
    expect(isFresh(1_000, 16_000, 5_000)).toBe(true);
    expect(isFresh(1_000, 16_001, 5_000)).toBe(false);
    expect(freshUntil(1_000, 5_000)).toBe(16_000);
  });

  test("isFresh is false, and freshUntil endless, when there is no result", () => {
    expect(isFresh(null, 0, 5_000)).toBe(false);
    expect(freshUntil(null, 5_000)).toBe(Infinity);
  });

  test("freshForMs is at least five seconds when the interval is short", () => {
    expect(freshForMs(20)).toBe(5_000);
  });
});

describe("replicaOpinionAt", () => {
  test("is unknown after three intervals without a result when UP", () => {
    const up = stepReplica(initialReplica(), PARAMETERS, true);
    expect(replicaOpinionAt(up, PARAMETERS, 0, 15_000)).toBe("up");
    expect(replicaOpinionAt(up, PARAMETERS, 0, 15_001)).toBe("unknown");
  });

  test("is unknown after three down times without a result when DOWN", () => {
    const failing = stepReplica(initialReplica(), PARAMETERS, false);
    const down = stepReplica(failing, PARAMETERS, false);
    expect(replicaOpinionAt(down, PARAMETERS, 0, 90_000)).toBe("down");
    expect(replicaOpinionAt(down, PARAMETERS, 0, 90_001)).toBe("unknown");
  });
});
