import { Worker } from "node:worker_threads";
import { bcryptThreadSource } from "./bcrypt-thread.ts";
import { createHash } from "node:crypto";

/** Compares passwords with bcrypt hashes, one after another, in a thread of its own: a comparison takes a CPU 50 to 400 ms. */
export interface BcryptWorker {
  /** Null when too many are waiting already. */
  readonly compare: (password: string, hash: string) => Promise<boolean | null>;
  readonly close: () => Promise<void>;
}

const MAX_WAITING = 32;

function startBcryptWorker(): BcryptWorker {
  const waiting = new Map<number, (equal: boolean) => void>();
  let worker: Worker | null = null;
  let nextId = 0;

  function start(): Worker {
    const started = new Worker(bcryptThreadSource(), { eval: true });
    started.unref();
    started.on("message", ({ id, equal }: { id: number; equal: boolean }) => {
      waiting.get(id)?.(equal);
      waiting.delete(id);
    });
    started.on("error", failAll);
    started.on("exit", failAll);
    return started;
  }

  /** Nobody is let in because a thread died; the next question starts another. */
  function failAll(): void {
    worker = null;
    for (const answer of waiting.values()) {
      answer(false);
    }
    waiting.clear();
  }

  return {
    compare: (password, hash) => {
      if (waiting.size >= MAX_WAITING) {
        return Promise.resolve(null);
      }
      worker ??= start();
      const id = nextId;
      nextId += 1;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        worker?.postMessage({ id, password, hash });
      });
    },
    close: async () => {
      await worker?.terminate();
    },
  };
}

/** A name and a password, as given. */
export interface Given {
  readonly name: string;
  readonly password: string;
}

export interface BasicAuth {
  /** Whether these were found right before: known at once, however many wrong ones wait. */
  readonly knows: (given: Given, users: ReadonlyMap<string, string>) => boolean;
  /** `busy`: too many comparisons wait already. */
  readonly check: (
    given: Given,
    users: ReadonlyMap<string, string>,
  ) => Promise<"in" | "out" | "busy">;
  readonly close: () => Promise<void>;
}

const MAX_CACHED = 100;
/** Of a password that was thrown away: an unknown name costs as much time as a known one. */
const NOBODYS_HASH = "$2b$10$ujQJ9LbMeV.eFpzfI6Oi7eNID7D.eghAU/riNXU1FFXhl0wu/e51q";

/**
 * HTTP basic auth against bcrypt hashes, as exporter-toolkit does it: results are remembered by a digest of name, hash
 * and password, so that a scraper costs one comparison, and comparisons are made one at a time. Right and wrong ones are
 * remembered apart: guesses push nothing out but guesses.
 */
export function createBasicAuth(): BasicAuth {
  const worker = startBcryptWorker();
  const right = new Set<string>();
  const wrong = new Set<string>();

  return {
    knows: (given, users) => {
      const key = keyOf(given, users);
      if (!right.has(key)) {
        return false;
      }
      remember(right, key);
      return true;
    },
    check: async (given, users) => {
      const key = keyOf(given, users);
      if (right.has(key) || wrong.has(key)) {
        return right.has(key) ? "in" : "out";
      }
      const known = users.get(given.name);
      const compared = await worker.compare(given.password, known ?? NOBODYS_HASH);
      if (compared === null) {
        return "busy";
      }
      const isRight = compared && known !== undefined;
      remember(isRight ? right : wrong, key);
      return isRight ? "in" : "out";
    },
    close: worker.close,
  };
}

/** The hash is part of it: a password that was changed is not remembered. */
function keyOf({ name, password }: Given, users: ReadonlyMap<string, string>): string {
  return createHash("sha256")
    .update(JSON.stringify([name, users.get(name) ?? NOBODYS_HASH, password]))
    .digest("base64");
}

/** The last used are kept. */
function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  const [oldest] = keys;
  if (keys.size > MAX_CACHED && oldest !== undefined) {
    keys.delete(oldest);
  }
}

/** The name and password of an `Authorization` header; null where it holds none. */
export function readBasic(authorization: string | undefined): Given | null {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) {
    return null;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
