import { setMaxListeners } from "node:events";
import type { Config } from "../config/schema.ts";
import { aborted, atMost, pause, startTimer } from "../lib/timers.ts";
import { isCutOff } from "../net/control.ts";
import { resolveOnce, networkOf } from "../agent/import-once.ts";
import { idleSettings } from "../agent/plan/plan.ts";
import { planSettings } from "../agent/plan/settings.ts";
import type { ConfigProblem } from "../config/problems.ts";
import type { ProbeRunner } from "../agent/probe-runner.ts";
import { WitnessState } from "../agent/records/witness-state.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { readSince, restoreSince } from "../agent/kept-state.ts";
import { REPLICA_RETRY_MS, probeAll } from "./run-probes.ts";
import { accountKeeperForCommand, probeRunnerForCommand } from "./command-context.ts";
import { AdcRound, recognisedExchange, type RoundOptions } from "./adc-round.ts";

interface CompareOptions extends RoundOptions {
  readonly declarations: Declarations;
  /** Mismatches are probed again until they are gone, or for this long. */
  readonly waitMs: number;
  /** Aborts the command, with logouts from all ADCs. */
  readonly interrupted?: AbortSignal;
}

type CompareResult =
  | {
      readonly kind: "compared";
      readonly state: WitnessState;
      /** Runs and exclusions of the configuration that select nothing in any estate. */
      readonly idle: readonly ConfigProblem[];
    }
  | { readonly kind: "failed"; readonly message: string };

/** Deadlines of the phases: probes, then polls of the ADC, then logouts. */
interface Deadlines {
  readonly probesMs: number;
  readonly pollsMs: number;
  readonly allMs: number;
}

function deadlines(allMs: number): Deadlines {
  const logoutMs = Math.min(2_000, allMs * 0.1);
  const lastPollMs = Math.min(10_000, allMs * 0.2);
  const pollsMs = allMs - logoutMs;
  return { probesMs: pollsMs - lastPollMs, pollsMs, allMs };
}

/**
 * One round over all estates. Every replica starts as unknown and probes until its state machine decides; every transaction
 * runs until it has passed once or failed twice. Each ADC is polled after its probes, so that its state is newer. The round
 * ends in time: an ADC that does not respond fails alone (`LiveAdc.lastError`), and does not hide mismatches of others.
 */
export async function compareOnce(options: CompareOptions): Promise<CompareResult> {
  const { config, interrupted } = options;
  const limits = deadlines(options.timeoutMs + options.waitMs);
  const startedAt = performance.now();
  const probing = new AbortController();
  // Every running probe adds a listener, so the default limit of ten does not apply.
  setMaxListeners(0, probing.signal);
  const over = new AbortController();
  const timers = [
    startTimer(limits.probesMs, () => probing.abort()),
    startTimer(limits.pollsMs, () => over.abort()),
  ];
  interrupted?.addEventListener("abort", () => {
    probing.abort();
    over.abort();
  });
  const network = networkOf(config);
  const state = new WitnessState({
    agent: config.agent,
    stabilityMs: config.maintenance.stabilityMs,
    overdueAfterMs: config.maintenance.overdueAfterMs,
    declarations: options.declarations,
    grace: "single_look",
    now: Date.now,
  });
  const keeper = await accountKeeperForCommand(config);
  state.suspendedAccounts = keeper.suspended();
  const rounds = config.adcs.map((adc) => new AdcRound(adc, options, state, network, keeper));
  over.signal.addEventListener("abort", () => {
    rounds.forEach((round) => void round.link.close());
  });
  try {
    const runner = probeRunnerForCommand(config, network, probing.signal, keeper);
    await untilAborted(over.signal, async () => {
      state.cutOff = await isCutOff(config.controlTargets, network, 3_000);
      const resolved = await resolveOnce(config, network);
      await Promise.all(
        rounds.map((round) => round.importAndProbe(resolved, runner, probing.signal)),
      );
    });
    rounds.forEach((round) => round.failIfUnfinished());
    restoreSince(state, await readSince(config.stateDir), Date.now());
    state.evaluateAll();
    await untilAborted(over.signal, () =>
      recheckMismatches(options, state, runner, rounds, probing.signal),
    );
    return interrupted?.aborted === true
      ? { kind: "failed", message: "interrupted" }
      : { kind: "compared", state, idle: idleSettingsOf(state, config) };
  } finally {
    timers.forEach((timer) => timer.cancel());
    probing.abort();
    const leftMs = startedAt + limits.allMs - performance.now();
    const loggedOut = Promise.all(rounds.map((round) => round.link.close()));
    await atMost(Math.max(100, leftMs), loggedOut);
  }
}

/** Resolves when the work is done or at the time limit; unfinished work is abandoned. */
async function untilAborted(over: AbortSignal, work: () => Promise<void>): Promise<void> {
  if (over.aborted) {
    return;
  }
  await Promise.race([work(), aborted(over)]);
}

function idleSettingsOf(state: WitnessState, config: Config): readonly ConfigProblem[] {
  const planned = config.adcs.flatMap((adc) => {
    const records = state.recordsOf(adc.name);
    const settings = planSettings(config, adc, new Map());
    return records === null
      ? []
      : [{ estate: records.estate, settings, learned: recognisedExchange(records.probes) }];
  });
  // It may be in the part that was not imported.
  return planned.length === config.adcs.length ? idleSettings(config, planned) : [];
}

/** With `--wait`: probes mismatches again until there are none or the time is over. */
async function recheckMismatches(
  options: CompareOptions,
  state: WitnessState,
  runner: ProbeRunner,
  rounds: readonly AdcRound[],
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + options.waitMs;
  while (performance.now() < until && !signal.aborted) {
    const members = state.members.filter(
      (member) => member.mismatch || member.verdict === "settling",
    );
    const vservers = state.vservers.filter((each) => each.mismatch || each.verdict === "settling");
    if (members.length === 0 && vservers.length === 0) {
      return;
    }
    await pause(REPLICA_RETRY_MS, signal);
    const again = new Set([...members, ...vservers].flatMap((each) => each.probes));
    await probeAll([...again], state, runner, signal);
    await Promise.all(rounds.map((round) => round.poll()));
    // A common failure behind every front end is only visible over all of them.
    state.evaluateAll();
  }
}
