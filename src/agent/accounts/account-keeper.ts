import { oneAtATime } from "../../lib/pacing.ts";
import { errorMessage } from "../../lib/log.ts";
import { append } from "../../lib/steps.ts";
import type { Sealed } from "../../lib/secret.ts";
import { randomUUID, scrypt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { AdcConfig, Config } from "../../config/schema.ts";
import { lockoutKeyOf } from "../../probes/monitors/spec.ts";
import {
  beginNitroLogin,
  decideNitroLogin,
  endNitroLogin,
  waitForOthers,
  type NitroBegin,
  type NitroLoginGate,
  type NitroLogins,
} from "../../adc/nitro/login-gate.ts";
import {
  timeAt,
  type ClockReading,
  boundedGates,
  decodeLoginState,
  encodeLoginState,
  MAX_KEYS,
  type LoginState,
  type SecretBinding,
  machineClock,
} from "./login-state.ts";
import {
  readRegularFile,
  replaceFile,
  quarantineFile,
  type StorageWatch,
} from "../../lib/durable-file.ts";
import { takeLock } from "../../lib/lock.ts";
import {
  decideLogin,
  type GateDecision,
} from "../../probes/transactions/account-gate/decide-login.ts";
import {
  initialGate,
  SUSPENSION_MS,
  type BrokenEndpoint,
  type GateState,
  type LoginEndpoint,
  stepGate,
  type GateEvent,
  extendAwaited,
  suspendedUntil,
} from "../../probes/transactions/account-gate/gate.ts";
import type { LoginOutcome } from "../../model/observation.ts";

/** Account names in the configuration, by lockout key. Monitors whose user is only in the estate are not included. */
export function namesByLockoutKey(config: Config): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  const add = (username: string, name: string): void => {
    const key = lockoutKeyOf(username);
    append(names, key, name);
  };
  for (const account of config.transactions.accounts) {
    add(account.username, account.name);
  }
  for (const [name, { username, password }] of config.monitors) {
    if (username !== null && password !== null) {
      add(username, `monitor ${name}`);
    }
  }
  return names;
}

/** The account for NITRO requests to an ADC. */
export function nitroAccount(
  adc: string,
  { username, password }: NonNullable<AdcConfig["nitro"]>,
): NitroAccount {
  return { adc, username, password: password.reveal() };
}

export const ACCOUNTS_FILE = "accounts.json";
const LOCK_FILE = "accounts.lock";
/** How long a login waits for another process that holds the lock. */
const MAX_LOCK_WAIT_MS = 1_000;
/** How often, and how many times, a NITRO login checks whether other logins with the same password have ended. */
const WAIT_FOR_OTHERS_MS = 100;
const MAX_WAITS_FOR_OTHERS = 30;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** A user name and password, as sent. */
export interface Credential {
  readonly lockoutKey: string;
  readonly secret: Sealed;
  /** Its name in the configuration: of an account, or `monitor NAME`. */
  readonly name: string;
}

export type BeginResult =
  | { readonly kind: "begun"; readonly id: string }
  | Extract<GateDecision, { kind: "wait" }>
  /** The history of earlier logins is lost: the first login waits. */
  | { readonly kind: "wait"; readonly why: "starting"; readonly waitMs: number }
  | StateFailure;

/** The state directory is unusable, or another process holds its lock: no login is safe without it. */
export interface StateFailure {
  readonly kind: "failed";
  readonly why: "state_locked" | "state_unusable";
  readonly message: string;
}

/**
 * Keeps the gates of all accounts in the state directory, which several processes may share. Every decision is made and
 * stored under a lock before the login starts, so that neither a crash nor a second process causes one login too many.
 */
export interface AccountKeeper {
  /**
   * Asks for permission to log in. `lastsMs`: the login counts as unanswered after this time. `recoveredMsAgo`: how long
   * ago another probe of that endpoint last recovered; null: none did.
   */
  readonly begin: (
    credential: Credential,
    endpoint: LoginEndpoint,
    lastsMs: number,
    recoveredMsAgo?: number | null,
  ) => Promise<BeginResult>;
  /** Why a login would have to wait now; null: it might begin. Nothing is begun, and nothing is stored. */
  readonly whyWait: (
    credential: Credential,
    endpoint: LoginEndpoint,
    recoveredMsAgo: number | null,
  ) => Promise<Exclude<BeginResult, { kind: "begun" }> | null>;
  /** Reports the outcome of a login; returns the endpoints where rejections turn out to be the endpoint's fault. */
  readonly end: (
    lockoutKey: string,
    id: string,
    outcome: LoginOutcome,
  ) => Promise<readonly BrokenEndpoint[]>;
  /** Accounts that are suspended now, as last read; `until` is in milliseconds since the epoch. */
  readonly suspended: () => readonly { readonly account: string; readonly until: number }[];
  /** A new configuration is in force, and its secrets replace the earlier ones. `names`: its account names by lockout key. */
  readonly reconfigure: (names: ReadonlyMap<string, readonly string[]>) => void;
  /** The gate of an ADC's own account. */
  readonly nitroGate: (account: NitroAccount) => NitroLoginGate;
  /**
   * The bindings of these monitor secrets, by ADC and monitor: the stored one if the entry in the configuration is the same,
   * else the given one, which is then stored. Null: the state directory is unusable.
   */
  readonly bindSecrets: (
    wanted: ReadonlyMap<string, WantedBinding>,
  ) => Promise<ReadonlyMap<string, SecretBinding> | null>;
}

/** A binding whose `entry` is not yet a fingerprint: it contains secrets in the clear. */
export type WantedBinding = Omit<SecretBinding, "entry"> & { readonly entry: Sealed };

interface NitroAccount {
  readonly adc: string;
  readonly username: string;
  readonly password: string;
}

interface MutableLoginState {
  /** There was no state file. */
  readonly isNew: boolean;
  readonly gates: Map<string, GateState>;
  readonly nitro: Map<string, NitroLogins>;
  readonly bindings: Map<string, SecretBinding>;
  readonly firstLoginAt: number;
}

/** Changes the state; `changed`: it must be written. */
type Update<T> = (
  state: MutableLoginState,
  at: number,
) => { readonly result: T; readonly changed: boolean };

interface AccountKeeperOptions {
  readonly stateDir: string;
  readonly clock: () => ClockReading;
  /** How long the first login waits if there is no state file, because it may have been lost. */
  readonly firstLoginDelayMs: number;
  /** Receives failures of the state directory, and files that were set aside. */
  readonly storage?: StorageWatch;
}

export async function openAccountKeeper(options: AccountKeeperOptions): Promise<AccountKeeper> {
  const keeper = new Keeper(options);
  await keeper.read();
  return keeper;
}

class Keeper implements AccountKeeper {
  readonly #options: AccountKeeperOptions;
  readonly #file: string;
  #known: LoginState = EMPTY;
  /** Replaces a file that was set aside, until it is written, so that no suspension is lost in between. */
  #unwritten: LoginState | null = null;
  /** The last write failed: the next update is written even without a change, to notice when writing works again. */
  #failing = false;
  readonly #inTurn = oneAtATime();
  /** Logins in progress in this process. */
  readonly #inProgress = new Set<string>();
  /** Account names by lockout key: of the configuration, and of all logins so far. */
  #names = new Map<string, Set<string>>();
  readonly #fingerprints = new Map<string, Promise<string>>();
  /** Fingerprints of secrets by lockout key: of the configuration in force, and of earlier ones. */
  #currentFingerprints: ReadonlyMap<string, string> = new Map();
  #earlierFingerprints: ReadonlyMap<string, string> = new Map();
  /** Used while the state directory is unusable: NITRO is still polled. */
  readonly #nitro = new Map<string, NitroLogins>();

  constructor(options: AccountKeeperOptions) {
    this.#options = options;
    this.#file = join(options.stateDir, ACCOUNTS_FILE);
  }

  /** Reads the file at the start, so that suspensions are shown and a damaged file is set aside before the first login. */
  async read(): Promise<void> {
    const read = await readRegularFile(this.#file, MAX_FILE_BYTES);
    const state = read.kind === "text" ? decodeLoginState(read.text) : null;
    this.#known = state ?? EMPTY;
    if (state === null && read.kind !== "missing" && this.#options.storage !== undefined) {
      await this.#update(() => ({ result: null, changed: false }));
    }
  }

  async begin(
    credential: Credential,
    endpoint: LoginEndpoint,
    lastsMs: number,
    recoveredMsAgo: number | null = null,
  ): Promise<BeginResult> {
    const { lockoutKey, secret, name } = credential;
    this.#addName(lockoutKey, name);
    const mark = await this.#fingerprint(`account ${lockoutKey}`, secret.reveal());
    const begun = await this.#update<BeginResult>((state, at) => {
      const starting = stillStarting(state, at);
      if (starting !== null) {
        return { result: starting, changed: state.isNew };
      }
      const adopts = this.#adopt(state, lockoutKey, mark, at);
      const decision = decideIn(state, lockoutKey, endpoint, at, mark, recoveredMsAgo);
      if (decision.kind === "wait") {
        return { result: decision, changed: adopts };
      }
      step(state, lockoutKey, { kind: "secret", mark, at });
      const id = randomUUID();
      step(state, lockoutKey, { kind: "started", id, place: endpoint, deadline: at + lastsMs, at });
      return { result: { kind: "begun", id }, changed: true };
    });
    if (begun.kind === "begun") {
      this.#inProgress.add(begun.id);
    }
    return begun;
  }

  async whyWait(
    { lockoutKey, secret }: Credential,
    endpoint: LoginEndpoint,
    recoveredMsAgo: number | null,
  ): Promise<Exclude<BeginResult, { kind: "begun" }> | null> {
    const mark = await this.#fingerprint(`account ${lockoutKey}`, secret.reveal());
    return this.#update((state, at) => {
      const decision =
        stillStarting(state, at) ?? decideIn(state, lockoutKey, endpoint, at, mark, recoveredMsAgo);
      return { result: decision.kind === "wait" ? decision : null, changed: false };
    });
  }

  async end(
    lockoutKey: string,
    id: string,
    outcome: LoginOutcome,
  ): Promise<readonly BrokenEndpoint[]> {
    const ended = await this.#update((state, at) => {
      const before = new Set(gateIn(state, lockoutKey).broken.map(endpointAndTime));
      const { broken } = step(state, lockoutKey, { kind: outcome, id, at });
      return { result: broken.filter((each) => !before.has(endpointAndTime(each))), changed: true };
    });
    this.#inProgress.delete(id);
    return "kind" in ended ? [] : ended;
  }

  suspended(): readonly { readonly account: string; readonly until: number }[] {
    const reading = this.#options.clock();
    const at = timeAt(this.#known.clock, reading);
    return [...this.#known.gates].flatMap(([lockoutKey, gate]) => {
      const until = suspendedUntil(extendAwaited(gate, this.#inProgress, at), at);
      const names = this.#names.get(lockoutKey) ?? [];
      return until === null
        ? []
        : [...names].map((account) => ({ account, until: reading.wallMs + until - at }));
    });
  }

  reconfigure(names: ReadonlyMap<string, readonly string[]>): void {
    this.#names = new Map([...names].map(([key, each]) => [key, new Set(each)]));
    this.#earlierFingerprints = new Map(
      [...this.#earlierFingerprints, ...this.#currentFingerprints].slice(-MAX_KEYS),
    );
    this.#currentFingerprints = new Map();
    this.#fingerprints.clear();
  }

  nitroGate({ adc, username, password }: NitroAccount): NitroLoginGate {
    const account = `${adc} ${username}`;
    return {
      begin: async (lastsMs) => {
        // Per user, not per ADC: several appliances may check the same user in one directory.
        const secret = await this.#fingerprint(`nitro ${username}`, password);
        const id = randomUUID();
        for (let tries = 1; ; tries += 1) {
          const begun = await this.#updateNitro<NitroBegin | "soon">(account, (logins, at, all) => {
            const others = [...all].flatMap(([key, each]) => (key === account ? [] : [each]));
            const wait = waitForOthers(others, secret, at);
            if (wait?.soon === true && tries <= MAX_WAITS_FOR_OTHERS) {
              return { result: "soon", next: logins };
            }
            const own = decideNitroLogin(logins, secret, at);
            const decision =
              own.kind === "allowed" && wait !== null ? { kind: "wait" as const, ...wait } : own;
            return decision.kind === "allowed"
              ? {
                  result: { kind: "begun", id },
                  next: beginNitroLogin(logins, secret, { id, at, deadline: at + lastsMs }),
                }
              : { result: this.#toWallTime(decision, at), next: logins };
          });
          if (begun !== "soon") {
            return begun;
          }
          await sleep(WAIT_FOR_OTHERS_MS);
        }
      },
      end: (id, end) =>
        this.#updateNitro(account, (logins, at) => ({
          result: undefined,
          next: logins === null ? null : endNitroLogin(logins, id, end, at),
        })),
    };
  }

  async bindSecrets(
    wanted: ReadonlyMap<string, WantedBinding>,
  ): Promise<ReadonlyMap<string, SecretBinding> | null> {
    if (wanted.size === 0) {
      return new Map();
    }
    const made = new Map<string, SecretBinding>();
    for (const [key, binding] of wanted) {
      const entry = await this.#fingerprint(`monitor ${key}`, binding.entry.reveal());
      made.set(key, { ...binding, entry });
    }
    const bound = await this.#update((state) => {
      const fresh = [...made].filter(
        ([key, { entry }]) => state.bindings.get(key)?.entry !== entry,
      );
      for (const [key, binding] of fresh) {
        state.bindings.set(key, binding);
      }
      const result = new Map([...made].map(([key, own]) => [key, state.bindings.get(key) ?? own]));
      return { result, changed: fresh.length > 0 };
    });
    return "kind" in bound ? null : bound;
  }

  async #updateNitro<T>(
    account: string,
    work: (
      logins: NitroLogins | null,
      at: number,
      all: ReadonlyMap<string, NitroLogins>,
    ) => { readonly result: T; readonly next: NitroLogins | null },
  ): Promise<T> {
    const apply = (all: Map<string, NitroLogins>, at: number): T => {
      const { result, next } = work(all.get(account) ?? null, at, all);
      if (next !== null) {
        all.set(account, next);
        this.#nitro.set(account, next);
      }
      return result;
    };
    const done = await this.#update((state, at) => {
      const before = state.nitro.get(account);
      const value = apply(state.nitro, at);
      return { result: { value }, changed: state.nitro.get(account) !== before };
    });
    // Without the file, this process alone still sends no rejected password twice.
    return "kind" in done
      ? apply(this.#nitro, timeAt(this.#known.clock, this.#options.clock()))
      : done.value;
  }

  #toWallTime(decision: Exclude<NitroBegin, { kind: "begun" }>, at: number): NitroBegin {
    const aheadMs = this.#options.clock().wallMs - at;
    if (decision.kind === "wait") {
      return { kind: "wait", until: decision.until + aheadMs };
    }
    const { rejection, until } = decision;
    return {
      kind: "stopped",
      rejection: { ...rejection, since: rejection.since + aheadMs, at: rejection.at + aheadMs },
      until: until === null ? null : until + aheadMs,
    };
  }

  /**
   * At its first login, the secret of a new configuration replaces the earlier one, unless that one works and belongs to
   * another process. Returns whether the state has changed.
   */
  #adopt(state: MutableLoginState, lockoutKey: string, mark: string, at: number): boolean {
    if (this.#currentFingerprints.has(lockoutKey)) {
      return false;
    }
    this.#currentFingerprints = new Map(
      [...this.#currentFingerprints, [lockoutKey, mark] as const].slice(-MAX_KEYS),
    );
    const { secret, proven } = gateIn(state, lockoutKey);
    if (secret === mark || (proven && this.#earlierFingerprints.get(lockoutKey) !== secret)) {
      return false;
    }
    step(state, lockoutKey, { kind: "secret", mark, at });
    return true;
  }

  #addName(lockoutKey: string, name: string): void {
    const names = this.#names.get(lockoutKey) ?? new Set();
    if (names.size > 0 || this.#names.size < MAX_KEYS) {
      this.#names.set(lockoutKey, names.add(name));
    }
  }

  /** Updates run one after another in this process, and under a lock between processes. */
  #update<T>(work: Update<T>): Promise<T | StateFailure> {
    return this.#inTurn(() => this.#underLock(work));
  }

  async #underLock<T>(work: Update<T>): Promise<T | StateFailure> {
    const { stateDir, storage } = this.#options;
    const refused = (error: unknown): StateFailure => {
      this.#failing = true;
      storage?.refused(this.#file, error);
      return unusable(errorMessage(error));
    };
    try {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
    } catch (error) {
      return refused(error);
    }
    const taken = await takeLock(join(stateDir, LOCK_FILE), {
      patienceMs: MAX_LOCK_WAIT_MS,
      watch: storage,
    });
    if (taken.kind === "busy") {
      return {
        kind: "failed",
        why: "state_locked",
        message: "another process holds the lock on accounts.json",
      };
    }
    if (taken.kind === "failed") {
      return refused(taken.message);
    }
    try {
      return await this.#updateFile(work);
    } catch (error) {
      return refused(error);
    } finally {
      await taken.lock.release().catch(() => undefined);
    }
  }

  async #updateFile<T>(work: Update<T>): Promise<T> {
    const { state: read, isNew } = await this.#readState();
    const reading = this.#options.clock();
    const at = timeAt(read.clock, reading);
    const state: MutableLoginState = {
      isNew,
      gates: new Map(
        [...read.gates].map(([key, gate]) => [key, extendAwaited(gate, this.#inProgress, at)]),
      ),
      nitro: new Map(read.nitro),
      bindings: new Map(read.bindings),
      firstLoginAt: read.firstLoginAt,
    };
    const { result, changed } = work(state, at);
    const { gates, nitro, firstLoginAt, bindings } = state;
    const next: LoginState = {
      gates: boundedGates(gates),
      nitro,
      bindings: new Map([...bindings].slice(-MAX_KEYS)),
      firstLoginAt,
      clock: { ...reading, at },
    };
    // After a restart of the machine, the stored time continues from here, even if the wall clock is set later.
    if (changed || this.#failing || isNew || read.clock?.run !== reading.run) {
      await replaceFile(this.#file, encodeLoginState(next));
      this.#unwritten = null;
      this.#failing = false;
      this.#options.storage?.written(this.#file);
    }
    this.#known = next;
    return result;
  }

  /** The state on disk. An unreadable file may contain rejections, so every account then waits for the suspension time. */
  async #readState(): Promise<{ readonly state: LoginState; readonly isNew: boolean }> {
    if (this.#unwritten !== null) {
      return { state: this.#unwritten, isNew: true };
    }
    const { clock, firstLoginDelayMs, storage } = this.#options;
    const now = clock().wallMs;
    const read = await readRegularFile(this.#file, MAX_FILE_BYTES);
    if (read.kind === "missing") {
      return { state: { ...EMPTY, firstLoginAt: now + firstLoginDelayMs }, isNew: true };
    }
    if (read.kind === "failed") {
      throw new Error(read.code);
    }
    const state = read.kind === "text" ? decodeLoginState(read.text) : null;
    if (state !== null) {
      return { state, isNew: false };
    }
    const aside = await quarantineFile(this.#file, now);
    const why = read.kind === "unfit" ? read.why : "damaged or written by another version";
    storage?.reportQuarantined(
      this.#file,
      aside,
      why,
      "no account logs in until the suspension time has passed",
    );
    this.#unwritten = { ...EMPTY, firstLoginAt: now + SUSPENSION_MS };
    return { state: this.#unwritten, isNew: true };
  }

  /** Identifies a secret without revealing it; too slow to compute for guessing. */
  #fingerprint(purpose: string, secret: string): Promise<string> {
    const key = JSON.stringify([purpose, secret]);
    if (this.#fingerprints.size >= MAX_KEYS) {
      this.#fingerprints.clear();
    }
    const known = this.#fingerprints.get(key);
    const made = known ?? secretFingerprint(purpose, secret);
    this.#fingerprints.set(key, made);
    return made;
  }
}

const EMPTY: LoginState = {
  clock: null,
  firstLoginAt: 0,
  gates: new Map(),
  nitro: new Map(),
  bindings: new Map(),
};

async function secretFingerprint(purpose: string, secret: string): Promise<string> {
  const derive = promisify<string, string, number, Buffer>(scrypt);
  return (await derive(secret, `adc-witness ${purpose}`, 16)).toString("hex");
}

/** The wait for the first login; null: it is over. */
function stillStarting({ firstLoginAt }: MutableLoginState, at: number) {
  const waitMs = firstLoginAt - at;
  return waitMs > 0 ? ({ kind: "wait", why: "starting", waitMs } as const) : null;
}

function decideIn(
  state: MutableLoginState,
  lockoutKey: string,
  endpoint: LoginEndpoint,
  at: number,
  mark: string,
  recoveredMsAgo: number | null,
): GateDecision {
  const recoveredAt = at - (recoveredMsAgo ?? Infinity);
  return decideLogin(gateIn(state, lockoutKey), endpoint, at, mark, recoveredAt);
}

function gateIn(state: MutableLoginState, lockoutKey: string): GateState {
  return state.gates.get(lockoutKey) ?? initialGate();
}

function step(state: MutableLoginState, lockoutKey: string, event: GateEvent): GateState {
  const next = stepGate(gateIn(state, lockoutKey), event);
  state.gates.set(lockoutKey, next);
  return next;
}

function endpointAndTime({ key, until }: BrokenEndpoint): string {
  return `${key} ${String(until)}`;
}

function unusable(message: string): StateFailure {
  return { kind: "failed", why: "state_unusable", message };
}

/** Opens the keeper for a configuration's state directory, with this machine's clocks. */
export async function openKeeper(
  config: Config,
  firstLoginDelayMs: number,
  storage?: StorageWatch,
): Promise<AccountKeeper> {
  const keeper = await openAccountKeeper({
    stateDir: config.stateDir,
    clock: await machineClock(),
    firstLoginDelayMs,
    ...(storage === undefined ? {} : { storage }),
  });
  keeper.reconfigure(namesByLockoutKey(config));
  return keeper;
}
