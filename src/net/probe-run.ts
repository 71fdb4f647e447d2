import type {
  Observation,
  ObservationFacts,
  PhaseName,
  Phases,
  TlsFacts,
} from "../model/observation.ts";
import type { ProbeContext } from "./probe-context.ts";
import type { FailureReason, Step } from "../model/reasons.ts";
import { AbortWatch, type Abortable } from "../lib/abort-watch.ts";
import { describeBreak, namedBreak, type Break, type FailureOutcome } from "./break.ts";
import { Deadlines, type DeadlinePlace, type Timed, type Place } from "../lib/deadlines.ts";
import type { Signs } from "../model/exchange-signs.ts";
import { LoopWatch } from "./loop-watch.ts";
import { printable, Transcript } from "./transcript.ts";

/** Something that holds a handle while a probe runs: told when the probe's time is over, released at its end. */
export interface RunResource {
  interrupt(why: Break): void;
  release(): void;
}

/** Which of an observation's three kinds it is, apart from the facts. */
type Result = Observation extends infer Kind
  ? Kind extends Observation
    ? Pick<Kind, "outcome" | "reason" | "step">
    : never
  : never;

const NO_RESOURCES: readonly RunResource[] = [];
const TIMED_OUT: Break = { kind: "timeout" };
const ABORTED: Break = { kind: "aborted" };
/** What is told of a probe during which our own event loop stood still. */
export const HELD_DETAIL = "our own event loop was held while the probe ran";
const HELD: Break = namedBreak("fault", "agent_fault", HELD_DETAIL);
/** Held for so long, or for half of the probe's time, a failure may be ours. */
const MOST_HELD_MS = 1_000;
/** What a server shows also to a client that is silent for too long, or that does not listen in time. */
const HOLD_EXPLAINS: ReadonlySet<string> = new Set<FailureReason>([
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

/**
 * One run of one probe: its deadline, its clock marks, what it learned, and every handle it opened.
 * Made by `observe`, which releases all of it whatever happens.
 */
export class ProbeRun implements Abortable, Timed {
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
  backendServer: string | null = null;
  /** Set when the time is over or the round was abandoned. */
  interrupted: Break | null = null;

  #started: number;
  #mark: number;
  #phases: Partial<Record<PhaseName, number>> = {};
  #resources: readonly RunResource[] = NO_RESOURCES;
  readonly #deadlines: Deadlines;
  readonly #deadline: DeadlinePlace;
  readonly #aborts: AbortWatch;
  readonly #abortable: Place<Abortable>;
  readonly #loop: LoopWatch;
  readonly #heldBeforeMs: number;

  constructor(context: ProbeContext) {
    this.context = context;
    this.startedAt = context.now();
    this.#started = this.#mark = context.monotonic();
    this.#loop = context.network.loop ?? new LoopWatch();
    this.#heldBeforeMs = this.#loop.enter();
    this.#deadlines = context.network.deadlines ?? new Deadlines();
    this.#deadline = this.#deadlines.add(this, context.timeoutMs);
    if (context.signal.aborted) {
      this.interrupted = ABORTED;
    }
    this.#aborts = context.network.aborts ?? new AbortWatch();
    this.#abortable = this.#aborts.add(context.signal, this);
  }

  /** Milliseconds since the start. */
  elapsedMs(): number {
    return this.context.monotonic() - this.#started;
  }

  remainingMs(): number {
    return Math.max(0, this.context.timeoutMs - this.elapsedMs());
  }

  /** Ends a phase: the time since the last mark is its share; a second round of the same phase adds to the first. */
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

  /** Takes over phases measured elsewhere (another dial of the same probe). */
  addPhases(phases: Phases): void {
    Object.assign(this.#phases, phases);
  }

  /** Registers secrets that must never appear in evidence. */
  hide(...secrets: readonly (string | null)[]): void {
    for (const secret of secrets) {
      if (secret !== null) {
        this.transcript.hide(secret);
      }
    }
  }

  /** Notes signs of who answered; the first name stands, of mailbox servers the last: it is the logged-in account's. */
  sign({ servedBy, exchangeSeen, backendServer }: Signs): void {
    this.servedBy ??= servedBy;
    this.exchangeSeen ||= exchangeSeen;
    this.backendServer = backendServer ?? this.backendServer;
  }

  hold(resource: RunResource): void {
    // Nearly always the only one: an array that grows would make room for sixteen.
    this.#resources = this.#resources.length === 0 ? [resource] : [...this.#resources, resource];
  }

  drop(resource: RunResource): void {
    this.#resources = this.#resources.filter((held) => held !== resource);
  }

  match(step: Step, detail: string | null = null): Observation {
    return this.#told({ outcome: "match", reason: "ok", step }, detail);
  }

  /** The server's own word that it is going out of service (trofsCode, trofsString). */
  maintenance(step: Step, detail: string | null = null): Observation {
    return this.#told({ outcome: "maintenance", reason: "ok", step }, detail);
  }

  mismatch(step: Step, reason: FailureReason, detail: string | null = null): Observation {
    return this.#told({ outcome: "mismatch", reason, step }, detail);
  }

  fault(step: Step, reason: FailureReason, detail: string | null = null): Observation {
    return this.#told({ outcome: "fault", reason, step }, detail);
  }

  ended(
    outcome: FailureOutcome,
    step: Step,
    reason: FailureReason,
    detail: string | null = null,
  ): Observation {
    return outcome === "fault"
      ? this.fault(step, reason, detail)
      : this.#told({ outcome, reason, step }, detail);
  }

  /** The observation of an exchange that broke at this step. */
  broken(step: Step, why: Break): Observation {
    const { outcome, reason, detail } = describeBreak(why, step);
    return this.ended(outcome, step, reason, detail);
  }

  /** The round is abandoned: whatever is awaited ends now. */
  abort(): void {
    this.#interrupt(ABORTED);
  }

  /** Whatever is awaited ends now, as timed out. */
  timeIsOver(): void {
    if (this.#wasHeld()) {
      // Timers come before sockets in a turn of the event loop: the answer may be lying there unread.
      setImmediate(() => this.#interrupt(HELD));
    } else {
      this.#interrupt(TIMED_OUT);
    }
  }

  /** Clears the deadline and closes every handle still open. */
  release(): void {
    this.#deadlines.remove(this.#deadline);
    this.#loop.leave();
    this.#aborts.remove(this.context.signal, this.#abortable);
    const resources = this.#resources;
    this.#resources = NO_RESOURCES;
    for (const resource of resources) {
      resource.release();
    }
  }

  /** A failure that a held event loop explains as well is a fault of ours, and says nothing about the server. */
  excuse(seen: Observation): Observation {
    return HOLD_EXPLAINS.has(seen.reason) && seen.outcome !== "fault" && this.#wasHeld()
      ? this.fault(seen.step, "agent_fault", HELD_DETAIL)
      : seen;
  }

  #wasHeld(): boolean {
    const heldMs = this.#loop.heldMs() - this.#heldBeforeMs;
    return heldMs >= Math.min(MOST_HELD_MS, this.context.timeoutMs / 2);
  }

  #interrupt(why: Break): void {
    this.interrupted ??= why;
    for (const resource of this.#resources) {
      resource.interrupt(why);
    }
  }

  /** What has come of it, with everything that was learned on the way. */
  #told({ outcome, reason, step }: Result, detail: string | null): Observation {
    // One literal, and no spread: every probe comes through here, and a copy grows field by field.
    const told = {
      outcome,
      reason,
      step,
      startedAt: this.startedAt,
      durationMs: this.elapsedMs(),
      phases: this.#phases,
      responseTimeMs: this.responseTimeMs,
      tls: this.tls,
      servedBy: this.servedBy,
      exchangeSeen: this.exchangeSeen,
      evidence: {
        transcript: this.transcript.toString(),
        detail: detail === null ? null : printable(this.transcript.redact(detail).slice(0, 500)),
      },
    } as Observation;
    const { clientAddress, channelBound, authSchemes, backendServer } = this;
    const isUsual = clientAddress === undefined && !channelBound && backendServer === null;
    if (isUsual && authSchemes === null) {
      return told;
    }
    return {
      ...told,
      ...(clientAddress === undefined ? {} : { clientAddress }),
      ...(channelBound ? { channelBound } : {}),
      ...(authSchemes === null ? {} : { authSchemes }),
      ...(backendServer === null ? {} : { backendServer }),
    };
  }
}

/**
 * Runs the body of a probe under its deadline. Never rejects: an exception is a bug of ours and becomes `agent_fault`.
 * All handles opened through the run are closed when it ends.
 */
export async function observe(
  context: ProbeContext,
  body: (run: ProbeRun) => Promise<Observation>,
): Promise<Observation> {
  const run = new ProbeRun(context);
  try {
    return run.excuse(await body(run));
  } catch (error) {
    return run.fault("transaction", "agent_fault", messageOf(error));
  } finally {
    run.release();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
