import { setMaxListeners } from "node:events";
import type { AdcConfig, Config } from "../config/schema.ts";
import { nitroAccount, type AccountKeeper, openKeeper } from "../agent/accounts/account-keeper.ts";
import { atMost, pause, startTimer } from "../lib/timers.ts";
import {
  AdcLink,
  distinctGaps,
  type AdcLinkOptions,
  type EstateRead,
  type StateRead,
} from "../agent/adc-watch.ts";
import { isCutOff } from "../net/control.ts";
import { resolveOnce, networkOf } from "../agent/import-once.ts";
import type { ResolvedNames } from "../agent/public-names.ts";
import { ownAddressesTowards } from "../agent/own-addresses.ts";
import { planProbes, idleSettings } from "../agent/plan/plan.ts";
import { matchesPattern, planSettings } from "../agent/plan/settings.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import { SecretBindings } from "../agent/secret-bindings.ts";
import type { Estate } from "../model/estate.ts";
import { isReplacedByExchangeLook } from "../agent/estate-registry.ts";
import { learnedKey, type LearnedExchange } from "../adc/recognise.ts";
import type { ConfigProblem } from "../config/problems.ts";
import { ProbeRunner } from "../agent/probe-runner.ts";
import { buildRecords } from "../agent/records/build-records.ts";
import type { ProbeRecord } from "../agent/records/probe-record.ts";
import { WitnessState } from "../agent/records/witness-state.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { readSince, restoreSince } from "../agent/kept-state.ts";
import type { Network } from "../net/network.ts";

/** Maximum number of concurrent probes: enough for a large estate in a minute, without overloading a server. */
const AT_ONCE = 64;
/** Share of the time limit for recognising servers and running all monitors. */
const LEARNING_SHARE = 0.25;
/** Maximum interval between retries of failing replicas. */
const REPLICA_RETRY_MS = 1_000;

interface CompareOptions {
  readonly config: Config;
  /** Server name or pattern: only members on it, and their vservers. Null: all. */
  readonly server: string | null;
  readonly declarations: Declarations;
  /** Time limit; what has not finished by then is unknown. */
  readonly timeoutMs: number;
  /** Mismatches are probed again until they are gone, or for this long. */
  readonly waitMs: number;
  /** Aborts the command, with logouts from all ADCs. */
  readonly interrupted?: AbortSignal;
  /** Receives all answers of the ADCs. */
  readonly listener?: AdcListener;
}

/** Receives the answers of ADCs, raw and parsed. */
export interface AdcListener {
  readonly answered: (
    adc: string,
    ...answered: Parameters<NonNullable<AdcLinkOptions["onAnswer"]>>
  ) => void;
  readonly imported: (adc: string, read: EstateRead) => void;
  readonly polled: (adc: string, read: StateRead) => void;
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
  readonly questionsMs: number;
  readonly allMs: number;
}

function deadlines(allMs: number): Deadlines {
  const logoutMs = Math.min(2_000, allMs * 0.1);
  const lastPollMs = Math.min(10_000, allMs * 0.2);
  const questionsMs = allMs - logoutMs;
  return { probesMs: questionsMs - lastPollMs, questionsMs, allMs };
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
    startTimer(limits.questionsMs, () => over.abort()),
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
  const keeper = await commandKeeper(config);
  state.suspendedAccounts = keeper.suspended();
  const rounds = config.adcs.map((adc) => new Round(adc, options, state, network, keeper));
  over.signal.addEventListener("abort", () => {
    rounds.forEach((round) => void round.link.close());
  });
  try {
    const runner = singleRoundRunner(config, network, probing.signal, keeper);
    await inTime(over.signal, async () => {
      state.cutOff = await isCutOff(config.controlTargets, network, 3_000);
      const resolved = await resolveOnce(config, network);
      await Promise.all(rounds.map((round) => round.look(resolved, runner, probing.signal)));
    });
    rounds.forEach((round) => round.end());
    restoreSince(state, await readSince(config.stateDir), Date.now());
    state.evaluateAll();
    await inTime(over.signal, () => recheck(options, state, runner, rounds, probing.signal));
    return interrupted?.aborted === true
      ? { kind: "failed", message: "interrupted" }
      : { kind: "compared", state, idle: idleIn(state, config) };
  } finally {
    timers.forEach((timer) => timer.cancel());
    probing.abort();
    const leftMs = startedAt + limits.allMs - performance.now();
    const loggedOut = Promise.all(rounds.map((round) => round.link.close()));
    await atMost(Math.max(100, leftMs), loggedOut);
  }
}

/** Resolves when the work is done or at the time limit; unfinished work is abandoned. */
async function inTime(over: AbortSignal, work: () => Promise<void>): Promise<void> {
  if (over.aborted) {
    return;
  }
  const ended = new Promise<void>((resolve) => {
    over.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([work(), ended]);
}

/** One ADC's part of the round. */
class Round {
  readonly link: AdcLink;
  readonly #adc: AdcConfig;
  readonly #options: CompareOptions;
  readonly #state: WitnessState;
  readonly #keeper: AccountKeeper;
  readonly #network: Network;
  readonly #spent: Exchange[] = [];
  #phase: "import" | "probes" | "poll" | "done" = "import";

  constructor(
    adc: AdcConfig,
    options: CompareOptions,
    state: WitnessState,
    network: Network,
    keeper: AccountKeeper,
  ) {
    this.#adc = adc;
    this.#options = options;
    this.#state = state;
    this.#keeper = keeper;
    this.#network = network;
    state.addAdc(adc.name, { nitro: adc.nitro !== null, pollMs: 0 });
    const { listener } = options;
    this.link = new AdcLink({
      config: adc,
      network,
      ...(adc.nitro === null
        ? {}
        : { loginGate: keeper.nitroGate(nitroAccount(adc.name, adc.nitro)) }),
      events: { adcRequest: (request) => this.#spent.push(request) },
      ...(listener === undefined
        ? {}
        : {
            onAnswer: (...answered) => {
              listener.answered(adc.name, ...answered);
            },
          }),
      now: Date.now,
      monotonic: () => performance.now(),
      wantsConnections: () => false,
    });
  }

  async look(resolved: ResolvedNames, runner: ProbeRunner, probing: AbortSignal): Promise<void> {
    const read = await this.link.readEstate();
    this.#options.listener?.imported(this.#adc.name, read);
    if (this.#phase !== "import") {
      return;
    }
    if (read.kind === "failed") {
      this.#fail(read.message);
      return;
    }
    const { config } = this.#options;
    const { name } = this.#adc;
    const atOnce = Math.max(8, Math.floor(AT_ONCE / config.adcs.length));
    const ended = new Set<string>();
    const begin = async (learned: LearnedExchange, signal: AbortSignal): Promise<Pass> => {
      const plan = await planForCommand(
        read.estate,
        config,
        this.#adc,
        resolved,
        this.#keeper,
        this.#network,
        learned,
      );
      bringIn(this.#state, this.#options, name, read, plan, resolved);
      this.#phase = "probes";
      const probes = this.#state.recordsOf(name)?.probes ?? [];
      const fresh = probes.filter((probe) => !ended.has(probe.id) || isStillWaiting(probe));
      const run = (some: readonly ProbeRecord[]): Promise<void> =>
        probeAll(some, this.#state, runner, signal, atOnce, ended);
      const looks = run(fresh.filter(isLook));
      const others = run(fresh.filter((probe) => !isLook(probe)));
      return { probes, looks, all: Promise.all([looks, others]) };
    };
    const first = new AbortController();
    const whileFirst = AbortSignal.any([probing, first.signal]);
    setMaxListeners(0, whileFirst);
    const pass = await begin(new Set(), whileFirst);
    await atMost(this.#options.timeoutMs * LEARNING_SHARE, pass.all, probing);
    await pass.looks;
    if (!isReplacedByExchangeLookBy(pass.probes)) {
      await pass.all;
    }
    // Members recognised as Exchange get their looks before any evaluation. Monitors that are still waiting are restarted
    // later, so that they do not delay this.
    if (isReplacedByExchangeLookBy(pass.probes)) {
      first.abort();
      await (
        await begin(learnedIn(pass.probes), probing)
      ).all;
    }
    await this.poll();
  }

  /** Polls the ADC and applies its state. */
  async poll(): Promise<void> {
    const { name } = this.#adc;
    const records = this.#state.recordsOf(name);
    if (records === null) {
      return;
    }
    this.#phase = "poll";
    const read = await this.link.poll(records.estate);
    this.#options.listener?.polled(name, read);
    if (read.kind === "state") {
      const imported = this.#state.adcs.find((adc) => adc.name === name)?.gaps ?? [];
      const gaps = distinctGaps([...imported, ...read.gaps]);
      this.#state.setAdcLive(name, { up: true, lastPollAt: read.state.at, lastError: null, gaps });
    } else if (read.kind !== "none") {
      const splitBrain = read.kind === "lost" && read.splitBrain;
      this.#state.setAdcLive(name, { up: false, lastError: read.message, splitBrain });
    }
    this.#state.applyAdcPoll(name, read.kind === "state" ? read.state : null);
    this.#phase = "done";
  }

  /** A poll that has not finished by now has timed out. */
  end(): void {
    const { timeoutMs } = this.#options;
    if (this.#phase === "import") {
      this.#fail(lateImport(this.#spent, timeoutMs));
    } else if (this.#phase !== "done") {
      const late = `its state did not come within ${seconds(timeoutMs)} s (--timeout)`;
      this.#state.setAdcLive(this.#adc.name, { up: false, lastError: late });
      this.#state.applyAdcPoll(this.#adc.name, null);
      this.#phase = "done";
    }
  }

  #fail(lastError: string): void {
    this.#phase = "done";
    this.#state.setAdcLive(this.#adc.name, { up: false, lastError });
  }
}

function idleIn(state: WitnessState, config: Config): readonly ConfigProblem[] {
  const planned = config.adcs.flatMap((adc) => {
    const records = state.recordsOf(adc.name);
    const settings = planSettings(config, adc, new Map());
    return records === null
      ? []
      : [{ estate: records.estate, settings, learned: learnedIn(records.probes) }];
  });
  // It may be in the part that was not imported.
  return planned.length === config.adcs.length ? idleSettings(config, planned) : [];
}

/** Probes under way: the looks among them, and all. */
interface Pass {
  readonly probes: readonly ProbeRecord[];
  readonly looks: Promise<void>;
  readonly all: Promise<unknown>;
}

/** Whether it is anonymous and fast. */
function isLook({ kind, credential }: ProbeRecord): boolean {
  return kind === "transaction" && credential === null;
}

function isReplacedByExchangeLookBy(probes: readonly ProbeRecord[]): boolean {
  const servers = new Set(
    probes.flatMap(({ last, server }) => (last?.exchangeSeen === true ? server : [])),
  );
  const shown = [...servers].map((server) => ({ server }));
  return probes.some((probe) => shown.some((by) => isReplacedByExchangeLook(probe, by)));
}

function isStillWaiting(probe: ProbeRecord): boolean {
  return probe.opinion === "unknown" && waitsItsTurn(probe);
}

/** Members recognised as Exchange. */
function learnedIn(probes: readonly ProbeRecord[]): LearnedExchange {
  return new Set(
    probes.flatMap(({ vantage, last, server, port }) =>
      vantage === "backend" && last?.exchangeSeen === true && port !== ""
        ? learnedKey(server, port)
        : [],
    ),
  );
}

interface Exchange {
  readonly durationMs: number;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

/** Why an import did not finish within `--timeout`. */
function lateImport(spent: readonly Exchange[], timeoutMs: number): string {
  const totalMs = spent.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const slow =
    spent.length === 0
      ? "no answer of NITRO came"
      : `NITRO answered ${String(spent.length)} requests in ${seconds(totalMs)} s, ${seconds(totalMs / spent.length)} s each`;
  return `the import did not end within ${seconds(timeoutMs)} s (--timeout): ${slow}`;
}

function bringIn(
  state: WitnessState,
  { config, server }: CompareOptions,
  adc: string,
  read: Extract<EstateRead, { kind: "estate" }>,
  plan: readonly PlannedProbe[],
  resolved: ResolvedNames,
): void {
  state.setAdcLive(adc, { gaps: read.gaps });
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
      exclude: config.exclude ?? [],
      resolved,
      now: Date.now,
      // A round is a single snapshot, however long it takes, so nothing in it becomes stale.
      monotonic: () => 0,
    },
    state.recordsOf(adc),
  );
  const members = records.members.filter(
    (member) => server === null || matchesPattern(server, member.server),
  );
  const names = new Set(members.flatMap((member) => member.vservers));
  state.setRecords(adc, {
    ...records,
    members,
    vservers: records.vservers.filter((each) => server === null || names.has(each.vserver)),
    probes: records.probes.filter(
      (probe) => server === null || probe.vserver === "" || names.has(probe.vserver),
    ),
  });
}

/**
 * Runs all probes until each has an opinion, with bounded concurrency. Health pages run last: an aborted one shows maintenance
 * only if another URL of the member has answered.
 */
async function probeAll(
  probes: readonly ProbeRecord[],
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
  atOnce = AT_ONCE,
  /** Ids of finished probes. */
  ended = new Set<string>(),
): Promise<void> {
  const runnable = probes.filter((probe) => probe.planned.action.run !== null);
  const pages = runnable.filter(({ rank }) => rank === "detection");
  for (const waiting of [runnable.filter((probe) => !pages.includes(probe)), pages]) {
    const workers = Array.from({ length: Math.min(atOnce, waiting.length) }, async () => {
      for (let probe = waiting.shift(); probe !== undefined; probe = waiting.shift()) {
        await untilDecided(probe, state, runner, signal);
        if (!signal.aborted) {
          ended.add(probe.id);
        }
      }
    });
    await Promise.all(workers);
  }
  await logInElsewhere(runnable, state, runner, signal);
}

/** Reasons to wait for another login of the account; its result may allow the next one. */
const WAITS_ITS_TURN: ReadonlySet<string> = new Set(["busy", "paced", "elsewhere_first"]);
const LOGIN_ROUNDS = 8;
const LOGINS_APART_MS = 500;

/**
 * Runs logins that had to wait for another of their account, one at a time: only a success elsewhere distinguishes a broken
 * server from a wrong password.
 */
async function logInElsewhere(
  probes: readonly ProbeRecord[],
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
): Promise<void> {
  const confirmed = new Set<ProbeRecord>();
  const witnessesOf = (refused: ProbeRecord): readonly ProbeRecord[] =>
    probes.filter((probe) => isAcceptedElsewhere(probe, refused));
  const decide = async (probe: ProbeRecord): Promise<void> => {
    await pause(LOGINS_APART_MS, signal);
    await untilDecided(probe, state, runner, signal);
  };
  for (let round = 0; round < LOGIN_ROUNDS && !signal.aborted; round++) {
    const waiting = probes.filter((probe) => probe.opinion === "unknown" && waitsItsTurn(probe));
    const refusals = probes.filter(
      (probe) => isRefused(probe) && !confirmed.has(probe) && witnessesOf(probe).length > 0,
    );
    if (waiting.length === 0 && refusals.length === 0) {
      return;
    }
    for (const probe of waiting) {
      await decide(probe);
    }
    for (const refused of refusals) {
      // One accepted login shows that all endpoints that rejected the account are broken, so their logins are no longer held
      // back.
      for (const witness of isRefused(refused) ? witnessesOf(refused) : []) {
        await decide(witness);
        // A login that has to wait again proves nothing, so another one runs first.
        if (!waitsItsTurn(witness)) {
          confirmed.add(refused);
          break;
        }
      }
    }
  }
}

function waitsItsTurn({ heldBack }: ProbeRecord): boolean {
  return heldBack !== null && WAITS_ITS_TURN.has(heldBack.why);
}

function isRefused({ credential, last, lastPassed }: ProbeRecord): boolean {
  return credential !== null && lastPassed === null && last?.reason === "auth_rejected";
}

/** A login that worked before, and must work again after the rejection to be conclusive. */
function isAcceptedElsewhere(
  { credential, server, opinion }: ProbeRecord,
  refused: ProbeRecord,
): boolean {
  return (
    opinion === "up" &&
    credential?.lockoutKey === refused.credential?.lockoutKey &&
    server !== refused.server
  );
}

/** Runs one probe until it has an opinion, up to a maximum number of runs. */
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

/** Repeating does not help a login that is held back or an unreachable path; an event-loop stall passes. */
function saysNothingNow({ last, lastPassed }: ProbeRecord): boolean {
  return lastPassed === null && last?.reason !== "agent_fault";
}

/** With `--wait`: probes mismatches again until there are none or the time is over. */
async function recheck(
  options: CompareOptions,
  state: WitnessState,
  runner: ProbeRunner,
  rounds: readonly Round[],
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

/** A command is started by a person, so its first login needs no delay against restart loops. */
export function commandKeeper(config: Config): Promise<AccountKeeper> {
  return openKeeper(config, 0);
}

/** The plan of a command, with its bound secrets; secret bindings are shared through state_dir. */
export async function planForCommand(
  estate: Estate,
  config: Config,
  adc: AdcConfig,
  resolved: ResolvedNames,
  keeper: AccountKeeper,
  network: Network,
  learned: LearnedExchange = new Set(),
): Promise<readonly PlannedProbe[]> {
  const own = await ownAddressesTowards(estate, config, network);
  const plan = planProbes(estate, planSettings(config, adc, resolved, own), learned);
  return (await new SecretBindings().bind(plan, config.monitors, keeper)).plan;
}

/** Runs probes for a command without an agent, but respects the account gates, which are shared through state_dir. */
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
