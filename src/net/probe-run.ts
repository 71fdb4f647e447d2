import { errorMessage } from "../lib/log.ts";
import type {
  LoginOutcome,
  Observation,
  ObservationFacts,
  PhaseName,
  Phases,
  TlsFacts,
} from "../model/observation.ts";
import type { ProbeContext } from "./probe-context.ts";
import type { FailureReason, Step } from "../model/reasons.ts";
import { type Abortable, startTimer, type Timer } from "../lib/timers.ts";
import {
  describeExchangeError,
  exchangeError,
  type ExchangeError,
  type FailureOutcome,
} from "./exchange-error.ts";
import type { Sealed } from "../lib/secret.ts";
import type { Signs } from "../model/exchange-signs.ts";
import type { EventLoopMonitor, StallCause } from "./event-loop-monitor.ts";
import { type RunResource, type RunScope, printable, Transcript } from "./transcript.ts";

/** The part of an observation that distinguishes passed, failed and fault. */
type Result = Observation extends infer Kind
  ? Kind extends Observation
    ? Pick<Kind, "outcome" | "reason" | "step">
    : never
  : never;

const NO_RESOURCES: readonly RunResource[] = [];
const TIMED_OUT: ExchangeError = { kind: "timeout" };
const ABORTED: ExchangeError = { kind: "aborted" };
/** The detail of a probe that ran during an event-loop stall. */
export const STALL_DETAIL = "our own event loop stalled while the probe ran";
const STALLED: ExchangeError = exchangeError("fault", "agent_fault", STALL_DETAIL);
/** A stall of this length, or of half of the probe's timeout, may have caused the failure. */
const EXCUSING_STALL_MS = 1_000;
/** Failures that a server also shows to a client that is idle or too slow. */
const STALL_EXPLAINS: ReadonlySet<string> = new Set<FailureReason>([
  "connect_timeout",
  "tls_timeout",
  "banner_timeout",
  "response_timeout",
  "dns_failure",
  "reset",
  "closed_without_data",
  "protocol_error",
  "tls_handshake",
  "bye",
]);

/** One run of one probe: its deadline, phases, results, and open handles. Created by `observe`, which always releases it. */
export class ProbeRun implements Abortable, RunScope, StallCause {
  readonly context: ProbeContext;
  readonly startedAt: number;
  readonly transcript = new Transcript();
  tls: TlsFacts | null = null;
  responseTimeMs: number | null = null;
  servedBy: string | null = null;
  exchangeSeen = false;
  clientAddress: ObservationFacts["clientAddress"] = undefined;
  channelBound = false;
  authSchemes: string | null = null;
  /** See Observation. */
  answered: readonly string[] | null = null;
  /** `unanswered` once a credential is sent, then its result. */
  login: LoginOutcome | null = null;
  backendServer: string | null = null;
  /** Event-loop stall caused by handling this run's responses, from the event-loop monitor. */
  stalledMs = 0;
  /** Set at the deadline or when the round is abandoned. */
  interrupted: ExchangeError | null = null;
  abortIndex = -1;

  #started: number;
  #mark: number;
  #phases: Partial<Record<PhaseName, number>> = {};
  #resources: readonly RunResource[] = NO_RESOURCES;
  readonly #deadline: Timer;
  readonly #loop: EventLoopMonitor;
  readonly #stalledBeforeMs: number;

  constructor(context: ProbeContext) {
    this.context = context;
    this.startedAt = context.now();
    this.#started = this.#mark = context.monotonic();
    this.#loop = context.network.loop;
    this.#stalledBeforeMs = this.#loop.enter();
    this.#loop.attributeTo(this);
    this.#deadline = startTimer(context.timeoutMs, () => this.#onTimeout());
    if (context.signal.aborted) {
      this.interrupted = ABORTED;
    }
    context.network.aborts.add(context.signal, this);
  }

  /** Attributes the current turn of the event loop to this run; call it in every event handler. */
  called(): void {
    this.#loop.attributeTo(this);
  }

  /** Milliseconds since the start. */
  elapsedMs(): number {
    return this.context.monotonic() - this.#started;
  }

  remainingMs(): number {
    return Math.max(0, this.context.timeoutMs - this.elapsedMs());
  }

  /** Ends a phase, which lasted since the last mark; a repeated phase adds up. */
  phase(name: PhaseName): number {
    const now = this.context.monotonic();
    const spent = now - this.#mark;
    this.#mark = now;
    this.#phases[name] = (this.#phases[name] ?? 0) + spent;
    return spent;
  }

  get phases(): Phases {
    return this.#phases;
  }

  /** Registers secrets to redact from evidence. */
  redact(...secrets: readonly (string | Sealed | null)[]): void {
    for (const secret of secrets) {
      if (secret !== null) {
        this.transcript.redactSecret(typeof secret === "string" ? secret : secret.reveal());
      }
    }
  }

  /** Records who answered. The first server name is kept, but the last mailbox server, which is the account's. */
  identify({ servedBy, exchangeSeen, backendServer }: Signs): void {
    this.servedBy ??= servedBy;
    this.exchangeSeen ||= exchangeSeen;
    this.backendServer = backendServer ?? this.backendServer;
  }

  /** A name that contains a secret is dropped, because names become labels and page text. */
  #redactedOrNull(name: string | null): string | null {
    return name !== null && this.transcript.redact(name) === name ? name : null;
  }

  track(resource: RunResource): void {
    // Nearly always the only one: a growing array would allocate sixteen slots.
    this.#resources = this.#resources.length === 0 ? [resource] : [...this.#resources, resource];
  }

  untrack(resource: RunResource): void {
    this.#resources = this.#resources.filter((held) => held !== resource);
  }

  match(step: Step, detail: string | null = null): Observation {
    return this.#observation({ outcome: "match", reason: "ok", step }, detail);
  }

  /** The server announces that it is going out of service (trofsCode, trofsString). */
  maintenance(step: Step, detail: string | null = null): Observation {
    return this.#observation({ outcome: "maintenance", reason: "ok", step }, detail);
  }

  mismatch(step: Step, reason: FailureReason, detail: string | null = null): Observation {
    return this.#observation({ outcome: "mismatch", reason, step }, detail);
  }

  fault(step: Step, reason: FailureReason, detail: string | null = null): Observation {
    return this.#observation({ outcome: "fault", reason, step }, detail);
  }

  ended(
    outcome: FailureOutcome,
    step: Step,
    reason: FailureReason,
    detail: string | null = null,
  ): Observation {
    return outcome === "fault"
      ? this.fault(step, reason, detail)
      : this.#observation({ outcome, reason, step }, detail);
  }

  /** The observation of an exchange that failed at this step. */
  fail(step: Step, why: ExchangeError): Observation {
    const { outcome, reason, detail } = describeExchangeError(why, step);
    return this.ended(outcome, step, reason, detail);
  }

  /** The round is abandoned: every wait ends now. */
  abort(): void {
    this.#interrupt(ABORTED);
  }

  /** Clears the deadline and closes all open handles. */
  release(): void {
    this.#deadline.cancel();
    this.#loop.leave();
    this.context.network.aborts.remove(this.context.signal, this);
    const resources = this.#resources;
    this.#resources = NO_RESOURCES;
    for (const resource of resources) {
      resource.release();
    }
  }

  /**
   * Adjusts the result for event-loop stalls during the run. A failure that a stall could have caused becomes an agent fault,
   * which says nothing about the server. A stall caused by handling this server's responses is reported.
   */
  discountIfStalled(seen: Observation): Observation {
    this.#loop.attributeTo(null);
    const excused =
      STALL_EXPLAINS.has(seen.reason) && seen.outcome !== "fault" && this.#stallExcuses();
    const judged = excused ? this.fault(seen.step, "agent_fault", STALL_DETAIL) : seen;
    const wasStalled = excused || this.interrupted === STALLED;
    return wasStalled || this.stalledMs > 0
      ? { ...judged, stall: { causedMs: this.stalledMs, excused: wasStalled } }
      : judged;
  }

  #stallExcuses(): boolean {
    const heldMs = this.#loop.stalledMs() - this.#stalledBeforeMs;
    return (
      this.context.excuseStalls !== false &&
      heldMs >= Math.min(EXCUSING_STALL_MS, this.context.timeoutMs / 2)
    );
  }

  /** Every wait ends now, as a timeout. */
  #onTimeout(): void {
    if (this.#stallExcuses()) {
      // Timers run before sockets in a turn of the event loop, so a response may be waiting unread.
      setImmediate(() => this.#interrupt(STALLED));
    } else {
      this.#interrupt(TIMED_OUT);
    }
  }

  #interrupt(why: ExchangeError): void {
    this.interrupted ??= why;
    for (const resource of this.#resources) {
      resource.interrupt(why);
    }
  }

  /** Builds the observation from the result and everything that was recorded. */
  #observation({ outcome, reason, step }: Result, detail: string | null): Observation {
    // One literal without spread, since every probe passes here and a copy would grow field by field.
    const usual = {
      outcome,
      reason,
      step,
      startedAt: this.startedAt,
      durationMs: this.elapsedMs(),
      phases: this.#phases,
      responseTimeMs: this.responseTimeMs,
      tls: this.tls,
      servedBy: this.#redactedOrNull(this.servedBy),
      exchangeSeen: this.exchangeSeen,
      evidence: {
        transcript: this.transcript.toString(),
        detail: detail === null ? null : printable(this.transcript.redact(detail).slice(0, 500)),
      },
    } as Observation;
    const { clientAddress, channelBound, authSchemes, login, answered } = this;
    const backendServer = this.#redactedOrNull(this.backendServer);
    const isUsual = clientAddress === undefined && !channelBound && backendServer === null;
    if (isUsual && answered === null && authSchemes === null && login === null) {
      return usual;
    }
    return {
      ...usual,
      ...(clientAddress === undefined ? {} : { clientAddress }),
      ...(channelBound ? { channelBound } : {}),
      ...(authSchemes === null ? {} : { authSchemes }),
      ...(backendServer === null ? {} : { backendServer }),
      ...(answered === null ? {} : { answered }),
      ...(login === null ? {} : { login }),
    };
  }
}

/**
 * Runs the body of a probe with its deadline. Never rejects: an exception is a bug and becomes `agent_fault`. Closes all
 * handles at the end.
 */
export async function observe(
  context: ProbeContext,
  body: (run: ProbeRun) => Promise<Observation>,
): Promise<Observation> {
  const run = new ProbeRun(context);
  try {
    return run.discountIfStalled(await body(run));
  } catch (error) {
    return run.fault("transaction", "agent_fault", errorMessage(error));
  } finally {
    run.release();
  }
}
