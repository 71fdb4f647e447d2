import { expect, test } from "vitest";
import { coalesce } from "../../src/lib/pacing.ts";

/** Work whose runs the test ends. */
function runs() {
  const ends: { resolve: (value: number) => void; reject: (error: Error) => void }[] = [];
  const work = () =>
    new Promise<number>((resolve, reject) => {
      ends.push({ resolve, reject });
    });
  return { ends, work };
}

test("coalesce › shares one waiting run among all calls made during a run", async () => {
  const { ends, work } = runs();
  const ask = coalesce(work, 0);
  const first = ask();
  const others = Array.from({ length: 300 }, () => ask());
  expect(ends).toHaveLength(1);
  ends[0]?.resolve(1);
  expect(await first).toBe(1);
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve(2);
  expect(new Set(await Promise.all(others))).toEqual(new Set([2]));
  expect(ends).toHaveLength(2);
});

test("coalesce › continues after a run that was rejected", async () => {
  const { ends, work } = runs();
  const ask = coalesce(work, 0);
  const first = ask();
  const second = ask();
  ends[0]?.reject(new Error("a mistake"));
  await expect(first).rejects.toThrow("a mistake");
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.resolve(2);
  expect(await second).toBe(2);
  const third = ask();
  ends[2]?.resolve(3);
  expect(await third).toBe(3);
});

test("coalesce › starts a waiting run no sooner than the minimum gap after the previous one", async () => {
  const begun: number[] = [];
  const ask = coalesce(async () => void begun.push(performance.now()), 200);
  await Promise.all([ask(), ask(), ask()]);
  expect(begun).toHaveLength(2);
  // Node's timers may fire up to a millisecond early.
  expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(199);
  await ask();
  expect(begun).toHaveLength(3);
});
