import type { Config } from "../config/schema.ts";
import type { Steps } from "../lib/steps.ts";
import type { AgentEvents } from "./run-probe.ts";
import type { Log } from "../lib/log.ts";
import { persistencePause } from "../verdict/vserver-findings.ts";
import { isSentInBatches } from "./plan/planned-probe.ts";
import { NO_ADDRESSES, type ProbeRunner } from "./probe-runner.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";
import { batchTickMs, type SchedulePosition, Scheduler, type Job } from "./scheduler.ts";

export interface ProbeScheduleOptions {
  readonly config: Pick<Config, "adcs">;
  readonly state: WitnessState;
  readonly runner: ProbeRunner;
  readonly events: Pick<AgentEvents, "scheduleLag" | "missedProbe">;
  readonly log: Log;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** Positions of jobs before the reload, by job ID. */
  readonly earlierPositions: ReadonlyMap<string, SchedulePosition>;
}

interface Followed {
  record: ProbeRecord;
}

/** Schedules one job for each probe of the plan that can be run. */
export class ProbeSchedule {
  readonly #options: Omit<ProbeScheduleOptions, "earlierPositions">;
  readonly #scheduler: Scheduler;
  /** By probe ID; the job reads its current record from here. */
  readonly #followed = new Map<string, Followed>();
  #earlierPositions: ReadonlyMap<string, SchedulePosition>;

  constructor(options: ProbeScheduleOptions) {
    const { events, log, monotonic } = options;
    const { earlierPositions, ...others } = options;
    this.#options = others;
    this.#earlierPositions = earlierPositions;
    this.#scheduler = new Scheduler(monotonic, {
      onLag: (lagMs) => {
        events.scheduleLag(lagMs / 1000);
      },
      onMissed: (_job, missed) => {
        for (let count = 0; count < missed; count++) {
          events.missedProbe();
        }
      },
      onBroken: ({ id }, error) => {
        const text = error instanceof Error ? error.stack : String(error);
        log.error({ job: id, error: text }, "internal error, probe restarted");
      },
    });
  }

  /** Number of jobs, including those that run no probe. */
  get size(): number {
    return this.#scheduler.size;
  }

  recordOf(probeId: string): ProbeRecord | null {
    return this.#followed.get(probeId)?.record ?? null;
  }

  /** Adds a job that runs no probe; the interval counts from start to start. */
  every(id: string, intervalMs: number, work: () => Promise<void>): void {
    this.#add({
      id: `\u0000${id}`,
      intervalMs,
      run: async () => {
        await work();
        return intervalMs;
      },
    });
  }

  /** Replaces the records of an ADC; jobs of unchanged probes keep their times. */
  *follow(adc: string, probes: readonly ProbeRecord[]): Steps<void> {
    const kept = new Set(probes.map(({ id }) => id));
    for (const [id, { record }] of this.#followed) {
      if (record.adc === adc && !kept.has(id)) {
        this.#followed.delete(id);
        this.#scheduler.remove(id);
      }
    }
    for (const record of probes) {
      const known = this.#followed.get(record.id);
      const followed = known ?? { record };
      const ran = known !== undefined && known.record.planned.action.run !== null;
      followed.record = record;
      this.#followed.set(record.id, followed);
      if (record.planned.action.run === null) {
        this.#scheduler.remove(record.id);
      } else if (!ran) {
        this.#add(this.#job(followed));
      }
      yield;
    }
  }

  /** Starts no more jobs; resolves when running ones have ended. */
  async stop(): Promise<void> {
    await this.#scheduler.stop();
  }

  /** Positions of all jobs by ID. */
  positions(): ReadonlyMap<string, SchedulePosition> {
    return this.#scheduler.positions();
  }

  /** Jobs that are added later get a new position. */
  forgetEarlierPositions(): void {
    this.#earlierPositions = new Map();
  }

  #add(job: Job): void {
    this.#scheduler.add(job, undefined, this.#earlierPositions.get(job.id));
  }

  #job(followed: Followed): Job {
    const { id, intervalMs, planned } = followed.record;
    return {
      id,
      intervalMs,
      ...(isSentInBatches(planned) ? { tickMs: batchTickMs(intervalMs) } : {}),
      run: () => {
        const { record } = followed;
        const avoided = this.#avoidedBy(record);
        return avoided === "all"
          ? Promise.resolve(record.intervalMs)
          : this.#options.runner.run(record, this.#options.state, avoided);
      },
    };
  }

  /** Source addresses that a probe through a VIP must not use now, because of persistence. */
  #avoidedBy(record: ProbeRecord): ReadonlySet<string> | "all" {
    if (record.vantage === "backend") {
      return NO_ADDRESSES;
    }
    const { config, state, now } = this.#options;
    const avoided = new Set<string>();
    const pollMs = config.adcs.find(({ name }) => name === record.adc)?.nitro?.pollEveryMs ?? 0;
    for (const vserver of state.recordsOf(record.adc)?.vserversOf.get(record) ?? []) {
      const pause = persistencePause(vserver, now(), pollMs);
      if (pause.kind === "pause") {
        return "all";
      }
      for (const address of pause.kind === "avoid" ? pause.addresses : []) {
        avoided.add(address);
      }
    }
    return avoided;
  }
}
