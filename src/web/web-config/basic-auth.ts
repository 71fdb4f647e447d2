import { Worker } from "node:worker_threads";
import { bcryptThreadSource } from "./bcrypt-thread.ts";
import { createHash } from "node:crypto";

/** Compares passwords with bcrypt hashes in a worker thread, one at a time; a comparison takes 50 to 400 ms of CPU. */
export interface BcryptWorker {
  /** Null if the queue is full. */
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

  /** If the thread dies, access is denied; the next comparison starts a new one. */
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

/** User name and password of a request. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

export interface BasicAuth {
  /** Whether these are cached as correct; independent of the queue. */
  readonly isCached: (given: Credentials, users: ReadonlyMap<string, string>) => boolean;
  /** `busy`: the queue is full. */
  readonly check: (
    given: Credentials,
    users: ReadonlyMap<string, string>,
  ) => Promise<"in" | "out" | "busy">;
  readonly close: () => Promise<void>;
}

const MAX_CACHED = 100;
/** Hash of a random password, so that an unknown user takes as long as a known one. */
const UNKNOWN_USER_HASH = "$2b$10$ujQJ9LbMeV.eFpzfI6Oi7eNID7D.eghAU/riNXU1FFXhl0wu/e51q";

/**
 * HTTP basic auth against bcrypt hashes, as in exporter-toolkit. Results are cached by a digest of user, hash and password, so
 * that a scraper costs one comparison; comparisons run one at a time. Correct and wrong ones have separate caches, so that
 * guesses cannot evict correct ones.
 */
export function createBasicAuth(): BasicAuth {
  const worker = startBcryptWorker();
  const right = new Set<string>();
  const wrong = new Set<string>();

  return {
    isCached: (given, users) => {
      const key = cacheKey(given, users);
      if (!right.has(key)) {
        return false;
      }
      remember(right, key);
      return true;
    },
    check: async (given, users) => {
      const key = cacheKey(given, users);
      if (right.has(key) || wrong.has(key)) {
        return right.has(key) ? "in" : "out";
      }
      const known = users.get(given.name);
      const compared = await worker.compare(given.password, known ?? UNKNOWN_USER_HASH);
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

/** Includes the hash, so that a changed password misses the cache. */
function cacheKey({ name, password }: Credentials, users: ReadonlyMap<string, string>): string {
  return createHash("sha256")
    .update(JSON.stringify([name, users.get(name) ?? UNKNOWN_USER_HASH, password]))
    .digest("base64");
}

/** Least-recently-used cache. */
function remember(keys: Set<string>, key: string): void {
  keys.delete(key);
  keys.add(key);
  const [oldest] = keys;
  if (keys.size > MAX_CACHED && oldest !== undefined) {
    keys.delete(oldest);
  }
}

/** The name and password of an `Authorization` header; null where it holds none. */
export function readBasic(authorization: string | undefined): Credentials | null {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) {
    return null;
  }
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
