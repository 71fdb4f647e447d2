import type { Config } from "../config/schema.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { openAccountKeeper, type AccountKeeper, gatedPeople } from "./accounts/account-keeper.ts";
import { MessagePace } from "./accounts/gated-login.ts";
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
}

/** The agent: the generation in force, and what outlives generations. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #messages: MessagePace;
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
    this.#generation = this.#make(options.config, keeper, null);
  }

  /** An agent that has not started yet; what earlier runs learnt about accounts is read from the state directory. */
  static async open(options: AgentOptions): Promise<Agent> {
    return new Agent(options, await keeperOf(options.config, options.now ?? Date.now));
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
      const keeper = await keeperOf(config, this.#now);
      await earlier.stop();
      this.#options.declarations.reconfigure(config.maintenance.windows);
      const next = this.#make(config, keeper, earlier);
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

  #make(config: Config, keeper: AccountKeeper, earlier: Generation | null): Generation {
    const { events, log, declarations } = this.#options;
    return new Generation({
      config,
      events,
      log,
      declarations,
      keeper,
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

async function keeperOf(config: Config, now: () => number): Promise<AccountKeeper> {
  return openAccountKeeper({ stateDir: config.stateDir, people: gatedPeople(config), now });
}
