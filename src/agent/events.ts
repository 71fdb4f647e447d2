import type { Observation } from "../model/observation.ts";
import type { LoginOutcome } from "../probes/transactions/login-outcome.ts";
import type { LiveProbe } from "../model/live.ts";

/** What became of a login; `held_back`: the account's gate, or the rate of messages, did not let it begin. */
export type LoginEnd = LoginOutcome | "held_back";

/** What the agent tells as it happens; metrics and logs listen. Calls must be cheap and must not throw. */
export interface AgentEvents {
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  /** `account` is the configured account, or `monitor NAME` for that of a login monitor. */
  readonly loginEnded: (account: string, end: LoginEnd) => void;
  readonly adcRequest: (request: {
    readonly adc: string;
    readonly node: string;
    readonly durationMs: number;
    /** Null when it succeeded. */
    readonly code: string | null;
  }) => void;
  /** How many probes are in force since an estate was brought into force. */
  readonly probesPlanned: (count: number) => void;
  readonly scheduleLag: (seconds: number) => void;
  readonly missedProbe: () => void;
  /** How many worker threads probe; 0 when the main thread does. */
  readonly workersProbing: (count: number) => void;
  /** How much later than ordered a worker thread began an exchange. */
  readonly workerLag: (seconds: number) => void;
  /** A worker thread has ended by itself, or hung and was ended. */
  readonly workerEnded: () => void;
  readonly configReloaded: (accepted: boolean, atMs: number) => void;
}

/** The part of a logger that the agent uses; pino's has it. */
export interface Log {
  readonly debug: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly info: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly warn: (fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly error: (fields: Readonly<Record<string, unknown>>, message: string) => void;
}
