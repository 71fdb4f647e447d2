import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answersInTime } from "../../../src/adc/nitro/adc-session.ts";
import { EventLoopMonitor } from "../../../src/net/event-loop-monitor.ts";

// Time is the subject here: the timers are virtual, and so is the clock by which a hold shows.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Two nodes: the first says at once that it is the primary, the second what it says when it says it. */
function asked() {
  const clock = { now: 0 };
  let say: (word: string) => void = () => undefined;
  const second = new Promise<string>((resolve) => {
    say = resolve;
  });
  const told: { answers: readonly string[] | null } = { answers: null };
  void answersInTime(
    [Promise.resolve("primary"), second],
    (word) => word === "primary",
    new EventLoopMonitor(() => clock.now),
  ).then((answers) => {
    told.answers = answers;
  });
  return {
    told,
    say,
    pass: async (ms: number, heldMs = 0) => {
      clock.now += heldMs;
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

test("answers in time › leaves out a node that is silent for a second after the primary's answer", async () => {
  const { told, pass } = asked();
  await pass(999);
  expect(told.answers).toBeNull();
  await pass(1);
  expect(told.answers).toEqual(["primary"]);
});

test("answers in time › waits another second when our own event loop stalled", async () => {
  const { told, say, pass } = asked();
  await pass(500);
  await pass(500, 20_000);
  expect(told.answers).toBeNull();
  say("secondary");
  await pass(0);
  expect(told.answers).toEqual(["primary", "secondary"]);
});

test("answers in time › waits no longer than that second when the node stays silent", async () => {
  const { told, pass } = asked();
  await pass(500);
  await pass(500, 20_000);
  await pass(1_000);
  expect(told.answers).toEqual(["primary"]);
});
