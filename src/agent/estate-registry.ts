import { oneAtATime } from "../lib/pacing.ts";
import type { Log } from "../lib/log.ts";
import type { AdcConfig, Config } from "../config/schema.ts";
import type { Estate } from "../model/estate.ts";
import { type Steps, inTurns } from "../lib/steps.ts";
import type { Network } from "../net/network.ts";
import { learnedKey } from "../adc/recognise.ts";
import type { AccountKeeper } from "./accounts/account-keeper.ts";
import type { AgentEvents } from "./events.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { clientFacingNames, PublicNames, type ResolvedNames } from "./public-names.ts";
import { planSteps } from "./plan/plan.ts";
import { planSettings } from "./plan/settings.ts";
import { idleSettings } from "./plan/idle-settings.ts";
import { formatProblem } from "../config/problems.ts";
import type { ProbeSchedule } from "./probe-schedule.ts";
import { inheritRecords, recordSteps, type EstateRecords } from "./records/build-records.ts";
import type { SecretBindings } from "./secret-bindings.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { applyShard } from "./shard.ts";

export interface EstateRegistryOptions {
  readonly config: Config;
  readonly network: Network;
  readonly state: WitnessState;
  readonly schedule: ProbeSchedule;
  /** Aborted when everything ends: no estate comes into force any more. */
  readonly signal: AbortSignal;
  readonly events: Pick<AgentEvents, "probesPlanned">;
  readonly log: Pick<Log, "warn">;
  readonly bindings: SecretBindings;
  /** Keeps what the bindings are, over restarts. */
  readonly keeper: Pick<AccountKeeper, "bindSecrets">;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** From before a reload, for `inherit`. */
  readonly earlier: EstateRegistryMemory | null;
}

/** What outlives a reload. */
export interface EstateRegistryMemory {
  /** By ADC: members that have shown themselves to be Exchange. */
  readonly learned: ReadonlyMap<string, ReadonlySet<string>>;
  readonly resolved: ResolvedNames;
  readonly state: Pick<WitnessState, "recordsOf">;
}

/** A look for servers of any make, where `seen` has shown that Exchange is there. */
export function isOutgrown(
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

/** From an imported estate to what is probed and kept of it: shard, plan, records, schedule; and when to plan again. */
export class EstateRegistry {
  #options: EstateRegistryOptions;
  /** By ADC; a member that leaves its estate is forgotten with it. */
  readonly #learned = new Map<string, Set<string>>();
  readonly #names: PublicNames;
  /** ADCs whose plan no longer fits what was learnt. */
  readonly #toPlanAgain = new Set<string>();
  /** Mistakes of the configuration that have been told. */
  readonly #toldIdle = new Set<string>();
  /** Estates that come into force, one after another. */
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

  /** Takes over the estates that were in force before, with all that was known of them. */
  async inherit(): Promise<void> {
    const { config, state, earlier } = this.#options;
    for (const adc of config.adcs) {
      const estate = earlier?.state.recordsOf(adc.name)?.estate;
      if (estate !== undefined) {
        await this.#bringIntoForce(adc, estate);
      }
    }
    await state.evaluateInTurns();
    // What was before must not be kept alive, reload after reload.
    this.#options = { ...this.#options, earlier: null };
  }

  /** Brings an estate into force, one at a time. Ends early when everything ends. */
  apply(adc: AdcConfig, imported: Estate): Promise<void> {
    return this.#inTurn(async () => {
      const { signal, state } = this.#options;
      if (!signal.aborted) {
        await this.#bringIntoForce(adc, imported);
        await state.evaluateInTurns();
      }
    });
  }

  async #bringIntoForce(adc: AdcConfig, imported: Estate): Promise<void> {
    const { config, bindings, keeper, log } = this.#options;
    const resolved = this.#names.resolved;
    const estate = applyShard(imported, config.shard);
    const learned = new Set([...this.#learned.values()].flatMap((own) => [...own]));
    const settings = planSettings(config, adc, resolved);
    const planned = await inTurns(planSteps(estate, settings, learned));
    const { plan, news } = await bindings.bind(planned, config.monitors, keeper);
    for (const why of news) {
      log.warn({ adc: adc.name }, why);
    }
    if (!this.#options.signal.aborted) {
      await inTurns(this.#applySteps(adc, estate, plan, resolved));
      this.#tellIdleSettings();
    }
  }

  /** Records with their memory, and the schedule without disturbing what goes on unchanged. */
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

  /** Once every estate is known: what of the configuration selects nothing in any of them, each told once. */
  #tellIdleSettings(): void {
    const { config, state, log } = this.#options;
    const planned = config.adcs.flatMap((adc) => {
      const estate = state.recordsOf(adc.name)?.estate;
      const settings = planSettings(config, adc, this.#names.resolved);
      const learned = this.#learned.get(adc.name) ?? new Set<string>();
      return estate === undefined ? [] : [{ estate, settings, learned }];
    });
    const whole = planned.length === config.adcs.length && config.shard === null;
    for (const problem of whole ? idleSettings(config, planned) : []) {
      const text = formatProblem(problem);
      if (!this.#toldIdle.has(text)) {
        this.#toldIdle.add(text);
        log.warn({ path: problem.path, line: problem.line }, text);
      }
    }
  }

  /** A member that has shown itself to be Exchange gets the looks of one from the next plan on. */
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
    if (probes.some((probe) => isOutgrown(probe, record))) {
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

  /** Asks DNS about client-facing names whose answers have grown old. */
  askForNames(): void {
    this.#names.ask();
  }

  /** Follows what was learnt of members and names since the last plan. To be called at most once a second. */
  async planAgain(): Promise<void> {
    const { config, state } = this.#options;
    // Sites of client-facing names come and go with what DNS answers.
    const newSites = this.#names.takeNews();
    this.askForNames();
    for (const adc of config.adcs) {
      const outgrown = this.#toPlanAgain.delete(adc.name) || newSites;
      const estate = state.recordsOf(adc.name)?.estate;
      if (outgrown && estate !== undefined) {
        await this.apply(adc, estate);
      }
    }
  }
}
