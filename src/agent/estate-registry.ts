import type { Estate } from "../model/estate.ts";
import { oneAtATime } from "../lib/pacing.ts";
import type { Log } from "../lib/log.ts";
import type { AdcConfig, Config } from "../config/schema.ts";
import { type Steps, runYielding } from "../lib/steps.ts";
import type { Network } from "../net/network.ts";
import { learnedKey } from "../adc/recognise.ts";
import type { AccountKeeper } from "./accounts/account-keeper.ts";
import type { AgentEvents } from "./run-probe.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { clientFacingNames, PublicNames, type ResolvedNames } from "./public-names.ts";
import { planSteps, idleSettings } from "./plan/plan.ts";
import { ownAddressesTowards } from "./own-addresses.ts";
import { planSettings } from "./plan/settings.ts";
import { formatProblem } from "../config/problems.ts";
import type { ProbeSchedule } from "./probe-schedule.ts";
import { inheritRecords, recordSteps, type EstateRecords } from "./records/build-records.ts";
import { applyShard } from "./shard.ts";
import type { SecretBindings } from "./secret-bindings.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";

export interface EstateRegistryOptions {
  readonly config: Config;
  readonly network: Network;
  readonly state: WitnessState;
  readonly schedule: ProbeSchedule;
  /** Aborted at the stop: no estate is applied any more. */
  readonly signal: AbortSignal;
  readonly events: Pick<AgentEvents, "probesPlanned">;
  readonly log: Pick<Log, "warn">;
  readonly bindings: SecretBindings;
  /** Stores the bindings across restarts. */
  readonly keeper: Pick<AccountKeeper, "bindSecrets">;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** From before a reload, for `inherit`. */
  readonly earlier: EstateRegistryMemory | null;
}

/** The memory that survives a reload. */
export interface EstateRegistryMemory {
  /** By ADC: members recognised as Exchange. */
  readonly learned: ReadonlyMap<string, ReadonlySet<string>>;
  readonly resolved: ResolvedNames;
  readonly state: Pick<WitnessState, "recordsOf">;
}

/** Whether this is a look for any kind of server at a server that `seen` has recognised as Exchange. */
export function isReplacedByExchangeLook(
  { server, transaction, planned: { action } }: ProbeRecord,
  seen: Pick<ProbeRecord, "server">,
): boolean {
  return (
    server !== "" &&
    server === seen.server &&
    (transaction === "smtp_greeting" ||
      transaction === "web_answer" ||
      (action.kind === "transaction" && action.run?.spec.options["greeting_only"] === true))
  );
}

/** Applies imported estates: shard, plan, records, schedule. Plans again when members are recognised or names change. */
export class EstateRegistry {
  #options: EstateRegistryOptions;
  /** By ADC: members recognised as Exchange, as long as they are in the estate. */
  readonly #learned = new Map<string, Set<string>>();
  readonly #names: PublicNames;
  /** ADCs to plan again because a member was recognised. */
  readonly #toPlanAgain = new Set<string>();
  /** Configuration problems that have been logged. */
  readonly #loggedProblems = new Set<string>();
  /** Applies estates one after another. */
  readonly #inTurn = oneAtATime();

  constructor(options: EstateRegistryOptions) {
    const { config, network, earlier } = options;
    this.#options = options;
    for (const { name } of config.adcs) {
      this.#learned.set(name, new Set(earlier?.learned.get(name)));
    }
    this.#names = new PublicNames(network, clientFacingNames(config), earlier?.resolved);
  }

  get memory(): EstateRegistryMemory {
    return {
      learned: this.#learned,
      resolved: this.#names.resolved,
      state: this.#options.state,
    };
  }

  /** Applies the estates from before the reload, with their memory. */
  async inherit(): Promise<void> {
    const { config, state, earlier } = this.#options;
    for (const adc of config.adcs) {
      const estate = earlier?.state.recordsOf(adc.name)?.estate;
      if (estate !== undefined) {
        await this.#applyNow(adc, estate);
      }
    }
    await state.evaluateInTurns();
    // Earlier registries must not stay in memory.
    this.#options = { ...this.#options, earlier: null };
  }

  /** Applies an estate, one at a time. Does nothing after the stop. */
  apply(adc: AdcConfig, imported: Estate): Promise<void> {
    return this.#inTurn(async () => {
      const { signal, state } = this.#options;
      if (!signal.aborted) {
        await this.#applyNow(adc, imported);
        await state.evaluateInTurns();
      }
    });
  }

  async #applyNow(adc: AdcConfig, imported: Estate): Promise<void> {
    const { config, network, bindings, keeper, log } = this.#options;
    const resolved = this.#names.resolved;
    const estate = applyShard(imported, config.shard);
    const learned = new Set([...this.#learned.values()].flatMap((own) => [...own]));
    const own = await ownAddressesTowards(estate, config, network);
    const settings = planSettings(config, adc, resolved, own);
    const planned = await runYielding(planSteps(estate, settings, learned));
    const { plan, news } = await bindings.bind(planned, config.monitors, keeper);
    for (const why of news) {
      log.warn({ adc: adc.name }, why);
    }
    if (!this.#options.signal.aborted) {
      await runYielding(this.#applySteps(adc, estate, plan, resolved));
      this.#logIdleSettings();
    }
  }

  /** Creates records with the memory of earlier ones, and schedules what has changed. */
  *#applySteps(
    adc: AdcConfig,
    estate: Estate,
    plan: readonly PlannedProbe[],
    resolved: ResolvedNames,
  ): Steps<void> {
    const { config, state, schedule, events, now, monotonic, earlier } = this.#options;
    const records = yield* recordSteps(estate, plan, {
      pollMs: adc.nitro?.pollEveryMs ?? 0,
      vservers: config.vservers,
      exclude: config.exclude ?? [],
      resolved,
      now,
      monotonic,
    });
    const before = state.recordsOf(adc.name) ?? earlier?.state.recordsOf(adc.name);
    inheritRecords(records, before ?? null);
    state.setRecords(adc.name, records);
    this.#forgetLearned(adc.name, records);
    events.probesPlanned(state.probes.length);
    yield* schedule.follow(adc.name, records.probes);
  }

  /** Logs each setting that selects nothing once, when the estates of all ADCs are known. */
  #logIdleSettings(): void {
    const { config, state, log } = this.#options;
    const planned = config.adcs.flatMap((adc) => {
      const estate = state.recordsOf(adc.name)?.estate;
      const settings = planSettings(config, adc, this.#names.resolved);
      const learned = this.#learned.get(adc.name) ?? new Set<string>();
      return estate === undefined ? [] : [{ estate, settings, learned }];
    });
    const allKnown = planned.length === config.adcs.length && config.shard === null;
    for (const problem of allKnown ? idleSettings(config, planned) : []) {
      const text = formatProblem(problem);
      if (!this.#loggedProblems.has(text)) {
        this.#loggedProblems.add(text);
        log.warn({ path: problem.path, line: problem.line }, text);
      }
    }
  }

  /** Notes a member whose response shows Exchange: it gets Exchange looks from the next plan on. */
  learn(record: ProbeRecord): void {
    if (record.vantage !== "backend" || record.last?.exchangeSeen !== true || record.port === "") {
      return;
    }
    const key = learnedKey(record.server, record.port);
    const learned = this.#learned.get(record.adc);
    if (learned === undefined || learned.has(key)) {
      return;
    }
    learned.add(key);
    const probes = this.#options.state.recordsOf(record.adc)?.probes ?? [];
    if (probes.some((probe) => isReplacedByExchangeLook(probe, record))) {
      this.#toPlanAgain.add(record.adc);
    }
  }

  #forgetLearned(adc: string, { members }: EstateRecords): void {
    const learned = this.#learned.get(adc) ?? new Set();
    const here = new Set(members.map(({ server, port }) => learnedKey(server, port)));
    for (const key of learned) {
      if (!here.has(key)) {
        learned.delete(key);
      }
    }
  }

  /** Resolves client-facing names whose answers have expired. */
  resolveNames(): void {
    this.#names.ask();
  }

  /** Plans again if members were recognised or DNS answers changed. Call at most once a second. */
  async planAgain(): Promise<void> {
    const { config, state } = this.#options;
    const sitesChanged = this.#names.takeSitesChanged();
    this.resolveNames();
    for (const adc of config.adcs) {
      const mustPlan = this.#toPlanAgain.delete(adc.name) || sitesChanged;
      const estate = state.recordsOf(adc.name)?.estate;
      if (mustPlan && estate !== undefined) {
        await this.apply(adc, estate);
      }
    }
  }
}
