import type { Config } from "../config/schema.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { type AccountKeeper, namesByLockoutKey } from "./accounts/account-keeper.ts";
import { MessagePace } from "./accounts/gated-login.ts";
import { keeperOf } from "./accounts/open-keeper.ts";
import type { AgentEvents, Log } from "./events.ts";
import { Generation } from "./generation.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { readSince, restoreSince, writeSince } from "./since-store.ts";

const WRITE_SINCE_EVERY_MS = 60_000;

export interface AgentOptions {
  readonly config: Config;
  readonly events: AgentEvents;
  readonly log: Log;
  readonly declarations: Declarations;
  readonly now?: () => number;
  readonly monotonic?: () => number;
  /** How long the first login waits where no state file is found. Default: {@link FIRST_LOGIN_DELAY_MS}. */
  readonly firstLoginDelayMs?: number;
}

/**
 * An agent that lost its state directory does not know whether it has just been killed in the middle of a login: one that
 * is started again and again must not make a try of each start.
 */
const FIRST_LOGIN_DELAY_MS = 12_000;

/** The agent: the generation in force, and what outlives generations. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #messages: MessagePace;
  #keeper: AccountKeeper;
  #generation: Generation;
  #sinceTimer: NodeJS.Timeout | null = null;
  #sinceWriteFailed = false;
  /** Reloads and the stop, one after another. */
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(options: AgentOptions, keeper: AccountKeeper) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#messages = new MessagePace(this.#monotonic);
    this.#keeper = keeper;
    this.#generation = this.#make(options.config, null);
  }

  /** An agent that has not started yet; what earlier runs learnt about accounts is read from the state directory. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { config, firstLoginDelayMs = FIRST_LOGIN_DELAY_MS } = options;
    return new Agent(options, await keeperOf(config, firstLoginDelayMs));
  }

  get state(): WitnessState {
    return this.#generation.state;
  }

  get config(): Config {
    return this.#generation.config;
  }

  get generation(): Generation {
    return this.#generation;
  }

  /** Resolves when every ADC has been asked once. */
  async start(): Promise<void> {
    const stored = await readSince(this.config.stateDir);
    await this.#generation.start();
    if (this.#stopped) {
      return;
    }
    restoreSince(this.state, stored, this.#now());
    this.#sinceTimer = setInterval(() => {
      void this.#writeSince();
    }, WRITE_SINCE_EVERY_MS);
    this.#sinceTimer.unref();
  }

  /**
   * Brings a validated configuration into force; memory of what stays the same is kept. Resolves when every ADC has been
   * asked once; a stop need not wait for that.
   */
  async reload(config: Config): Promise<void> {
    let started: Promise<void> = Promise.resolve();
    await this.#inTurn(async () => {
      if (this.#stopped) {
        return;
      }
      const earlier = this.#generation;
      const { firstLoginDelayMs = FIRST_LOGIN_DELAY_MS } = this.#options;
      const isMoved = config.stateDir !== earlier.config.stateDir;
      const moved = isMoved ? await keeperOf(config, firstLoginDelayMs) : null;
      await earlier.stop();
      this.#keeper = moved ?? this.#keeper;
      this.#keeper.renew(namesByLockoutKey(config));
      this.#options.declarations.reconfigure(config.maintenance.windows);
      const next = this.#make(config, earlier);
      await next.inherit();
      this.#generation = next;
      started = next.start();
    });
    await started;
  }

  /** Ends all probing and logs out of NITRO. Any number of calls. */
  async stop(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#stopped) {
        return;
      }
      this.#stopped = true;
      if (this.#sinceTimer !== null) {
        clearInterval(this.#sinceTimer);
      }
      await this.#generation.stop();
      await this.#writeSince();
    });
  }

  #make(config: Config, earlier: Generation | null): Generation {
    const { events, log, declarations } = this.#options;
    return new Generation({
      config,
      events,
      log,
      declarations,
      keeper: this.#keeper,
      messages: this.#messages,
      now: this.#now,
      monotonic: this.#monotonic,
      earlier,
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const next = this.#turn.then(work);
    this.#turn = next.catch(() => undefined);
    await next;
  }

  async #writeSince(): Promise<void> {
    try {
      await writeSince(this.config.stateDir, this.state);
      this.#sinceWriteFailed = false;
    } catch (error) {
      // Said once: a full disk costs only the times of verdicts, never the watch itself.
      if (!this.#sinceWriteFailed) {
        this.#sinceWriteFailed = true;
        const message = error instanceof Error ? error.message : String(error);
        this.#options.log.warn({ error: message }, "the state directory does not take a write");
      }
    }
  }
}
