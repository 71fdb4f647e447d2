import type { AgentEvents } from "../events.ts";
import type { Log } from "../../lib/log.ts";
import type { NetworkSettings } from "../import-once.ts";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import type { ProbeTask, ProbeResult } from "../run-probe.ts";
import { spreadOf } from "../scheduler.ts";
import { errandFor } from "./errand.ts";
import type { RunTerms } from "./messages.ts";
import { threadEntry } from "./thread-entry.ts";
import { WorkerLink } from "./worker-link.ts";

const LOOK_EVERY_MS = 5_000;

export interface WorkerPoolOptions {
  readonly ways: NetworkSettings;
  readonly events: Pick<AgentEvents, "workersProbing" | "workerLag" | "workerEnded">;
  readonly log: Pick<Log, "error">;
  readonly now: () => number;
  readonly entry?: URL;
}

/**
 * The worker threads of one generation. They only make exchanges; schedule, records, verdicts, accounts and metrics stay
 * where they are, once. Without threads (`workers: 1`, a small estate) the pool takes nothing over.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #links: WorkerLink[] = [];
  readonly #errands = new WeakMap<PlannedProbe, ProbeTask | null>();
  #looks: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#links.length;
  }

  /** Starts threads until there are so many; none is ended before the generation is. */
  growTo(count: number): void {
    if (this.#stopped) {
      return;
    }
    const { entry = threadEntry(), ...options } = this.#options;
    while (this.#links.length < count) {
      this.#links.push(new WorkerLink({ ...options, entry }));
    }
    this.#options.events.workersProbing(this.#links.length);
    if (this.#links.length > 0) {
      this.#looks ??= setInterval(() => {
        for (const link of this.#links) {
          link.look();
        }
      }, LOOK_EVERY_MS).unref();
    }
  }

  /** Runs a probe in its thread; null when it belongs to the main thread. Never rejects. */
  run(planned: PlannedProbe, terms: RunTerms): Promise<ProbeResult | null> | null {
    if (this.#links.length === 0) {
      return null;
    }
    let errand = this.#errands.get(planned);
    if (errand === undefined) {
      errand = errandFor(planned);
      this.#errands.set(planned, errand);
    }
    const link = this.#links[placeOf(planned.id, this.#links.length)];
    return errand === null || link === undefined ? null : link.run(planned.id, errand, terms);
  }

  /** A probe that is gone from the plan. */
  forget(id: string): void {
    for (const link of this.#links) {
      link.forget(id);
    }
  }

  /** Ends every thread; what is under way is broken off. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#looks !== null) {
      clearInterval(this.#looks);
    }
    await Promise.all(this.#links.map((link) => link.stop()));
  }
}

/** Always the same thread for a probe; not by the spread of its starts, or threads would take turns at being busy. */
function placeOf(id: string, count: number): number {
  return Math.floor(spreadOf(`worker ${id}`) * count);
}
