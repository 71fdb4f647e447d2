import { oneAtATime } from "../lib/pacing.ts";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { tryWriting, StorageWatch } from "../lib/durable-file.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { type AccountKeeper, namesByLockoutKey, openKeeper } from "./accounts/account-keeper.ts";
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
/** How often a test file is written to the state directory, and its size: one block of most file systems. */
const CHECK_STORAGE_EVERY_MS = 30_000;
const TEST_FILE_BYTES = 4_096;

export interface AgentOptions {
  readonly config: Config;
  readonly events: AgentEvents;
  readonly log: Log;
  readonly declarations: Declarations;
  /** Health of the state directory, shared with the store of windows; default: a new one. */
  readonly storage?: StorageWatch;
  readonly now?: () => number;
  readonly monotonic?: () => number;
  /** How long the first login waits if there is no state file. Default: {@link FIRST_LOGIN_DELAY_MS}. */
  readonly firstLoginDelayMs?: number;
}

/**
 * Without its state directory, an agent cannot know whether it was killed during a login. The delay keeps an agent that
 * crashes and restarts in a loop from logging in at each start.
 */
const FIRST_LOGIN_DELAY_MS = 12_000;

/** The agent: the current run, and what survives reloads. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #messages: MessageRateLimit;
  #keeper: AccountKeeper;
  readonly #schemes = new SchemeMemory();
  readonly #resolved = new NameMemory();
  readonly #bindings = new SecretBindings();
  #run: AgentRun;
  #sinceTimer: NodeJS.Timeout | null = null;
  #storageTimer: NodeJS.Timeout | null = null;
  #checkingStorage = false;
  /** A write may take longer than the interval, and a stop may come during a write. */
  readonly #writesInTurn = oneAtATime();
  #writingSince = false;
  readonly #storage: StorageWatch;
  /** Runs reloads and the stop one after another. */
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
    this.#run = this.#createRun(options.config, null);
  }

  /** Creates an agent without starting it; reads the state of accounts from the state directory. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { config, log, firstLoginDelayMs = FIRST_LOGIN_DELAY_MS } = options;
    const storage = options.storage ?? new StorageWatch(log);
    return new Agent(options, await openKeeper(config, firstLoginDelayMs, storage), storage);
  }

  get state(): WitnessState {
    return this.#run.state;
  }

  get config(): Config {
    return this.#run.config;
  }

  get run(): AgentRun {
    return this.#run;
  }

  /** Resolves when every ADC has been polled once. */
  async start(): Promise<void> {
    const stored = await readSince(this.config.stateDir, this.#storage);
    void this.#checkStorage();
    this.#storageTimer = setInterval(() => void this.#checkStorage(), CHECK_STORAGE_EVERY_MS);
    this.#storageTimer.unref();
    await this.#run.start();
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
   * Replaces the configuration by a validated one and keeps the memory of what is unchanged. Resolves when every ADC has been
   * polled once; a stop does not wait for that.
   */
  async reload(config: Config): Promise<void> {
    let started: Promise<void> = Promise.resolve();
    await this.#inTurn(async () => {
      if (this.#stopped) {
        return;
      }
      const earlier = this.#run;
      const { firstLoginDelayMs = FIRST_LOGIN_DELAY_MS } = this.#options;
      const isMoved = config.stateDir !== earlier.config.stateDir;
      const moved = isMoved ? await openKeeper(config, firstLoginDelayMs, this.#storage) : null;
      await earlier.drain(DRAIN_MS, this.#stopping.signal);
      await earlier.stop();
      this.#keeper = moved ?? this.#keeper;
      this.#keeper.reconfigure(namesByLockoutKey(config));
      this.#options.declarations.reconfigure(config.maintenance.windows);
      const next = this.#createRun(config, earlier);
      await next.inherit();
      this.#run = next;
      started = next.start();
    });
    await started;
  }

  /** Stops all probing and logs out of NITRO. May be called repeatedly. */
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
      // Write at once: the process may be killed before an ADC that hangs answers the logout.
      await Promise.all([this.#run.stop(), this.#writesInTurn(() => this.#writeSince())]);
    });
  }

  #createRun(config: Config, earlier: AgentRun | null): AgentRun {
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

  /** If the disk is full, verdict times are lost and logins stop, but monitoring continues. */
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

  /** Notices a full disk before the next login needs it. */
  async #checkStorage(): Promise<void> {
    if (this.#checkingStorage) {
      // A file system that hangs blocks a thread of Node's pool: only one.
      return;
    }
    const { stateDir } = this.config;
    this.#checkingStorage = true;
    try {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      await tryWriting(stateDir, TEST_FILE_BYTES);
      this.#storage.written(stateDir);
    } catch (error) {
      this.#storage.refused(stateDir, error);
    } finally {
      this.#checkingStorage = false;
    }
  }
}
