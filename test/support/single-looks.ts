import { expect } from "vitest";
import { readMaintenanceWindows } from "../../src/agent/kept-state.ts";
import { compareOnce } from "../../src/change/compare.ts";
import { pause } from "../../src/lib/timers.ts";
import type { LiveProbe, LiveState } from "../../src/model/live.ts";
import { until, type LabAgent } from "./lab-agent.ts";

/** Verdicts by row; those that settle are left out, as they depend on time. */
export function verdictsIn(state: LiveState): ReadonlyMap<string, string> {
  const rows = [
    ...state.members.map((row) => [`${row.adcService} ${row.server}`, row.verdict] as const),
    ...state.vservers.map((row) => [row.vserver, row.verdict] as const),
  ];
  return new Map(rows.filter(([, verdict]) => verdict !== "settling"));
}

/** `stateDir`: another than the agent's, whose accounts back off from what it knows to be broken. */
export async function singleLook(
  { service }: Pick<LabAgent, "service">,
  stateDir: string | null,
): Promise<LiveState> {
  const { config: shared } = service.agent;
  const config = stateDir === null ? shared : { ...shared, stateDir };
  const { declarations } = await readMaintenanceWindows(config);
  const looked = await compareOnce({
    config,
    server: null,
    declarations,
    timeoutMs: 120_000,
    waitMs: 0,
  });
  if (looked.kind === "failed") {
    throw new Error(looked.message);
  }
  return looked.state;
}

/** Vservers that send some of their clients to a server that fails: whether a look meets that one is chance. */
function servingByChance(state: LiveState): ReadonlySet<string> {
  const leaks: readonly string[] = ["false_up", "blind_monitor", "routes_to_maintenance"];
  return new Set(
    state.members.flatMap(({ verdict, vservers }) => (leaks.includes(verdict) ? vservers : [])),
  );
}

/**
 * Rows of which the agent knows nothing any more because its logins wait for those of the looks, which use the same account:
 * when it gets its turn is a matter of time.
 */
function waitingForLogins(state: LiveState): ReadonlySet<string> {
  return new Set(
    state.members
      .filter(({ verdict, probes }) => verdict === "unknown" && probes.some(isOutdatedLogin))
      .map((row) => `${row.adcService} ${row.server}`),
  );
}

function isOutdatedLogin({ account, outdated }: LiveProbe): boolean {
  return account !== null && outdated === true;
}

/** A row that a single look and the agent call by different verdicts. */
interface Difference {
  readonly row: string;
  readonly once: string;
  readonly watched: string;
}

const LOOKS = 10;
/** Runs single looks from different starts; each must give the agent's verdict for every row, except by chance and time. */
export async function compareWithSingleLooks(
  story: Pick<LabAgent, "service">,
  hold: (once: LiveState) => void,
  before: (look: number) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { state } = story.service.agent;
  for (let look = 0; look < LOOKS; look++) {
    // Probes, polls and the ADC's own monitors stand elsewhere each time.
    await pause(look * 370);
    await before(look);
    const once = await singleLook(story, null);
    hold(once);
    const differing = (): readonly Difference[] => {
      const watched = verdictsIn(state);
      const excused = new Set([...servingByChance(state), ...waitingForLogins(state)]);
      return [...verdictsIn(once)]
        .map(([row, verdict]) => ({ row, once: verdict, watched: watched.get(row) ?? verdict }))
        .filter((each) => each.watched !== each.once && !excused.has(each.row));
    };
    // An agent whose process stalled, as this busy one does, knows nothing of a row until its next probe.
    const differs = await until(
      "the agent knows again",
      differing,
      (rows) => rows.every(({ watched }) => watched !== "unknown"),
      90_000,
    );
    expect(differs).toEqual([]);
  }
}
