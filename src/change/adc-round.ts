import { setMaxListeners } from "node:events";
import type { AdcConfig, Config } from "../config/schema.ts";
import { nitroAccount, type AccountKeeper } from "../agent/accounts/account-keeper.ts";
import { atMost } from "../lib/timers.ts";
import {
  AdcLink,
  distinctGaps,
  type AdcLinkOptions,
  type EstateRead,
  type StateRead,
} from "../agent/adc-watch.ts";
import type { ResolvedNames } from "../agent/public-names.ts";
import { matchesPattern } from "../agent/plan/settings.ts";
import type { PlannedProbe } from "../agent/plan/planned-probe.ts";
import { isReplacedByExchangeLook } from "../agent/estate-registry.ts";
import { learnedKey, type LearnedExchange } from "../adc/recognise.ts";
import type { ProbeRunner } from "../agent/probe-runner.ts";
import { buildRecords } from "../agent/records/build-records.ts";
import type { ProbeRecord } from "../agent/records/probe-record.ts";
import type { WitnessState } from "../agent/records/witness-state.ts";
import type { Network } from "../net/network.ts";
import { MAX_CONCURRENT_PROBES, probeAll, isWaitingForLogin } from "./run-probes.ts";
import { planForCommand } from "./command-context.ts";

/** Share of the time limit for recognising servers and running all monitors. */
const LEARNING_SHARE = 0.25;

/** Receives the answers of ADCs, raw and parsed. */
export interface AdcListener {
  readonly answered: (
    adc: string,
    ...answered: Parameters<NonNullable<AdcLinkOptions["onAnswer"]>>
  ) => void;
  readonly imported: (adc: string, read: EstateRead) => void;
  readonly polled: (adc: string, read: StateRead) => void;
}

export interface RoundOptions {
  readonly config: Config;
  /** Server name or pattern: only members on it, and their vservers. Null: all. */
  readonly server: string | null;
  /** Time limit; what has not finished by then is unknown. */
  readonly timeoutMs: number;
  /** Receives all answers of the ADCs. */
  readonly listener?: AdcListener;
}

/** One ADC's part of the round. */
export class AdcRound {
  readonly link: AdcLink;
  readonly #adc: AdcConfig;
  readonly #options: RoundOptions;
  readonly #state: WitnessState;
  readonly #keeper: AccountKeeper;
  readonly #network: Network;
  readonly #requests: NitroRequest[] = [];
  #phase: "import" | "probes" | "poll" | "done" = "import";

  constructor(
    adc: AdcConfig,
    options: RoundOptions,
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
      events: { adcRequest: (request) => this.#requests.push(request) },
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

  async importAndProbe(
    resolved: ResolvedNames,
    runner: ProbeRunner,
    probing: AbortSignal,
  ): Promise<void> {
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
    const maxConcurrent = Math.max(8, Math.floor(MAX_CONCURRENT_PROBES / config.adcs.length));
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
      setRecords(this.#state, this.#options, name, read, plan, resolved);
      this.#phase = "probes";
      const probes = this.#state.recordsOf(name)?.probes ?? [];
      const fresh = probes.filter((probe) => !ended.has(probe.id) || isWaitingForLogin(probe));
      const run = (some: readonly ProbeRecord[]): Promise<void> =>
        probeAll(some, this.#state, runner, signal, maxConcurrent, ended);
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
    if (!needsExchangeLooks(pass.probes)) {
      await pass.all;
    }
    // Members recognised as Exchange get their looks before any evaluation. Monitors that are still waiting are restarted
    // later, so that they do not delay this.
    if (needsExchangeLooks(pass.probes)) {
      first.abort();
      await (
        await begin(recognisedExchange(pass.probes), probing)
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
  failIfUnfinished(): void {
    const { timeoutMs } = this.#options;
    if (this.#phase === "import") {
      this.#fail(importTimeoutMessage(this.#requests, timeoutMs));
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

function needsExchangeLooks(probes: readonly ProbeRecord[]): boolean {
  const servers = new Set(
    probes.flatMap(({ last, server }) => (last?.exchangeSeen === true ? server : [])),
  );
  const shown = [...servers].map((server) => ({ server }));
  return probes.some((probe) => shown.some((by) => isReplacedByExchangeLook(probe, by)));
}

/** Members recognised as Exchange. */
export function recognisedExchange(probes: readonly ProbeRecord[]): LearnedExchange {
  return new Set(
    probes.flatMap(({ vantage, last, server, port }) =>
      vantage === "backend" && last?.exchangeSeen === true && port !== ""
        ? learnedKey(server, port)
        : [],
    ),
  );
}

interface NitroRequest {
  readonly durationMs: number;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

/** Why an import did not finish within `--timeout`. */
function importTimeoutMessage(requests: readonly NitroRequest[], timeoutMs: number): string {
  const totalMs = requests.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const slow =
    requests.length === 0
      ? "no answer of NITRO came"
      : `NITRO answered ${String(requests.length)} requests in ${seconds(totalMs)} s, ${seconds(totalMs / requests.length)} s each`;
  return `the import did not end within ${seconds(timeoutMs)} s (--timeout): ${slow}`;
}

function setRecords(
  state: WitnessState,
  { config, server }: RoundOptions,
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
