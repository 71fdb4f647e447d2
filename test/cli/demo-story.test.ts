import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { playScenario, type Scenario, type ScenarioWorld } from "../../lab/scenario.ts";
import { Story } from "../../src/cli/demo-story.ts";
import { aLiveState, aMember, anAdc } from "../support/live-state.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The steps ask nothing of the lab here. */
const NO_WORLD = Object.create(null) as ScenarioWorld;

function theScenario(facts: Partial<Scenario> = {}): Scenario {
  const step = (atMs: number, text: string) => ({ atMs, text, run: () => undefined });
  return {
    name: "two steps",
    about: "Away and back.",
    named: null,
    steps: [step(8_000, "ex02 leaves"), step(60_000, "ex02 is back")],
    ...facts,
  };
}

function playing(scenario: Scenario) {
  return {
    scenario,
    play: (tell: Parameters<typeof playScenario>[2]["tell"] = () => undefined) =>
      playScenario(scenario, NO_WORLD, { timeScale: 1, tell }),
  };
}

const JUDGED = aLiveState({ members: [aMember()], adcs: [anAdc({ name: "prod", up: true })] });

test.each([
  [{}, ["ex02 leaves", "ex02 is back", "ex02 leaves", "ex02 is back"]],
  [{ isToldOnce: true as const }, ["ex02 leaves", "ex02 is back"]],
])(
  "Story › begins a second round when all has been well for a while, unless it is told once: %j",
  async (facts, twoRounds) => {
    const ending = new AbortController();
    const story = new Story(playing(theScenario(facts)), true, ending.signal);
    const ended = story.run(JUDGED, () => Promise.resolve());
    await vi.advanceTimersByTimeAsync(61_000);
    expect(story.events.map(({ text }) => text)).toEqual(["ex02 leaves", "ex02 is back"]);
    expect(story.next(JUDGED).kind).toBe("isToldOnce" in facts ? "over" : "again");
    // 45 s in which all is well, then the steps once more.
    await vi.advanceTimersByTimeAsync(45_000 + 61_000);
    expect(story.events.map(({ text }) => text)).toEqual(twoRounds);
    ending.abort();
    await ended;
    await vi.advanceTimersByTimeAsync(300_000);
    expect(story.events).toHaveLength(twoRounds.length);
  },
);

test("Story › counts down to the next step of the current round", async () => {
  const ending = new AbortController();
  const story = new Story(playing(theScenario()), true, ending.signal);
  const ended = story.run(JUDGED, () => Promise.resolve());
  await vi.advanceTimersByTimeAsync(60_000 + 45_000 + 3_000);
  expect(story.next(JUDGED)).toMatchObject({ kind: "step", text: "ex02 leaves" });
  ending.abort();
  await ended;
});
