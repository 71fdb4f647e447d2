import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { MemberBelief, MonitorBelief, NitroState } from "../nitro/backend.ts";
import type { RunningMonitor } from "./running-monitor.ts";

type MemberState = Extract<
  NitroState,
  | "UP"
  | "DOWN"
  | "UNKNOWN"
  | "OUT OF SERVICE"
  | "GOING OUT OF SERVICE"
  | "DOWN WHEN GOING OUT OF SERVICE"
>;

/** A client served by a member, from its first byte until either side ends it. */
export interface ServedConnection {
  /** Ends both sides; the ADC resets what it flushes. */
  readonly flush: () => void;
}

/** Administrative state: `leaving` until the delay is over or, if graceful, until the last client has left. */
type Admin =
  | { readonly kind: "enabled" }
  | { readonly kind: "leaving"; readonly until: number | null; readonly graceful: boolean }
  | { readonly kind: "out" };

/** The ADC's state of one member, and its clients. */
export class MemberRuntime {
  readonly member: Member;
  readonly service: AdcService;
  readonly monitors: readonly RunningMonitor[];
  readonly #now: () => number;
  readonly #onChange: () => void;
  readonly #served = new Set<ServedConnection>();
  readonly #flushOnDown: boolean;
  #admin: Admin;
  #state: MemberState = "UNKNOWN";
  #changedAt: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: {
    member: Member;
    service: AdcService;
    monitors: (onResult: () => void) => readonly RunningMonitor[];
    now: () => number;
    /** Its state is another one now. */
    onChange: () => void;
    flushOnDown: boolean;
  }) {
    this.member = options.member;
    this.service = options.service;
    this.#now = options.now;
    this.#onChange = options.onChange;
    this.#flushOnDown = options.flushOnDown;
    this.#admin = options.member.enabled ? { kind: "enabled" } : { kind: "out" };
    this.#changedAt = options.now();
    this.monitors = options.monitors(() => {
      this.#refresh();
    });
    this.#refresh();
  }

  get state(): MemberState {
    return this.#state;
  }

  get enabled(): boolean {
    return this.#admin.kind === "enabled";
  }

  /** New clients are given to it. */
  get takesNewClients(): boolean {
    return this.#state === "UP";
  }

  /** Clients that persistence binds to it are still given to it. */
  get takesBoundClients(): boolean {
    return this.#state === "UP" || this.#state === "GOING OUT OF SERVICE";
  }

  get connections(): number {
    return this.#served.size;
  }

  /** Whether every running monitor has a state. */
  get settled(): boolean {
    return this.monitors.every((monitor) => !monitor.running || monitor.state !== "UNKNOWN");
  }

  belief(): MemberBelief {
    return {
      state: this.#state,
      trofsReason: this.enabled && this.#state.includes("GOING OUT") ? "Monitor response" : null,
      clientConnections: this.connections,
      serverConnections: this.connections,
      sinceChangeMs: this.#now() - this.#changedAt,
    };
  }

  monitorBelief(name: string): MonitorBelief | null {
    const running = this.monitors.find(({ binding }) => binding.monitor === name);
    return running === undefined ? null : { state: running.state, ...running.figures };
  }

  /** Begins all probing; the first ones are spread over `withinMs`. */
  start(withinMs: number): void {
    if (this.#admin.kind !== "out" && this.service.healthMonitor) {
      for (const monitor of this.monitors) {
        monitor.start(Math.random() * withinMs);
      }
    }
    this.#refresh();
  }

  stop(): void {
    this.#clearTimer();
    for (const monitor of this.monitors) {
      monitor.stop();
    }
    this.#flush();
  }

  enable(): void {
    if (this.#admin.kind === "enabled") {
      return;
    }
    const probed = this.#admin.kind === "leaving";
    this.#clearTimer();
    this.#admin = { kind: "enabled" };
    if (probed) {
      this.#refresh();
    } else {
      this.start(0);
    }
  }

  /**
   * Like `disable service … -delay S -graceFul YES`. Without either it is out of service immediately; with `graceful`
   * and no delay it leaves when its last client has disconnected.
   */
  disable(options: { delayMs?: number; graceful?: boolean } = {}): void {
    const graceful = options.graceful ?? false;
    if (this.#admin.kind === "out") {
      return;
    }
    this.#clearTimer();
    if (options.delayMs !== undefined) {
      this.#timer = setTimeout(() => {
        this.#leave();
      }, options.delayMs);
    }
    this.#admin =
      options.delayMs === undefined && !graceful
        ? { kind: "out" }
        : {
            kind: "leaving",
            until: options.delayMs === undefined ? null : this.#now() + options.delayMs,
            graceful,
          };
    if (this.#admin.kind === "out") {
      this.#leave();
    } else {
      this.#refresh();
      this.#leaveWhenEmpty();
    }
  }

  /** Counts a client as served by this member; call the returned function when it has disconnected. */
  serve(connection: ServedConnection): () => void {
    this.#served.add(connection);
    return () => {
      this.#served.delete(connection);
      this.#leaveWhenEmpty();
    };
  }

  #leaveWhenEmpty(): void {
    if (this.#admin.kind === "leaving" && this.#admin.graceful && this.#served.size === 0) {
      this.#leave();
    }
  }

  #leave(): void {
    this.#clearTimer();
    this.#admin = { kind: "out" };
    for (const monitor of this.monitors) {
      monitor.stop();
    }
    this.#refresh();
    this.#flush();
  }

  #refresh(): void {
    const next = this.#judge();
    if (next === this.#state) {
      return;
    }
    this.#state = next;
    this.#changedAt = this.#now();
    this.#onChange();
    if (next === "DOWN" && this.#flushOnDown) {
      this.#flush();
    }
  }

  #judge(): MemberState {
    if (this.#admin.kind === "out") {
      return "OUT OF SERVICE";
    }
    const health = this.#health();
    const leaving =
      this.#admin.kind === "leaving" || this.monitors.some((monitor) => monitor.leaving);
    if (leaving) {
      return health === "UP" ? "GOING OUT OF SERVICE" : "DOWN WHEN GOING OUT OF SERVICE";
    }
    return health;
  }

  /** All enabled monitors, or with a threshold enough weight of them, must be UP (NetScaler docs: monitor threshold). */
  #health(): "UP" | "DOWN" | "UNKNOWN" {
    if (!this.service.healthMonitor) {
      return "UP";
    }
    const enabled = this.monitors.filter(({ binding }) => binding.enabled);
    const counted = enabled.filter(({ running }) => running);
    if (counted.length === 0) {
      return enabled.length === 0 ? "UP" : "UNKNOWN";
    }
    if (this.service.monThreshold > 0) {
      const weight = counted
        .filter(({ state }) => state === "UP")
        .reduce((sum, { binding }) => sum + binding.weight, 0);
      return weight >= this.service.monThreshold ? "UP" : "DOWN";
    }
    return counted.every(({ state }) => state === "UP") ? "UP" : "DOWN";
  }

  #flush(): void {
    for (const connection of [...this.#served]) {
      connection.flush();
    }
  }

  #clearTimer(): void {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}
