import { Worker } from "node:worker_threads";
import type { AgentEvents, Log } from "../events.ts";
import type { Ways } from "../import-once.ts";
import type { Errand, ProbeResult } from "../run-probe.ts";
import { lostProbe } from "./lost-probe.ts";
import {
  sharedClockMs,
  type Answer,
  type FromWorker,
  type Order,
  type RunTerms,
  type ToWorker,
} from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { deathsInARow, restartDelayMs } from "./restart.ts";

/** A probe ends by its own time-out; a thread that has not said so this much later hangs. */
const HUNG_AFTER_MS = 5_000;
/** What a thread makes is mostly short-lived: a small nursery saves some 13 MB each, for a few µs of each probe. */
const NURSERY_MB = 4;
/** How long a thread may take to close its sockets before it is ended. */
const STOP_WITHIN_MS = 2_000;

export interface WorkerLinkOptions {
  /** The thread's module, built: Node.js 20 runs no TypeScript. */
  readonly entry: URL;
  readonly ways: Ways;
  readonly events: Pick<AgentEvents, "workerLag" | "workerEnded">;
  readonly log: Pick<Log, "error">;
  readonly now: () => number;
}

interface Pending {
  readonly settle: (result: ProbeResult | null) => void;
  readonly startedAt: number;
  readonly askedAtMs: number;
  readonly timeoutMs: number;
}

/** One worker thread as the main thread sees it: orders out, answers in, and a new thread when it ends by itself. */
export class WorkerLink {
  readonly #options: WorkerLinkOptions;
  readonly #orders: Outbox<Order>;
  readonly #pending = new Map<number, Pending>();
  /** What this thread knows already. */
  readonly #taught = new Map<string, Errand>();
  #worker: Worker | null = null;
  #startedAtMs = 0;
  #deaths = 0;
  #restart: NodeJS.Timeout | null = null;
  /** The oldest run at the last look, when it was late then already. */
  #lateTicket: number | null = null;
  #stopping = false;
  #nextTicket = 0;

  constructor(options: WorkerLinkOptions) {
    this.#options = options;
    this.#orders = new Outbox((orders) => {
      this.#worker?.postMessage({ orders } satisfies ToWorker);
    });
    this.#start();
  }

  /** Runs an errand over there. Never rejects: when the thread is gone, or goes, that is a fault of our own. */
  run(probe: string, errand: Errand, terms: RunTerms): Promise<ProbeResult | null> {
    const startedAt = this.#options.now();
    if (this.#worker === null || this.#stopping) {
      const why = "the worker thread of this probe has ended and is started again";
      return Promise.resolve(lostProbe(startedAt, 0, why));
    }
    const ticket = this.#nextTicket++;
    const askedAtMs = sharedClockMs();
    const known = this.#taught.get(probe) === errand;
    if (!known) {
      this.#taught.set(probe, errand);
    }
    this.#orders.put({
      kind: "run",
      ticket,
      probe,
      errand: known ? null : errand,
      askedAtMs,
      ...terms,
    });
    return new Promise((settle) => {
      this.#pending.set(ticket, { settle, startedAt, askedAtMs, timeoutMs: terms.timeoutMs });
    });
  }

  forget(probe: string): void {
    if (this.#taught.delete(probe)) {
      this.#orders.put({ kind: "forget", probe });
    }
  }

  /** To be called every few seconds: ends the thread when its oldest run is late at two looks in a row. */
  look(): void {
    const [oldest] = this.#pending;
    const late =
      oldest !== undefined &&
      sharedClockMs() > oldest[1].askedAtMs + oldest[1].timeoutMs + HUNG_AFTER_MS;
    if (late && oldest[0] === this.#lateTicket) {
      void this.#worker?.terminate();
    }
    this.#lateTicket = late ? oldest[0] : null;
  }

  /** Breaks off what is under way; resolves when the thread is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#restart !== null) {
      clearTimeout(this.#restart);
    }
    this.#orders.clear();
    this.#loseAll("the agent stops");
    const worker = this.#worker;
    if (worker === null) {
      return;
    }
    worker.postMessage("stop" satisfies ToWorker);
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => void worker.terminate(), STOP_WITHIN_MS);
      worker.once("exit", () => {
        clearTimeout(patience);
        resolve();
      });
    });
  }

  #start(): void {
    this.#restart = null;
    this.#startedAtMs = sharedClockMs();
    let worker: Worker;
    try {
      worker = this.#newWorker();
    } catch (error) {
      // Node throws where the system refuses a thread at once.
      this.#ended(error instanceof Error ? error.message : String(error));
      return;
    }
    let why = "it was ended";
    worker.on("message", (answers: FromWorker) => {
      for (const answer of answers) {
        this.#settle(answer);
      }
    });
    worker.on("error", (error) => {
      why = error.message;
    });
    worker.on("exit", () => {
      this.#ended(why);
    });
    this.#worker = worker;
  }

  #newWorker(): Worker {
    const { entry, ways } = this.#options;
    const { connectTo, unmapped } = ways;
    // No environment crosses: passwords may stand in it. Nor does more of the configuration than where probes may go.
    return new Worker(entry, {
      workerData: { connectTo, unmapped } satisfies Ways,
      env: {},
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB },
    });
  }

  #settle({ ticket, result, lagMs }: Answer): void {
    const pending = this.#pending.get(ticket);
    if (pending !== undefined) {
      this.#pending.delete(ticket);
      this.#options.events.workerLag(lagMs / 1000);
      pending.settle(result);
    }
  }

  #ended(why: string): void {
    const { log, events } = this.#options;
    this.#worker = null;
    this.#taught.clear();
    this.#orders.clear();
    if (this.#stopping) {
      return;
    }
    log.error({ error: why, probes: this.#pending.size }, "a worker thread has ended");
    events.workerEnded();
    this.#loseAll(`the worker thread has ended: ${why}`);
    this.#deaths = deathsInARow(this.#deaths, sharedClockMs() - this.#startedAtMs);
    this.#restart = setTimeout(() => {
      this.#start();
    }, restartDelayMs(this.#deaths));
  }

  #loseAll(why: string): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    const at = sharedClockMs();
    for (const { settle, startedAt, askedAtMs } of lost) {
      settle(lostProbe(startedAt, at - askedAtMs, why));
    }
  }
}
