import { expect, test } from "vitest";
import { createAttemptLimit } from "../../src/web/http/access.ts";

function limit(maxKeys = 100) {
  const clock = { ms: 0 };
  const made = createAttemptLimit({
    burst: 2,
    refillMs: 1_000,
    maxKeys,
    monotonic: () => clock.ms,
  });
  return { ...made, clock };
}

test("createAttemptLimit › permits a burst, then one attempt per refill time", () => {
  const { take, clock } = limit();
  expect([take("a"), take("a"), take("a")]).toEqual([true, true, false]);
  clock.ms = 999;
  expect(take("a")).toBe(false);
  clock.ms = 1_500;
  expect([take("a"), take("a")]).toEqual([true, false]);
});

test("createAttemptLimit › counts each key separately and saves up no more than a burst", () => {
  const { take, clock } = limit();
  take("a");
  take("a");
  expect(take("b")).toBe(true);
  clock.ms = 3_600_000;
  expect([take("a"), take("a"), take("a")]).toEqual([true, true, false]);
});

test("createAttemptLimit › counts no attempt that was refunded", () => {
  const { take, refund } = limit();
  for (let times = 0; times < 10; times += 1) {
    expect(take("a")).toBe(true);
    refund("a");
  }
  refund("a");
  refund("a");
  expect([take("a"), take("a"), take("a")]).toEqual([true, true, false]);
});

test("createAttemptLimit › keeps a limited number of keys and drops the least active first", () => {
  const { take, size } = limit(3);
  for (const key of ["a", "a", "b", "c", "a", "d"]) {
    take(key);
  }
  expect(size()).toBe(3);
  expect(take("a")).toBe(false);
  for (let index = 0; index < 10_000; index += 1) {
    take(String(index));
  }
  expect(size()).toBe(3);
});
