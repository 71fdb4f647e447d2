import { getEventListeners } from "node:events";
import { types } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { atMost, MAX_TIMER_MS, pause, startDeadline, startTimer } from "../../src/lib/timers.ts";

const HOURS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("startTimer", () => {
  test.each([0, 1, 15_000, MAX_TIMER_MS, MAX_TIMER_MS + 1, 600 * HOURS, 8_760 * HOURS])(
    "fires once, after %i ms",
    (delayMs) => {
      let fired = 0;
      startTimer(delayMs, () => {
        fired += 1;
      });
      vi.advanceTimersByTime(Math.max(0, delayMs - 1));
      expect(fired).toBe(delayMs === 0 ? 1 : 0);
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
      vi.advanceTimersByTime(2 * MAX_TIMER_MS);
      expect(fired).toBe(1);
    },
  );

  test.each([5, 600 * HOURS])("never fires when cancelled during %i ms", (delayMs) => {
    let fired = 0;
    const timer = startTimer(delayMs, () => {
      fired += 1;
    });
    vi.advanceTimersByTime(delayMs - 1);
    timer.cancel();
    vi.advanceTimersByTime(2 * MAX_TIMER_MS);
    timer.cancel();
    expect(fired).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("pause", () => {
  test("resolves after its time", async () => {
    const done = pause(600 * HOURS).then(() => "over");
    await vi.advanceTimersByTimeAsync(600 * HOURS);
    expect(await done).toBe("over");
  });

  test("resolves at once and leaves no timer when the signal is aborted", async () => {
    const abort = new AbortController();
    const done = pause(600 * HOURS, abort.signal);
    abort.abort();
    await done;
    await pause(600 * HOURS, abort.signal);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("atMost", () => {
  test("resolves and leaves no timer when the work ends first", async () => {
    await atMost(600 * HOURS, Promise.resolve());
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rejects and leaves no timer when the work does", async () => {
    await expect(atMost(600 * HOURS, Promise.reject(new Error("broken")))).rejects.toThrow(
      "broken",
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  test("resolves after its time when the work does not end", async () => {
    const done = atMost(600 * HOURS, new Promise(() => undefined)).then(() => "over");
    await vi.advanceTimersByTimeAsync(600 * HOURS);
    expect(await done).toBe("over");
  });

  test("resolves and leaves no timer when the signal is aborted", async () => {
    const abort = new AbortController();
    const done = atMost(600 * HOURS, new Promise(() => undefined), abort.signal);
    abort.abort();
    await done;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("resolves at once when the signal is aborted already", async () => {
    await atMost(600 * HOURS, new Promise(() => undefined), AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves nothing at a signal that outlives it", async () => {
    const { signal } = new AbortController();
    await atMost(600 * HOURS, Promise.resolve(), signal);
    // AbortSignal.any would leave an entry in a list that Node keeps at the signal.
    const lists = Object.getOwnPropertySymbols(signal).map(
      (symbol): unknown => Object.getOwnPropertyDescriptor(signal, symbol)?.value,
    );
    expect(lists.filter(types.isSet)).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("startDeadline", () => {
  test("aborts its signal after its time", async () => {
    const deadline = startDeadline(600 * HOURS);
    await vi.advanceTimersByTimeAsync(600 * HOURS - 1);
    expect(deadline.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(deadline.signal.aborted).toBe(true);
  });

  test.each(["before", "after"])("aborts its signal when the other is aborted %s it", (when) => {
    const other = new AbortController();
    if (when === "before") {
      other.abort();
    }
    const deadline = startDeadline(600 * HOURS, other.signal);
    other.abort();
    expect(deadline.signal.aborted).toBe(true);
    deadline.end();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("leaves no timer and no listener when it has ended", () => {
    const { signal } = new AbortController();
    startDeadline(600 * HOURS, signal).end();
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
