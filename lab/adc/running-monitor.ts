import type { MonitorBinding } from "../../src/model/adc-service.ts";
import { MonitorMachine, type MachineSettings, type MonitorVerdict } from "./monitor-machine.ts";
import type { MonitorResult } from "./monitors/result.ts";

/** Sends one probe; null: the lab cannot run this type. */
export interface MonitorProbe {
  readonly run: () => Promise<MonitorResult>;
  readonly passes: (outcome: MonitorResult["outcome"]) => boolean;
}

/** One monitor bound to one member, with real probes at its own interval. */
export class RunningMonitor {
  readonly binding: MonitorBinding;
  readonly #machine: MonitorMachine;
  readonly #probe: MonitorProbe | null;
  readonly #onResult: () => void;
  #timer: NodeJS.Timeout | null = null;
  #running = false;
  #generation = 0;
  #engineStopped = false;
  #ownFault: string | null = null;
  #total = 0;
  #failed = 0;
  #response = "";
  #responseTimeMs = 0;
  #leaving = false;

  constructor(
    binding: MonitorBinding,
    settings: MachineSettings,
    probe: MonitorProbe | null,
    onResult: () => void,
  ) {
    this.binding = binding;
    this.#machine = new MonitorMachine(settings);
    this.#probe = probe;
    this.#onResult = onResult;
  }

  get state(): MonitorVerdict {
    return this.#machine.state;
  }

  /** The last successful response requested maintenance. */
  get leaving(): boolean {
    return this.#leaving;
  }

  get figures(): {
    lastResponse: string;
    responseTimeMs: number;
    totalProbes: number;
    failedProbes: number;
    currentFailedProbes: number;
  } {
    return {
      lastResponse: this.#response,
      responseTimeMs: this.#responseTimeMs,
      totalProbes: this.#total,
      failedProbes: this.#failed,
      currentFailedProbes: this.#machine.failuresInRow,
    };
  }

  /** Starts probing after `delayMs` with an empty state. */
  start(delayMs: number): void {
    if (this.#probe === null || !this.binding.enabled) {
      return;
    }
    this.#machine.reset();
    this.#leaving = false;
    this.#running = true;
    this.#generation += 1;
    this.#schedule(delayMs);
  }

  /** Stops probing; state and counters stay unchanged, as the ADC shows them for a disabled service. */
  stop(): void {
    this.#running = false;
    this.#generation += 1;
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  get running(): boolean {
    return this.#running;
  }

  /** A fault of the ADC itself: it sends no more probes, and keeps its last state. */
  setEngineStopped(stopped: boolean): void {
    this.#engineStopped = stopped;
  }

  /** Another: every probe fails on the ADC itself with this response, whatever the server does. Null: none. */
  setOwnFault(response: string | null): void {
    this.#ownFault = response;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      void this.#round(this.#generation);
    }, delayMs);
  }

  async #round(generation: number): Promise<void> {
    const startedAt = performance.now();
    if (!this.#engineStopped && this.#probe !== null) {
      const result: MonitorResult =
        this.#ownFault === null
          ? await this.#probe.run()
          : { outcome: "timeout", response: this.#ownFault, leaving: false };
      if (generation !== this.#generation) {
        return;
      }
      this.#record(result, this.#probe.passes(result.outcome), performance.now() - startedAt);
    }
    if (generation === this.#generation) {
      this.#schedule(Math.max(0, this.#machine.periodMs - (performance.now() - startedAt)));
    }
  }

  #record(result: MonitorResult, success: boolean, tookMs: number): void {
    this.#total += 1;
    this.#failed += success ? 0 : 1;
    this.#response = result.response;
    this.#responseTimeMs = tookMs;
    this.#leaving = success && result.leaving;
    this.#machine.record(success);
    this.#onResult();
  }
}
