import { Worker } from "node:worker_threads";
import { bcryptThreadSource } from "./bcrypt-thread.ts";

/** Compares passwords with bcrypt hashes, one after another, in a thread of its own: a comparison takes a CPU 50 to 400 ms. */
export interface BcryptWorker {
  /** Null when too many are waiting already. */
  readonly compare: (password: string, hash: string) => Promise<boolean | null>;
  readonly close: () => Promise<void>;
}

const MAX_WAITING = 32;

export function startBcryptWorker(): BcryptWorker {
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
