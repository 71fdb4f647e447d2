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
  decodeBook,
  encodeBook,
  MAX_KEYS,
  type LoginBook,
  type SecretBinding,
  machineClock,
} from "./login-book.ts";
import {
  readRegularFile,
  replaceFile,
  setAside,
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
  type LoginPlace,
  stepGate,
  type GateEvent,
  stillAwaited,
  suspendedUntil,
} from "../../probes/transactions/account-gate/gate.ts";
import type { LoginOutcome } from "../../model/observation.ts";

/** What the configuration calls those who log in, by lockout key. A monitor whose user stands in the estate alone is not among them. */
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

/** The account that an ADC is asked with. */
export function nitroAccount(
  adc: string,
  { username, password }: NonNullable<AdcConfig["nitro"]>,
): NitroAccount {
  return { adc, username, password: password.reveal() };
}

export const ACCOUNTS_FILE = "accounts.json";
const LOCK_FILE = "accounts.lock";
/** How long a login waits for another process that is changing the accounts. */
const LOCK_PATIENCE_MS = 1_000;
/** How often, and how many times, a NITRO login looks whether those of the same password elsewhere have ended. */
const WAIT_FOR_OTHERS_MS = 100;
const MAX_WAITS_FOR_OTHERS = 30;
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Who logs in, as it will be on the wire. */
export interface Credential {
  readonly lockoutKey: string;
  readonly secret: Sealed;
  /** What the configuration calls it: an account, or `monitor NAME`. */
  readonly name: string;
}

export type BeginResult =
  | { readonly kind: "begun"; readonly id: string }
  | Extract<GateDecision, { kind: "wait" }>
  /** What was known of earlier logins is lost: the first waits. */
  | { readonly kind: "wait"; readonly why: "starting"; readonly waitMs: number }
  | StateFailure;

/** The state directory cannot be read or written, or another process holds it: without it no login is safe. */
export interface StateFailure {
  readonly kind: "failed";
  readonly why: "state_locked" | "state_unusable";
  readonly message: string;
}

/**
 * Holds the gates of all accounts in the state directory, which several processes may share: every decision is made and
 * written down under a lock before a login begins, so that no crash and no second process makes one login too many.
 */
export interface AccountKeeper {
  /**
   * `lastsMs`: when the login counts as unanswered, in milliseconds from now. `recoveredMsAgo`: how long ago another probe
   * of that place last recovered; null: none did.
   */
  readonly begin: (
    credential: Credential,
    place: LoginPlace,
    lastsMs: number,
    recoveredMsAgo?: number | null,
  ) => Promise<BeginResult>;
  /** Tells how a login ended; returns the places that this has shown to be at fault. */
  readonly end: (
    lockoutKey: string,
    id: string,
    outcome: LoginOutcome,
  ) => Promise<readonly BrokenEndpoint[]>;
  /** Accounts that are suspended now, as last known; `until` is the wall clock's, milliseconds since the epoch. */
  readonly suspended: () => readonly { readonly account: string; readonly until: number }[];
  /**
   * Another configuration is in force: its secrets take the place of those before. `names`: what it calls the accounts, by
   * lockout key, as far as it alone tells.
   */
  readonly renew: (names: ReadonlyMap<string, readonly string[]>) => void;
  /** The gate of an ADC's own account. */
  readonly nitroGate: (account: NitroAccount) => NitroLoginGate;
  /**
   * What these secrets of monitors are bound to, by ADC and monitor: what was written down for the same entry of the
   * configuration, else what is given here, from now on. Null: the state directory cannot tell.
   */
  readonly bindSecrets: (
    wanted: ReadonlyMap<string, WantedBinding>,
  ) => Promise<ReadonlyMap<string, SecretBinding> | null>;
}

/** A binding, with the text that distinguishes one entry of the configuration from another: its secrets, in the clear. */
export type WantedBinding = Omit<SecretBinding, "entry"> & { readonly entry: Sealed };

interface NitroAccount {
  readonly adc: string;
  readonly username: string;
  readonly password: string;
}

interface OpenBook {
  /** There was no file to read. */
  readonly isNew: boolean;
  readonly gates: Map<string, GateState>;
  readonly nitro: Map<string, NitroLogins>;
  readonly bindings: Map<string, SecretBinding>;
  readonly firstLoginAt: number;
}

/** What becomes of the book at a moment, and whether that is to be written down. */
type Change<T> = (book: OpenBook, at: number) => { readonly result: T; readonly changed: boolean };

interface AccountKeeperOptions {
  readonly stateDir: string;
  readonly clock: () => ClockReading;
  /** How long the first login waits where no state file is found: it may have been lost with what it knew. */
  readonly firstLoginDelayMs: number;
  /** Hears what the state directory refuses, and of a file that was set aside. */
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
  #known: LoginBook = EMPTY;
  /** What stands for a file that was set aside, until it is written: nobody's suspension may be lost in between. */
  #unwritten: LoginBook | null = null;
  /** The last change was refused: the next one is written in any case, to see whether that is over. */
  #failing = false;
  readonly #inTurn = oneAtATime();
  /** Logins that have begun here, and whose end will be reported. */
  readonly #awaited = new Set<string>();
  /** Names in the configuration, by lockout key: those it lists, and those who have come for a login. */
  #names = new Map<string, Set<string>>();
  readonly #fingerprints = new Map<string, Promise<string>>();
  /** Fingerprints that the configuration in force came with, and the one before it. */
  #adopted: ReadonlyMap<string, string> = new Map();
  #earlier: ReadonlyMap<string, string> = new Map();
  /** Used where the state directory fails: NITRO is asked all the same. */
  readonly #nitro = new Map<string, NitroLogins>();

  constructor(options: AccountKeeperOptions) {
    this.#options = options;
    this.#file = join(options.stateDir, ACCOUNTS_FILE);
  }

  /** What is known is shown from the start; a file that cannot be used is set aside then, not at the first login. */
  async read(): Promise<void> {
    const read = await readRegularFile(this.#file, MAX_FILE_BYTES);
    const book = read.kind === "text" ? decodeBook(read.text) : null;
    this.#known = book ?? EMPTY;
    if (book === null && read.kind !== "missing" && this.#options.storage !== undefined) {
      await this.#change(() => ({ result: null, changed: false }));
    }
  }

  async begin(
    credential: Credential,
    place: LoginPlace,
    lastsMs: number,
    recoveredMsAgo: number | null = null,
  ): Promise<BeginResult> {
    const { lockoutKey, secret, name } = credential;
    this.#learnName(lockoutKey, name);
    const mark = await this.#fingerprint(`account ${lockoutKey}`, secret.reveal());
    const begun = await this.#change<BeginResult>((book, at) => {
      const waitMs = book.firstLoginAt - at;
      if (waitMs > 0) {
        return { result: { kind: "wait", why: "starting", waitMs }, changed: book.isNew };
      }
      const adopts = this.#adopt(book, lockoutKey, mark, at);
      const gate = gateIn(book, lockoutKey);
      const recoveredAt = at - (recoveredMsAgo ?? Infinity);
      const decision = decideLogin(gate, place, at, mark, recoveredAt);
      if (decision.kind === "wait") {
        return { result: decision, changed: adopts };
      }
      step(book, lockoutKey, { kind: "secret", mark, at });
      const id = randomUUID();
      step(book, lockoutKey, { kind: "started", id, place, deadline: at + lastsMs, at });
      return { result: { kind: "begun", id }, changed: true };
    });
    if (begun.kind === "begun") {
      this.#awaited.add(begun.id);
    }
    return begun;
  }

  async end(
    lockoutKey: string,
    id: string,
    outcome: LoginOutcome,
  ): Promise<readonly BrokenEndpoint[]> {
    const ended = await this.#change((book, at) => {
      const before = new Set(gateIn(book, lockoutKey).broken.map(placeAndTime));
      const { broken } = step(book, lockoutKey, { kind: outcome, id, at });
      return { result: broken.filter((each) => !before.has(placeAndTime(each))), changed: true };
    });
    this.#awaited.delete(id);
    return "kind" in ended ? [] : ended;
  }

  suspended(): readonly { readonly account: string; readonly until: number }[] {
    const reading = this.#options.clock();
    const at = timeAt(this.#known.clock, reading);
    return [...this.#known.gates].flatMap(([lockoutKey, gate]) => {
      const until = suspendedUntil(stillAwaited(gate, this.#awaited, at), at);
      const names = this.#names.get(lockoutKey) ?? [];
      return until === null
        ? []
        : [...names].map((account) => ({ account, until: reading.wallMs + until - at }));
    });
  }

  renew(names: ReadonlyMap<string, readonly string[]>): void {
    this.#names = new Map([...names].map(([key, each]) => [key, new Set(each)]));
    this.#earlier = new Map([...this.#earlier, ...this.#adopted].slice(-MAX_KEYS));
    this.#adopted = new Map();
    this.#fingerprints.clear();
  }

  nitroGate({ adc, username, password }: NitroAccount): NitroLoginGate {
    const account = `${adc} ${username}`;
    return {
      begin: async (lastsMs) => {
        // Of the user alone: several appliances may ask one directory for him.
        const secret = await this.#fingerprint(`nitro ${username}`, password);
        const id = randomUUID();
        for (let tries = 1; ; tries += 1) {
          const begun = await this.#changeNitro<NitroBegin | "soon">(account, (logins, at, all) => {
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
              : { result: this.#byTheWall(decision, at), next: logins };
          });
          if (begun !== "soon") {
            return begun;
          }
          await sleep(WAIT_FOR_OTHERS_MS);
        }
      },
      end: (id, end) =>
        this.#changeNitro(account, (logins, at) => ({
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
    const bound = await this.#change((book) => {
      const fresh = [...made].filter(([key, { entry }]) => book.bindings.get(key)?.entry !== entry);
      for (const [key, binding] of fresh) {
        book.bindings.set(key, binding);
      }
      const result = new Map([...made].map(([key, own]) => [key, book.bindings.get(key) ?? own]));
      return { result, changed: fresh.length > 0 };
    });
    return "kind" in bound ? null : bound;
  }

  async #changeNitro<T>(
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
    const done = await this.#change((book, at) => {
      const before = book.nitro.get(account);
      const value = apply(book.nitro, at);
      return { result: { value }, changed: book.nitro.get(account) !== before };
    });
    // A password that the file could not be asked about is still not sent twice by this process.
    return "kind" in done
      ? apply(this.#nitro, timeAt(this.#known.clock, this.#options.clock()))
      : done.value;
  }

  #byTheWall(decision: Exclude<NitroBegin, { kind: "begun" }>, at: number): NitroBegin {
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
   * The secret of a configuration takes the place of the one before it, at its first login: unless that one works, and is
   * another process's. Tells whether the book has changed.
   */
  #adopt(book: OpenBook, lockoutKey: string, mark: string, at: number): boolean {
    if (this.#adopted.has(lockoutKey)) {
      return false;
    }
    this.#adopted = new Map([...this.#adopted, [lockoutKey, mark] as const].slice(-MAX_KEYS));
    const { secret, proven } = gateIn(book, lockoutKey);
    if (secret === mark || (proven && this.#earlier.get(lockoutKey) !== secret)) {
      return false;
    }
    step(book, lockoutKey, { kind: "secret", mark, at });
    return true;
  }

  #learnName(lockoutKey: string, name: string): void {
    const names = this.#names.get(lockoutKey) ?? new Set();
    if (names.size > 0 || this.#names.size < MAX_KEYS) {
      this.#names.set(lockoutKey, names.add(name));
    }
  }

  /** One change after another in this process, and under the lock between processes. */
  #change<T>(work: Change<T>): Promise<T | StateFailure> {
    return this.#inTurn(() => this.#underLock(work));
  }

  async #underLock<T>(work: Change<T>): Promise<T | StateFailure> {
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
      patienceMs: LOCK_PATIENCE_MS,
      watch: storage,
    });
    if (taken.kind === "busy") {
      return { kind: "failed", why: "state_locked", message: "the accounts are busy" };
    }
    if (taken.kind === "failed") {
      return refused(taken.message);
    }
    try {
      return await this.#onFile(work);
    } catch (error) {
      return refused(error);
    } finally {
      await taken.lock.release().catch(() => undefined);
    }
  }

  async #onFile<T>(work: Change<T>): Promise<T> {
    const { book: read, isNew } = await this.#readBook();
    const reading = this.#options.clock();
    const at = timeAt(read.clock, reading);
    const book: OpenBook = {
      isNew,
      gates: new Map(
        [...read.gates].map(([key, gate]) => [key, stillAwaited(gate, this.#awaited, at)]),
      ),
      nitro: new Map(read.nitro),
      bindings: new Map(read.bindings),
      firstLoginAt: read.firstLoginAt,
    };
    const { result, changed } = work(book, at);
    const { gates, nitro, firstLoginAt, bindings } = book;
    const next: LoginBook = {
      gates: boundedGates(gates),
      nitro,
      bindings: new Map([...bindings].slice(-MAX_KEYS)),
      firstLoginAt,
      clock: { ...reading, at },
    };
    // After a start of the machine the time goes on from here, however the wall clock was set meanwhile.
    if (changed || this.#failing || isNew || read.clock?.run !== reading.run) {
      await replaceFile(this.#file, encodeBook(next));
      this.#unwritten = null;
      this.#failing = false;
      this.#options.storage?.written(this.#file);
    }
    this.#known = next;
    return result;
  }

  /** The book on disk. A file that cannot be understood may hide rejections: every account then waits out a suspension. */
  async #readBook(): Promise<{ readonly book: LoginBook; readonly isNew: boolean }> {
    if (this.#unwritten !== null) {
      return { book: this.#unwritten, isNew: true };
    }
    const { clock, firstLoginDelayMs, storage } = this.#options;
    const now = clock().wallMs;
    const read = await readRegularFile(this.#file, MAX_FILE_BYTES);
    if (read.kind === "missing") {
      return { book: { ...EMPTY, firstLoginAt: now + firstLoginDelayMs }, isNew: true };
    }
    if (read.kind === "failed") {
      throw new Error(read.code);
    }
    const book = read.kind === "text" ? decodeBook(read.text) : null;
    if (book !== null) {
      return { book, isNew: false };
    }
    const aside = await setAside(this.#file, now);
    const why = read.kind === "unfit" ? read.why : "damaged or written by another version";
    storage?.setAside(
      this.#file,
      aside,
      why,
      "no account logs in until the suspension time has passed",
    );
    this.#unwritten = { ...EMPTY, firstLoginAt: now + SUSPENSION_MS };
    return { book: this.#unwritten, isNew: true };
  }

  /** Tells whether a secret is the same as before; the secret cannot be found from it by trying. */
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

const EMPTY: LoginBook = {
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

function gateIn(book: OpenBook, lockoutKey: string): GateState {
  return book.gates.get(lockoutKey) ?? initialGate();
}

function step(book: OpenBook, lockoutKey: string, event: GateEvent): GateState {
  const next = stepGate(gateIn(book, lockoutKey), event);
  book.gates.set(lockoutKey, next);
  return next;
}

function placeAndTime({ key, until }: BrokenEndpoint): string {
  return `${key} ${String(until)}`;
}

function unusable(message: string): StateFailure {
  return { kind: "failed", why: "state_unusable", message };
}

/** The keeper over a configuration's state directory, by this machine's clocks. */
export async function keeperOf(
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
  keeper.renew(namesByLockoutKey(config));
  return keeper;
}
