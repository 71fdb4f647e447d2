import type { Lab } from "../../lab/lab.ts";
import type { Declare, ScenarioStep } from "../../lab/scenario.ts";
import { pause } from "../lib/timers.ts";
import type { LiveState } from "../model/live.ts";
import type { NextStep, StoryEvent } from "./demo-screen.ts";

/** Maximum wait for verdicts before the story begins. */
const VERDICT_TIMEOUT_MS = 90_000;
/** Pause with no problems before a story is repeated. */
const ALL_WELL_FOR_MS = 45_000;
const POLL_EVERY_MS = 250;

/** Plays the scenario of a lab once every row has a verdict. */
export class Story {
  readonly #lab: Pick<Lab, "scenario" | "play">;
  readonly #steps: readonly ScenarioStep[];
  readonly #repeats: boolean;
  readonly #ended: AbortSignal;
  readonly #startedAt = performance.now();
  readonly #events: StoryEvent[] = [];
  /** Null: not started. */
  #begunAt: number | null = null;
  #stepsDone = 0;

  constructor(lab: Pick<Lab, "scenario" | "play">, wantsLoop: boolean, ended: AbortSignal) {
    this.#lab = lab;
    this.#steps = lab.scenario.steps.toSorted((a, b) => a.atMs - b.atMs);
    this.#repeats = wantsLoop && lab.scenario.isToldOnce !== true;
    this.#ended = ended;
  }

  /** All events so far, oldest first. */
  get events(): readonly StoryEvent[] {
    return this.#events;
  }

  get sinceStartMs(): number {
    return performance.now() - this.#startedAt;
  }

  next(state: LiveState): NextStep {
    const step = this.#steps[this.#stepsDone];
    if (this.#begunAt !== null && step !== undefined) {
      const inMs = Math.max(0, this.#begunAt + step.atMs - performance.now());
      return { kind: "step", inMs, text: step.text };
    }
    if (this.#begunAt === null) {
      return { kind: "judging", unjudged: unjudgedRows(state) };
    }
    return { kind: this.#repeats ? "again" : "over" };
  }

  /** Resolves when the story ends or is stopped; never ends by itself with --loop. Rejects if a step fails. */
  async run(state: LiveState, declare: Declare): Promise<void> {
    do {
      await this.#allJudged(state);
      if (this.#ended.aborted) {
        return;
      }
      this.#stepsDone = 0;
      this.#begunAt = performance.now();
      const run = this.#lab.play(({ text }) => {
        this.#stepsDone += 1;
        this.#events.push({ atMs: this.sinceStartMs, text });
      }, declare);
      this.#ended.addEventListener("abort", run.stop, { once: true });
      await run.finished;
      if (this.#repeats) {
        await this.#allJudged(state);
        await pause(ALL_WELL_FOR_MS, this.#ended);
      }
    } while (this.#repeats && !this.#ended.aborted);
  }

  async #allJudged(state: LiveState): Promise<void> {
    const deadline = performance.now() + VERDICT_TIMEOUT_MS;
    while (unjudgedRows(state) > 0 && !this.#ended.aborted && performance.now() < deadline) {
      await pause(POLL_EVERY_MS, this.#ended);
    }
  }
}

/** Number of rows without a final verdict; rows of an ADC that does not answer never get one. */
function unjudgedRows({ members, vservers, adcs }: LiveState): number {
  const unheard = new Set(adcs.filter(({ up }) => up === false).map(({ name }) => name));
  return [...members, ...vservers].filter(
    ({ adc, verdict }) => verdict === "settling" || (verdict === "unknown" && !unheard.has(adc)),
  ).length;
}
