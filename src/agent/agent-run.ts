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
import type { StartPlace } from "./scheduler.ts";
import { unverifiedLogins } from "../config/load.ts";
import type { NameMemory } from "../net/name-memory.ts";
import type { SchemeMemory } from "../net/network.ts";
import type { SecretBindings } from "./secret-bindings.ts";
import { WitnessState } from "./records/witness-state.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { type AccountKeeper, nitroAccount } from "./accounts/account-keeper.ts";
import type { MessageRateLimit } from "./accounts/gated-login.ts";

/** Without NITRO an ns.conf is read again this often. */
const NS_CONF_IMPORT_EVERY_MS = 600_000;
/** Without NITRO nothing is polled; grace then has no poll to wait for. */
const CONTROL_EVERY_MS = 5_000;
const CONTROL_TIMEOUT_MS = 3_000;
/** Grace, windows and stale opinions end by the clock. */
const EVALUATE_EVERY_MS = 1_000;
/** An evaluation that comes so late shows that the whole process was stopped. */
const HELD_MS = 1_000;

export interface AgentRunOptions {
  readonly config: Config;
  readonly events: AgentEvents;
  readonly log: Log;
  readonly declarations: Declarations;
  readonly keeper: AccountKeeper;
  readonly messages: MessageRateLimit;
  /** What is known of the state directory, for those who show it. */
  readonly storage: StorageWatch;
  readonly schemes: SchemeMemory;
  /** What names last resolved to. */
  readonly resolved: NameMemory;
  readonly bindings: SecretBindings;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** The generation before a reload, for `inherit`; it has been stopped. */
  readonly earlier: AgentRun | null;
}

/** One configuration in force: its links, schedule and live state. A reload makes a new one. */
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
  /** Of stalls since the last evaluation: what answers to probes took. */
  #explainedStallMs = 0;

  constructor(options: AgentRunOptions) {
    const { config, events, log, now, monotonic, storage } = options;
    this.config = config;
    this.#options = options;
    // Every probe in flight listens, and there is no sensible number to warn at.
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
    // No closure may name `options`: it would hold on to the earlier generation, and that one to its own.
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
      earlierPlaces: options.earlier?.places() ?? new Map(),
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

  /** Takes over what the generation before it knew; that one's state is the one to show until then. */
  async inherit(): Promise<void> {
    await this.#estates.inherit();
    // Generations must not keep one another alive, reload after reload.
    this.#options = { ...this.#options, earlier: null };
  }

  /** Starts watching and probing; resolves when every ADC has been asked once. */
  async start(): Promise<void> {
    this.#evaluatedAt = this.#options.monotonic();
    this.#schedule.every("evaluate", EVALUATE_EVERY_MS, () => this.#evaluate());
    this.#estates.askForNames();
    this.#schedule.every("plan again", EVALUATE_EVERY_MS, () => this.#estates.planAgain());
    if (this.config.controlTargets.length > 0) {
      // Watches that are started after a stop during this end at once.
      await this.#checkControl();
      this.#schedule.every("control", CONTROL_EVERY_MS, () => this.#checkControl());
    }
    this.#schedule.forgetEarlierPlaces();
    for (const watch of this.#watches) {
      watch.start();
    }
    await Promise.all(this.#watches.map((watch) => watch.firstRound()));
  }

  /**
   * Starts no more probes, and lets those in flight end: broken off by one reload after another, a server's silence would
   * never be seen in full. Resolves when they have ended, after `withinMs`, or when `hurry` is aborted.
   */
  async drain(withinMs: number, hurry: AbortSignal): Promise<void> {
    await atMost(withinMs, this.#schedule.stop(), hurry);
  }

  /** How far each probe has come in its interval, for the generation after this one. */
  places(): ReadonlyMap<string, StartPlace> {
    return this.#schedule.places();
  }

  /** Ends everything: probes in flight are broken off, NITRO sessions logged out. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await Promise.all([this.#schedule.stop(), ...this.#watches.map((watch) => watch.stop())]);
  }

  /** For how long the scheduler has not come to evaluating, which it does every second, in milliseconds. */
  get idleMs(): number {
    return this.#options.monotonic() - this.#evaluatedAt;
  }

  recordOf(probeId: string): ProbeRecord | null {
    return this.#schedule.recordOf(probeId);
  }

  /** Runs one probe out of turn; nothing is booked. */
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

  /** After a stall, due evaluations use the clock without it: no grace ends while nothing could be read. */
  async #evaluate(): Promise<void> {
    const { monotonic } = this.#options;
    const heldMs = monotonic() - this.#evaluatedAt - EVALUATE_EVERY_MS;
    if (heldMs >= HELD_MS) {
      this.state.excludePause(heldMs);
      const unexplainedMs = Math.max(0, heldMs - this.#explainedStallMs);
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
