import { setMaxListeners } from "node:events";
import type { AdcConfig, Config } from "../config/schema.ts";
import { nitroAccount, type AccountKeeper } from "../agent/accounts/account-keeper.ts";
import { pause, startTimer } from "../lib/timers.ts";
import { AdcLink, distinctGaps } from "../agent/adc-watch.ts";
import { isCutOff } from "../net/control.ts";
import { resolveOnce, networkOf } from "../agent/import-once.ts";
import type { ResolvedNames } from "../agent/public-names.ts";
import { planProbes } from "../agent/plan/plan.ts";
import { matchesPattern } from "../agent/plan/pattern.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import { planSettings } from "../agent/plan/settings.ts";
import { SecretBindings } from "../agent/secret-bindings.ts";
import type { Estate } from "../model/estate.ts";
import { ProbeRunner } from "../agent/probe-runner.ts";
import { buildRecords } from "../agent/records/build-records.ts";
import type { ProbeRecord } from "../agent/records/probe-record.ts";
import { WitnessState } from "../agent/records/witness-state.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { readSince, restoreSince } from "../agent/since-store.ts";
import type { Network } from "../net/network.ts";
import { keeperOf } from "../agent/accounts/open-keeper.ts";

/** Probes at a time: enough for a large estate in a minute, few enough for any server. */
const AT_ONCE = 64;
/** Failing replicas are tried again at most this far apart. */
const REPLICA_RETRY_MS = 1_000;

interface CompareOptions {
  readonly config: Config;
  /** Server name or pattern: only members on it, and their vservers. Null: all. */
  readonly server: string | null;
  readonly declarations: Declarations;
  /** Everything must have ended by then; what has not is unknown. */
  readonly timeoutMs: number;
  /** Mismatches are looked at again until they are gone, or until so much time has passed. */
  readonly waitMs: number;
  /** The command is to end at once, logged out of every ADC. */
  readonly interrupted?: AbortSignal;
}

type CompareResult =
  | { readonly kind: "compared"; readonly state: WitnessState }
  | { readonly kind: "failed"; readonly message: string };

/**
 * One round over an estate, now: every replica starts from unknown and probes until its state machine decides, every
 * transaction until it has failed twice or passed once. The ADC is asked after the probes, so that its word is the newer.
 */
export async function compareOnce(options: CompareOptions): Promise<CompareResult> {
  const { config } = options;
  const abort = new AbortController();
  // Every probe in flight listens, and there is no sensible number to warn at.
  setMaxListeners(0, abort.signal);
  const deadline = startTimer(options.timeoutMs + options.waitMs, () => {
    abort.abort();
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
  const keeper = await commandKeeper(config);
  const spent: Exchange[] = [];
  const links = config.adcs.map(
    (adc) =>
      new AdcLink({
        config: adc,
        network,
        ...(adc.nitro === null
          ? {}
          : { loginGate: keeper.nitroGate(nitroAccount(adc.name, adc.nitro)) }),
        events: { adcRequest: (request) => spent.push(request) },
        now: Date.now,
        monotonic: () => performance.now(),
        wantsConnections: () => false,
      }),
  );
  const closeLinks = (): void => {
    for (const link of links) {
      void link.close();
    }
  };
  options.interrupted?.addEventListener("abort", () => {
    abort.abort();
    closeLinks();
  });
  try {
    const runner = singleRoundRunner(config, network, abort.signal, keeper);
    state.cutOff = await isCutOff(config.controlTargets, network, 3_000);
    const resolved = await resolveOnce(config, network);
    abort.signal.addEventListener("abort", closeLinks);
    for (const link of links) {
      const failure = await importInto(state, options, link, resolved, keeper);
      if (failure !== null) {
        const late = abort.signal.aborted && options.interrupted?.aborted !== true;
        const message = late ? lateImport(link.name, options.timeoutMs, spent) : failure;
        return { kind: "failed", message };
      }
    }
    abort.signal.removeEventListener("abort", closeLinks);
    await probeAll(state.probes, state, runner, abort.signal);
    const stored = await readSince(config.stateDir);
    await pollAll(links, state);
    restoreSince(state, stored, Date.now());
    state.evaluateAll();
    await recheck(options, state, runner, links, abort.signal);
    if (options.interrupted?.aborted === true) {
      return { kind: "failed", message: "interrupted" };
    }
    return { kind: "compared", state };
  } finally {
    deadline.cancel();
    await Promise.all(links.map((link) => link.close()));
  }
}

interface Exchange {
  readonly adc: string;
  readonly node: string;
  readonly durationMs: number;
}

/** What ate the time of an import that did not end within `--timeout`. */
function lateImport(adc: string, timeoutMs: number, spent: readonly Exchange[]): string {
  const own = spent.filter((exchange) => exchange.adc === adc);
  const totalMs = own.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  const slow =
    own.length === 0
      ? "no answer of NITRO came"
      : `NITRO answered ${String(own.length)} requests in ${seconds(totalMs)} s, ${seconds(totalMs / own.length)} s each`;
  return `${adc}: the import did not end within ${seconds(timeoutMs)} s (--timeout): ${slow}`;
}

async function importInto(
  state: WitnessState,
  { config, server }: CompareOptions,
  link: AdcLink,
  resolved: ResolvedNames,
  keeper: AccountKeeper,
): Promise<string | null> {
  const adc = config.adcs.find((each) => each.name === link.name);
  const read = await link.readEstate();
  if (adc === undefined || read.kind === "failed") {
    return `${link.name}: ${read.kind === "failed" ? read.message : "not configured"}`;
  }
  state.addAdc(adc.name, { nitro: adc.nitro !== null, pollMs: 0 });
  state.setAdcLive(adc.name, { gaps: read.gaps });
  const plan = await planForCommand(read.estate, config, adc, resolved, keeper);
  const wanted =
    server === null
      ? plan
      : plan.filter((probe) => probe.server === null || matchesPattern(server, probe.server));
  const records = buildRecords(
    read.estate,
    wanted,
    {
      pollMs: 0,
      vservers: config.vservers,
      resolved,
      now: Date.now,
      // All of it is one look, however long that takes: nothing in it grows stale.
      monotonic: () => 0,
    },
    null,
  );
  const members = records.members.filter(
    (member) => server === null || matchesPattern(server, member.server),
  );
  const names = new Set(members.flatMap((member) => member.vservers));
  state.setRecords(adc.name, {
    ...records,
    members,
    vservers: records.vservers.filter((each) => server === null || names.has(each.vserver)),
    probes: records.probes.filter(
      (probe) => server === null || probe.vserver === "" || names.has(probe.vserver),
    ),
  });
  return null;
}

/** All probes until each has an opinion, a bounded number at a time. */
async function probeAll(
  probes: readonly ProbeRecord[],
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
): Promise<void> {
  const waiting = probes.filter((probe) => probe.planned.action.run !== null);
  const workers = Array.from({ length: Math.min(AT_ONCE, waiting.length) }, async () => {
    for (let probe = waiting.shift(); probe !== undefined; probe = waiting.shift()) {
      await untilDecided(probe, state, runner, signal);
    }
  });
  await Promise.all(workers);
}

/** Runs one probe until it has an opinion, but no more often than it may take. */
async function untilDecided(
  probe: ProbeRecord,
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
): Promise<void> {
  const { action } = probe.planned;
  const tries = action.kind === "monitor" ? Math.max(action.monitor.retries, 1) : 2;
  for (let count = 1; count <= tries && !signal.aborted; count++) {
    const delayMs = await runner.run(probe, state);
    if (delayMs === null || probe.opinion !== "unknown" || saysNothingNow(probe)) {
      return;
    }
    if (count < tries) {
      const pauseMs =
        action.kind === "monitor" ? Math.min(REPLICA_RETRY_MS, probe.intervalMs) : delayMs;
      await pause(pauseMs, signal);
    }
  }
}

/** What is held back, or cannot be asked from here, will say nothing at once either; a hold of our own passes. */
function saysNothingNow({ last, lastPassed }: ProbeRecord): boolean {
  return lastPassed === null && last?.reason !== "agent_fault";
}

async function pollAll(links: readonly AdcLink[], state: WitnessState): Promise<void> {
  for (const link of links) {
    const estate = state.recordsOf(link.name)?.estate;
    if (estate === undefined) {
      continue;
    }
    const read = await link.poll(estate);
    if (read.kind === "state") {
      const imported = state.adcs.find(({ name }) => name === link.name)?.gaps ?? [];
      const gaps = distinctGaps([...imported, ...read.gaps]);
      state.setAdcLive(link.name, { up: true, lastPollAt: read.state.at, gaps });
    } else if (read.kind !== "none") {
      const splitBrain = read.kind === "lost" && read.splitBrain;
      state.setAdcLive(link.name, { up: false, lastError: read.message, splitBrain });
    }
    state.applyAdcPoll(link.name, read.kind === "state" ? read.state : null);
  }
}

/** With `--wait`: looks again at what disagrees, until nothing does or the time is over. */
async function recheck(
  options: CompareOptions,
  state: WitnessState,
  runner: ProbeRunner,
  links: readonly AdcLink[],
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
    await pollAll(links, state);
    // What fails alike behind every front end shows only over all of them.
    state.evaluateAll();
  }
}

/** A command is run by somebody, once: nothing starts it again and again, and its first login waits for nothing. */
export function commandKeeper(config: Config): Promise<AccountKeeper> {
  return keeperOf(config, 0);
}

/** What a command would probe, with the secrets that are bound to it: what is known of them is shared by state_dir. */
export async function planForCommand(
  estate: Estate,
  config: Config,
  adc: AdcConfig,
  resolved: ResolvedNames,
  keeper: AccountKeeper,
): Promise<readonly PlannedProbe[]> {
  const plan = planProbes(estate, planSettings(config, adc, resolved));
  return (await new SecretBindings().bind(plan, config.monitors, keeper)).plan;
}

/** Runs probes for a command, outside any agent, and yet with the leave of every account: gates are shared by state_dir. */
export function singleRoundRunner(
  config: Config,
  network: Network,
  signal: AbortSignal,
  keeper: AccountKeeper,
): ProbeRunner {
  return new ProbeRunner({
    network,
    signal,
    sourceAddresses: config.sourceAddresses,
    events: { probeFinished: () => undefined, loginEnded: () => undefined },
    keeper,
    now: Date.now,
    monotonic: () => performance.now(),
  });
}
