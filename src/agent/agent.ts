import { oneAtATime } from "../lib/pacing.ts";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { tryWriting, StorageWatch } from "../lib/durable-file.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import {
  type AccountKeeper,
  namesByLockoutKey,
  openConfiguredKeeper,
} from "./accounts/account-keeper.ts";
import { MessageRateLimit } from "./accounts/gated-login.ts";
import type { AgentEvents } from "./run-probe.ts";
import type { Log } from "../lib/log.ts";
import { AgentRun } from "./agent-run.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { readSince, restoreSince, SINCE_FILE, writeSince } from "./kept-state.ts";
import { NameMemory } from "../net/name-memory.ts";
import { SchemeMemory } from "../net/network.ts";
import { SecretBindings } from "./secret-bindings.ts";

const WRITE_SINCE_EVERY_MS = 60_000;
/** Maximum time a reload waits for running probes: longer than most monitors' timeouts. */
const DRAIN_MS = 5_000;
/** How often the state directory is tried, and with how much: a block of most file systems. */
const TRY_STORAGE_EVERY_MS = 30_000;
const TRIED_BYTES = 4_096;

export interface AgentOptions {
  readonly config: Config;
  readonly events: AgentEvents;
  readonly log: Log;
  readonly declarations: Declarations;
  /** What is known of the state directory, shared with the store of windows; default: one of its own. */
  readonly storage?: StorageWatch;
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
  readonly #messages: MessageRateLimit;
  #keeper: AccountKeeper;
  readonly #schemes = new SchemeMemory();
  readonly #resolved = new NameMemory();
  readonly #bindings = new SecretBindings();
  #generation: AgentRun;
  #sinceTimer: NodeJS.Timeout | null = null;
  #storageTimer: NodeJS.Timeout | null = null;
  #tryingStorage = false;
  /** One write may take longer than the pause before the next, and a stop may come in the middle of one. */
  readonly #writesInTurn = oneAtATime();
  #writingSince = false;
  readonly #storage: StorageWatch;
  /** Reloads and the stop, one after another. */
  readonly #inTurn = oneAtATime();
  #stopped = false;
  readonly #stopping = new AbortController();

  private constructor(options: AgentOptions, keeper: AccountKeeper, storage: StorageWatch) {
    this.#options = options;
    this.#storage = storage;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#messages = new MessageRateLimit(this.#monotonic);
    this.#keeper = keeper;
    this.#generation = this.#make(options.config, null);
  }

  /** An agent that has not started yet; what earlier runs learnt about accounts is read from the state directory. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { config, log, firstLoginDelayMs = FIRST_LOGIN_DELAY_MS } = options;
    const storage = options.storage ?? new StorageWatch(log);
    return new Agent(
      options,
      await openConfiguredKeeper(config, firstLoginDelayMs, storage),
      storage,
    );
  }

  get state(): WitnessState {
    return this.#generation.state;
  }

  get config(): Config {
    return this.#generation.config;
  }

  get generation(): AgentRun {
    return this.#generation;
  }

  /** Resolves when every ADC has been asked once. */
  async start(): Promise<void> {
    const stored = await readSince(this.config.stateDir, this.#storage);
    void this.#tryStorage();
    this.#storageTimer = setInterval(() => void this.#tryStorage(), TRY_STORAGE_EVERY_MS);
    this.#storageTimer.unref();
    await this.#generation.start();
    if (this.#stopped) {
      return;
    }
    restoreSince(this.state, stored, this.#now());
    this.#sinceTimer = setInterval(() => {
      if (!this.#writingSince) {
        void this.#writesInTurn(() => this.#writeSince());
      }
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
      const moved = isMoved
        ? await openConfiguredKeeper(config, firstLoginDelayMs, this.#storage)
        : null;
      await earlier.drain(DRAIN_MS, this.#stopping.signal);
      await earlier.stop();
      this.#keeper = moved ?? this.#keeper;
      this.#keeper.reconfigure(namesByLockoutKey(config));
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
    this.#stopping.abort();
    await this.#inTurn(async () => {
      if (this.#stopped) {
        return;
      }
      this.#stopped = true;
      for (const timer of [this.#sinceTimer, this.#storageTimer]) {
        if (timer !== null) {
          clearInterval(timer);
        }
      }
      // An ADC that hangs must not cost the times: the process may be ended before it answers.
      await Promise.all([this.#generation.stop(), this.#writesInTurn(() => this.#writeSince())]);
    });
  }

  #make(config: Config, earlier: AgentRun | null): AgentRun {
    const { events, log, declarations } = this.#options;
    return new AgentRun({
      config,
      events,
      log,
      declarations,
      keeper: this.#keeper,
      storage: this.#storage,
      messages: this.#messages,
      schemes: this.#schemes,
      resolved: this.#resolved,
      bindings: this.#bindings,
      now: this.#now,
      monotonic: this.#monotonic,
      earlier,
    });
  }

  /** A full disk costs the times of verdicts, and logins, never the watch itself. */
  async #writeSince(): Promise<void> {
    const { stateDir } = this.config;
    const path = join(stateDir, SINCE_FILE);
    this.#writingSince = true;
    try {
      await writeSince(stateDir, this.state);
      this.#storage.written(path);
    } catch (error) {
      this.#storage.refused(path, error);
    } finally {
      this.#writingSince = false;
    }
  }

  /** A disk that has filled up is known before the next login needs it. */
  async #tryStorage(): Promise<void> {
    if (this.#tryingStorage) {
      // A file system that hangs keeps a thread of Node's pool: one is enough.
      return;
    }
    const { stateDir } = this.config;
    this.#tryingStorage = true;
    try {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      await tryWriting(stateDir, TRIED_BYTES);
      this.#storage.written(stateDir);
    } catch (error) {
      this.#storage.refused(stateDir, error);
    } finally {
      this.#tryingStorage = false;
    }
  }
}
