import { randomUUID, scrypt } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Config } from "../../config/schema.ts";
import { personOf } from "./lockout-key.ts";
import { DURABLE_FILES, replaceFile } from "../../maintenance/durable-file.ts";
import { takeLock } from "../../maintenance/lock.ts";
import {
  decodeGates,
  encodeGates,
  type GateBook,
} from "../../probes/transactions/account-gate/gate-json.ts";
import {
  decideLogin,
  type GateDecision,
} from "../../probes/transactions/account-gate/decide-login.ts";
import {
  initialGate,
  type BrokenPlace,
  type GateState,
  type LoginPlace,
  stepGate,
  type GateEvent,
  stillAwaited,
  suspendedUntil,
  SUSPENSION_MS,
} from "../../probes/transactions/account-gate/gate.ts";
import type { LoginOutcome } from "../../probes/transactions/login-outcome.ts";

/** The people whose credentials this agent has: their secret, and the names they go by in the configuration. */
interface GatedPerson {
  readonly secret: string;
  /** Configured accounts, and `monitor NAME` for the account of a login monitor. */
  readonly names: readonly string[];
}

/** Everybody that logs in, by the person whose gate counts. */
export function gatedPeople(config: Config): ReadonlyMap<string, GatedPerson> {
  const people = new Map<string, GatedPerson>();
  const add = (username: string, secret: string, name: string): void => {
    const person = personOf(username);
    const known = people.get(person);
    people.set(person, {
      // Two secrets of one person: either change deserves a new trial.
      secret:
        known === undefined || known.secret === secret ? secret : `${known.secret}\n${secret}`,
      names: [...(known?.names ?? []), name],
    });
  };
  for (const account of config.transactions.accounts) {
    add(account.username, account.password.reveal(), account.name);
  }
  for (const [name, monitor] of config.monitors) {
    if (monitor.username !== null && monitor.password !== null) {
      add(monitor.username, monitor.password.reveal(), `monitor ${name}`);
    }
  }
  return people;
}

export const ACCOUNTS_FILE = "accounts.json";
const LOCK_PREFIX = "accounts.lock.";

type BeginResult =
  | { readonly kind: "begun"; readonly id: string }
  | Extract<GateDecision, { kind: "wait" }>
  /** The state directory cannot be read or written: without it no login is safe. */
  | { readonly kind: "failed"; readonly message: string };

/**
 * Holds the gates of all accounts in the state directory, which several processes may share: every decision is made and
 * written down under a lock before a login begins, so that no crash and no second process makes one login too many.
 */
export interface AccountKeeper {
  readonly begin: (account: string, place: LoginPlace, deadline: number) => Promise<BeginResult>;
  /** Tells how a login ended; returns the places that this has shown to be at fault. */
  readonly end: (
    account: string,
    id: string,
    outcome: LoginOutcome,
  ) => Promise<readonly BrokenPlace[]>;
  /** Accounts that are suspended now, as last known. */
  readonly suspended: () => readonly { readonly account: string; readonly until: number }[];
}

/** What becomes of the gates at a moment, and whether that is to be written down. */
type Change<T> = (
  book: Map<string, GateState>,
  at: number,
) => { readonly result: T; readonly changed: boolean };

interface AccountKeeperOptions {
  readonly stateDir: string;
  /** Who logs in. Another secret than before lifts a suspension; only a slow hash of it is kept. */
  readonly people: ReadonlyMap<string, GatedPerson>;
  readonly now: () => number;
}

export async function openAccountKeeper(options: AccountKeeperOptions): Promise<AccountKeeper> {
  const { stateDir, now } = options;
  const file = join(stateDir, ACCOUNTS_FILE);
  let known: GateBook = new Map();
  let tail: Promise<unknown> = Promise.resolve();
  /** Logins that have begun here, and whose end will be told. */
  const awaited = new Set<string>();

  /** One change after another in this process, and under the lock between processes. */
  function change<T>(
    work: Change<T>,
  ): Promise<T | { readonly kind: "failed"; readonly message: string }> {
    const done = tail.then(() => underLock(work));
    tail = done.catch(() => undefined);
    return done;
  }

  async function underLock<T>(
    work: Change<T>,
  ): Promise<T | { readonly kind: "failed"; readonly message: string }> {
    try {
      await mkdir(stateDir, { recursive: true });
    } catch (error) {
      return { kind: "failed", message: messageOf(error) };
    }
    const taken = await takeLock(stateDir, LOCK_PREFIX);
    if (taken.kind !== "held") {
      return {
        kind: "failed",
        message: taken.kind === "busy" ? "the accounts are busy" : taken.message,
      };
    }
    try {
      const read = await readBook(file, now(), options.people.keys());
      const at = now();
      const book = new Map(
        [...read].map(([account, gate]) => [account, stillAwaited(gate, awaited, at)]),
      );
      const { result, changed } = work(book, at);
      if (changed) {
        await replaceFile(file, encodeGates(book), DURABLE_FILES);
      }
      known = book;
      return result;
    } catch (error) {
      return { kind: "failed", message: messageOf(error) };
    } finally {
      await taken.lock.release().catch(() => undefined);
    }
  }

  function stepAll(book: Map<string, GateState>, account: string, event: GateEvent): GateState {
    const next = stepGate(book.get(account) ?? initialGate(), event);
    book.set(account, next);
    return next;
  }

  const marks = await Promise.all(
    [...options.people].map(
      async ([account, { secret }]) => [account, await markOf(account, secret)] as const,
    ),
  );
  const ownMark = new Map(marks);
  await change((book, at) => {
    for (const [account, mark] of marks) {
      stepAll(book, account, { kind: "secret", mark, at });
    }
    return { result: null, changed: marks.length > 0 };
  });

  return {
    begin: async (account, place, deadline) => {
      const begun = await change<BeginResult>((book, at) => {
        const gate = book.get(account) ?? initialGate();
        const mark = ownMark.get(account) ?? null;
        const decision = decideLogin(gate, place, at, mark);
        if (decision.kind === "wait") {
          return { result: decision, changed: false };
        }
        if (mark !== null && mark !== gate.secret) {
          stepAll(book, account, { kind: "secret", mark, at });
        }
        const id = randomUUID();
        stepAll(book, account, { kind: "started", id, place, deadline, at });
        return { result: { kind: "begun", id }, changed: true };
      });
      if (begun.kind === "begun") {
        awaited.add(begun.id);
      }
      return begun;
    },
    end: async (account, id, outcome) => {
      const ended = await change((book, at) => {
        const before = new Set(
          book.get(account)?.broken.map(({ key, until }) => `${key} ${String(until)}`),
        );
        const after = stepAll(book, account, { kind: outcome, id, at });
        const fresh = after.broken.filter(
          ({ key, until }) => !before.has(`${key} ${String(until)}`),
        );
        return { result: fresh, changed: true };
      });
      awaited.delete(id);
      return Array.isArray(ended) ? ended : [];
    },
    suspended: () => {
      const at = now();
      return [...known].flatMap(([account, gate]) => {
        const until = suspendedUntil(stillAwaited(gate, awaited, at), at);
        const names = options.people.get(account)?.names ?? [];
        return until === null ? [] : names.map((name) => ({ account: name, until }));
      });
    },
  };
}

/** The gates on disk. A file that cannot be understood may hide rejections: every account then waits out a suspension. */
async function readBook(file: string, now: number, accounts: Iterable<string>): Promise<GateBook> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return new Map();
    }
    throw error;
  }
  const book = decodeGates(text);
  if (book !== null) {
    return book;
  }
  await rename(file, `${file}.damaged`);
  const suspension = { until: now + SUSPENSION_MS, nextMs: SUSPENSION_MS };
  return new Map([...accounts].map((account) => [account, { ...initialGate(), suspension }]));
}

/** A mark that tells whether a secret is the same as before, and from which it cannot be found by trying. */
async function markOf(account: string, secret: string): Promise<string> {
  const derive = promisify<string, string, number, Buffer>(scrypt);
  return (await derive(secret, `adc-witness account ${account}`, 16)).toString("hex");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
