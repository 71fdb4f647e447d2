import { setMaxListeners } from "node:events";
import type { AdcConfig, Config } from "../config/schema.ts";
import type { StorageWatch } from "../lib/durable-file.ts";
import { AdcLink, AdcWatch } from "./adc-watch.ts";
import { isCutOff } from "../net/control.ts";
import { EstateRegistry } from "./estate-registry.ts";
import type { AgentEvents } from "./run-probe.ts";
import type { Log } from "../lib/log.ts";
import { atMost } from "../lib/timers.ts";
import { networkOf } from "./import-once.ts";
import { ProbeRunner } from "./probe-runner.ts";
import { ProbeSchedule } from "./probe-schedule.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { SchedulePosition } from "./scheduler.ts";
import { unverifiedLogins } from "../config/load.ts";
import type { NameMemory } from "../net/name-memory.ts";
import type { SchemeMemory } from "../net/network.ts";
import type { SecretBindings } from "./secret-bindings.ts";
import { WitnessState } from "./records/witness-state.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { type AccountKeeper, nitroAccount } from "./accounts/account-keeper.ts";
import type { MessageRateLimit } from "./accounts/gated-login.ts";

/** How often ns.conf is read again without NITRO. */
const NS_CONF_IMPORT_EVERY_MS = 600_000;
const CONTROL_EVERY_MS = 5_000;
const CONTROL_TIMEOUT_MS = 3_000;
/** Grace, windows and opinions expire between results. */
const EVALUATE_EVERY_MS = 1_000;
/** An evaluation that is late by this much shows a stall of the event loop or a suspended process. */
const STALL_MS = 1_000;

export interface AgentRunOptions {
  readonly config: Config;
  readonly events: AgentEvents;
  readonly log: Log;
  readonly declarations: Declarations;
  readonly keeper: AccountKeeper;
  readonly messages: MessageRateLimit;
  /** Health of the state directory. */
  readonly storage: StorageWatch;
  readonly schemes: SchemeMemory;
  /** The last DNS answers. */
  readonly resolved: NameMemory;
  readonly bindings: SecretBindings;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** The stopped run before a reload, for `inherit`. */
  readonly earlier: AgentRun | null;
}

/** Runs one configuration: its ADC links, schedule and live state. A reload creates a new run. */
export class AgentRun {
  readonly config: Config;
  readonly state: WitnessState;
  #options: AgentRunOptions;
  readonly #abort = new AbortController();
  readonly #schedule: ProbeSchedule;
  readonly #runner: ProbeRunner;
  readonly #watches: readonly AdcWatch[];
  readonly #network: ReturnType<typeof networkOf>;
  readonly #estates: EstateRegistry;
  #evaluatedAt: number;
  /** Stalls since the last evaluation that responses to probes caused. */
  #explainedStallMs = 0;

  constructor(options: AgentRunOptions) {
    const { config, events, log, now, monotonic, storage } = options;
    this.config = config;
    this.#options = options;
    // Every running probe adds a listener.
    setMaxListeners(0, this.#abort.signal);
    this.#evaluatedAt = monotonic();
    this.#network = networkOf(config, options.schemes, options.resolved);
    this.state = new WitnessState({
      agent: config.agent,
      stabilityMs: config.maintenance.stabilityMs,
      overdueAfterMs: config.maintenance.overdueAfterMs,
      declarations: options.declarations,
      storage: () => storage.health,
      grace: "watched",
      ownAddresses: Math.max(1, config.sourceAddresses.length),
      now,
      monotonic,
    });
    // No closure may capture `options`: it would keep the earlier run alive, and that one its own earlier run.
    this.#runner = new ProbeRunner({
      network: this.#network,
      signal: this.#abort.signal,
      sourceAddresses: config.sourceAddresses,
      events,
      keeper: options.keeper,
      messages: options.messages,
      log,
      now,
      monotonic,
      onRecorded: (record) => {
        this.#estates.learn(record);
      },
      onStall: ({ id, adc, server, vserver, address, planned }, stallMs, pauseMs) => {
        this.#explainedStallMs += stallMs;
        log.warn(
          {
            probe: id,
            adc,
            server: server || vserver,
            endpoint: `${address ?? ""}:${String(planned.port)}`,
            stallMs: Math.round(stallMs),
            pauseMs: Math.round(pauseMs),
          },
          "event loop stalled by a response, probes of this endpoint paused",
        );
      },
    });
    this.#schedule = new ProbeSchedule({
      config,
      state: this.state,
      runner: this.#runner,
      events,
      log,
      now,
      monotonic,
      earlierPositions: options.earlier?.positions() ?? new Map(),
    });
    this.#estates = new EstateRegistry({
      config,
      network: this.#network,
      state: this.state,
      schedule: this.#schedule,
      signal: this.#abort.signal,
      events,
      log,
      bindings: options.bindings,
      keeper: options.keeper,
      now,
      monotonic,
      earlier: options.earlier === null ? null : options.earlier.#estates.memory,
    });
    this.state.suspendedAccounts = options.keeper.suspended();
    this.state.unexplainedStallSeconds = options.earlier?.state.unexplainedStallSeconds ?? 0;
    this.state.unverifiedLogins = unverifiedLogins(config);
    for (const place of this.state.unverifiedLogins) {
      log.warn({ place }, "verify: false, passwords are sent to an unverified endpoint");
    }
    this.#watches = config.adcs.map((adc) => this.#watch(adc));
  }

  /** Takes over the memory of the earlier run, whose state is shown until this has ended. */
  async inherit(): Promise<void> {
    await this.#estates.inherit();
    // Earlier runs must not stay in memory.
    this.#options = { ...this.#options, earlier: null };
  }

  /** Starts watching and probing; resolves when every ADC has been polled once. */
  async start(): Promise<void> {
    this.#evaluatedAt = this.#options.monotonic();
    this.#schedule.every("evaluate", EVALUATE_EVERY_MS, () => this.#evaluate());
    this.#estates.resolveNames();
    this.#schedule.every("plan again", EVALUATE_EVERY_MS, () => this.#estates.planAgain());
    if (this.config.controlTargets.length > 0) {
      // A stop during this check is safe: a stopped watch does not start.
      await this.#checkControl();
      this.#schedule.every("control", CONTROL_EVERY_MS, () => this.#checkControl());
    }
    this.#schedule.forgetEarlierPositions();
    for (const watch of this.#watches) {
      watch.start();
    }
    await Promise.all(this.#watches.map((watch) => watch.firstRound()));
  }

  /**
   * Starts no more probes and waits for running ones: if frequent reloads aborted them, a timeout would never be seen.
   * Resolves when they have ended, after `withinMs`, or when `hurry` is aborted.
   */
  async drain(withinMs: number, hurry: AbortSignal): Promise<void> {
    await atMost(withinMs, this.#schedule.stop(), hurry);
  }

  /** Positions of all probes in their intervals, for the next run. */
  positions(): ReadonlyMap<string, SchedulePosition> {
    return this.#schedule.positions();
  }

  /** Stops everything: aborts running probes and logs out of NITRO. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([this.#schedule.stop(), ...this.#watches.map((watch) => watch.stop())]);
  }

  /** Time since the last evaluation, which is due every second, in milliseconds. */
  get idleMs(): number {
    return this.#options.monotonic() - this.#evaluatedAt;
  }

  recordOf(probeId: string): ProbeRecord | null {
    return this.#schedule.recordOf(probeId);
  }

  /** Runs one probe outside the schedule, without recording the result. */
  async probeNow(record: ProbeRecord, timeoutMs: number) {
    return this.#runner.now(record, timeoutMs);
  }

  #watch(adc: AdcConfig): AdcWatch {
    const { events, log, now, monotonic, earlier, keeper } = this.#options;
    const pollMs = adc.nitro?.pollEveryMs ?? 0;
    this.state.addAdc(adc.name, { nitro: adc.nitro !== null, pollMs });
    const earlierLive = earlier?.state.adcs.find(({ name }) => name === adc.name);
    if (earlierLive !== undefined && adc.nitro !== null) {
      this.state.setAdcLive(adc.name, { ...earlierLive, up: earlierLive.up ?? false });
    }
    const link = new AdcLink({
      config: adc,
      network: this.#network,
      events,
      ...(adc.nitro === null
        ? {}
        : { loginGate: keeper.nitroGate(nitroAccount(adc.name, adc.nitro)) }),
      now,
      monotonic,
      wantsConnections: (adcService) => this.#wantsConnections(adc.name, adcService),
      ownAddresses: this.config.sourceAddresses,
    });
    return new AdcWatch({
      link,
      importEveryMs: adc.nitro?.importEveryMs ?? NS_CONF_IMPORT_EVERY_MS,
      log,
      now,
      monotonic,
      earlierEstate: earlier?.state.recordsOf(adc.name)?.estate ?? null,
      onEstate: async (estate) => {
        await this.#estates.apply(adc, estate);
        log.info(
          {
            adc: adc.name,
            services: estate.services.size,
            probes: this.#schedule.size,
          },
          "estate imported",
        );
      },
      onState: (state) => {
        this.state.applyAdcPoll(adc.name, state);
      },
      onLive: (live) => {
        this.state.setAdcLive(adc.name, live);
      },
    });
  }

  #wantsConnections(adc: string, adcService: string): boolean {
    const members = this.state.recordsOf(adc)?.membersOfService.get(adcService) ?? [];
    return members.some(
      (member) =>
        member.outSince !== null ||
        member.mismatch ||
        member.maintenance.declared !== "no" ||
        member.maintenance.detected,
    );
  }

  /** A stall is excluded from grace: no grace ends while no result could be read. */
  async #evaluate(): Promise<void> {
    const { monotonic } = this.#options;
    const stallMs = monotonic() - this.#evaluatedAt - EVALUATE_EVERY_MS;
    if (stallMs >= STALL_MS) {
      this.state.excludePause(stallMs);
      const unexplainedMs = Math.max(0, stallMs - this.#explainedStallMs);
      this.state.unexplainedStallSeconds += unexplainedMs / 1_000;
    }
    this.#explainedStallMs = 0;
    try {
      await this.state.evaluateInTurns();
    } finally {
      this.#evaluatedAt = monotonic();
    }
  }

  async #checkControl(): Promise<void> {
    const { controlTargets } = this.config;
    const cutOff = await isCutOff(controlTargets, this.#network, CONTROL_TIMEOUT_MS);
    if (cutOff !== this.state.cutOff) {
      this.#options.log.warn(
        { cutOff },
        cutOff ? "no control target reachable" : "control targets reachable again",
      );
      this.state.cutOff = cutOff;
      this.state.evaluateAll();
    }
  }
}
