import type { Named, ScenarioRun } from "../../lab/scenario.ts";
import { scenario, type ScenarioName } from "../../lab/scenarios.ts";
import { declareAt, tokenFileOf } from "../../src/cli/lab-config.ts";
import type { LiveMember, LiveState, LiveVserver } from "../../src/model/live.ts";
import { until, withLabAgent, type LabAgent } from "./lab-agent.ts";
import { partOfDemo } from "./part-of-demo.ts";

/** A scenario of the demo as it runs, on the part of the estate that it concerns. */
export interface Story extends LabAgent {
  readonly member: (adcService: string, server: string) => LiveMember;
  readonly vserver: (name: string) => LiveVserver;
  /** Waits until every member and vserver is well. */
  readonly allWell: () => Promise<void>;
  /** Takes the scenario's step; the others follow in the script's own time. */
  readonly change: () => Promise<void>;
  /** Whether the script has taken its last step. */
  readonly isOver: () => boolean;
  /** Stops the script: nothing changes any more. */
  readonly hold: () => void;
}

/** Runs a scenario on its part of the demo; its change comes as soon as `change` is called. */
export async function withStory(
  name: ScenarioName,
  groups: readonly string[],
  use: (story: Story) => Promise<void>,
): Promise<void> {
  const whole = scenario(name);
  const changeAtMs = whole.steps[1]?.atMs ?? 0;
  const steps = whole.steps.map((step) => ({ ...step, atMs: Math.max(0, step.atMs - changeAtMs) }));
  const options = { scenario: { ...whole, steps }, confText: partOfDemo({ groups }) };
  await withLabAgent(options, async (world) => {
    const { state } = world.service.agent;
    let run: ScenarioRun | null = null;
    await use({
      ...world,
      member: (adcService, server) =>
        known(
          state.members.find((each) => each.adcService === adcService && each.server === server),
        ),
      vserver: (vserver) => known(state.vservers.find((each) => each.vserver === vserver)),
      allWell: async () => {
        await until(
          `${name}: all is well`,
          () => [
            ...state.members.map((each) => `${each.server} ${each.verdict} ${each.replica}`),
            ...state.vservers.map((each) => `${each.vserver} ${each.verdict}`),
          ],
          (seen) => seen.every((each) => /agree_up( up)?$|vip_protected$/.test(each)),
          90_000,
        );
      },
      change: async () => {
        const played = world.lab.play(
          undefined,
          declareAt(world.url, tokenFileOf(world.directory)),
        );
        run = played;
        await until(
          `${name}: the change`,
          () => played.done().length,
          (done) => done >= Math.min(2, steps.length),
          30_000,
        );
      },
      isOver: () => run?.done().length === steps.length,
      hold: () => run?.stop(),
    });
  });
}

/** What must be there. */
export function known<T>(found: T | undefined): T {
  if (found === undefined) {
    throw new Error("not in the estate");
  }
  return found;
}

/**
 * Waits for the verdict, and then until all of this is so beside it: a probe that this busy process held says nothing, and
 * the next one does.
 */
export async function becomes(
  what: string,
  look: () => LiveMember | LiveVserver,
  verdict: string | null,
  deadlineMs: number,
  beside: object = {},
): Promise<void> {
  const wait = async (expected: object, ms: number): Promise<void> => {
    await until(
      `${what}: ${JSON.stringify(expected)}`,
      () => {
        const now = look();
        const names = Object.keys(expected);
        return Object.fromEntries(names.map((name) => [name, Reflect.get(now, name) as unknown]));
      },
      (seen) => JSON.stringify(seen) === JSON.stringify(expected),
      ms,
    );
  };
  const said = verdict === null ? {} : { verdict };
  await wait(said, deadlineMs);
  await wait({ ...said, ...beside }, 90_000);
}

/** What a story names; null where it is a finding. */
export function subject(state: LiveState, of: Named["of"]): LiveMember | LiveVserver | null {
  if (of === null) {
    return null;
  }
  return known<LiveMember | LiveVserver>(
    "vserver" in of
      ? state.vservers.find(({ vserver }) => vserver === of.vserver)
      : state.members.find(
          ({ adcService, server }) => adcService === of.adcService && server === of.server,
        ),
  );
}

/** For a test that tells a story. */
export const STORY_LIMIT = { timeout: 400_000 };
