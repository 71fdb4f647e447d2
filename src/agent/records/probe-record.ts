import type { Port } from "../../model/adc-service.ts";
import {
  wasSilent,
  type Depth,
  type Sight,
  type Observation,
  type Vantage,
} from "../../model/observation.ts";
import type { LiveProbe } from "../../model/live.ts";
import type { TransactionName } from "../../model/transactions.ts";
import {
  freshForMs,
  freshUntil,
  isFresh,
  initialReplica,
  nextDelayMs as nextReplicaDelayMs,
  replicaOpinionAt,
  stepReplica,
  type ReplicaParameters,
  type ReplicaState,
} from "../../verdict/replica.ts";
import {
  initialTransaction,
  nextDelayMs as nextTransactionDelayMs,
  stepTransaction,
  transactionOpinionAt,
  transactionRank,
  type TransactionRank,
  type TransactionState,
} from "../../verdict/service-opinion.ts";
import type { Credential } from "../accounts/account-keeper.ts";
import { credentialOnWire, type HeldBack } from "../accounts/gated-login.ts";
import type { ProbeFacts } from "../../verdict/facts.ts";
import type { VipRefusal } from "../../verdict/vip-refusal.ts";
import type { ProbeResult } from "../run-probe.ts";
import { probeName, probeSight, type PlannedProbe } from "../plan/planned-probe.ts";

/**
 * How many failures since the last success are excused because a stall of our event loop explains them. Successes always count:
 * a server that answers is not taken for down.
 */
const MAX_EXCUSED_IN_A_ROW = 3;

/** One planned probe and what it has seen. */
export class ProbeRecord implements LiveProbe, ProbeFacts {
  readonly planned: PlannedProbe;
  readonly id: string;
  readonly adc: string;
  readonly kind: "monitor" | "transaction";
  readonly vserver: string;
  readonly adcService: string;
  readonly server: string;
  readonly port: Port | "";
  readonly monitor: string;
  readonly transaction: TransactionName | "";
  readonly type: string;
  readonly vantage: Vantage;
  readonly address: string | null;
  readonly intervalMs: number;
  readonly sight: Sight;
  readonly scheduled: boolean;
  readonly notRepeated: string | null;
  readonly account: string | null;
  /** Whose password it sends, or null. */
  readonly credential: Credential | null;
  /** Set while its login is not tried, by the account's gate or because there is no state directory. */
  heldBack: HeldBack | null = null;
  readonly adcSource?: NonNullable<LiveProbe["adcSource"]>;
  last: Observation | null = null;
  lastSuccess: Observation | null = null;
  lastFailure: Observation | null = null;
  lastPassed: boolean | null = null;
  /** Set once anything answered. Before that, a firewall may block this agent. */
  everAnswered = false;
  /** The run in progress, shared with the successor if the estate is imported again meanwhile. */
  flight: { running: Promise<ProbeResult | null> | null } = { running: null };
  /** The last name by which the server identified itself, and when (`ServerNames` in witness-state.ts). */
  nameClaim: { readonly name: string; claimedAt: number; isMade: boolean } | null = null;
  /** For how long handling its answers has stalled the event loop, in seconds. */
  stalledSeconds = 0;
  /** Failures excused by stalls since the last success. */
  excusedInARow = 0;
  /** When the last run with a result began, and the last one that passed after failures; wall clock. */
  resultStartedAt: number | null = null;
  recoveredAt: number | null = null;
  /** When the last run that passed began; wall clock. */
  passedAt: number | null = null;
  /** When the first of the present failures in a row began; wall clock. Null: the last result passed. */
  failingSince: number | null = null;
  failuresInARow = 0;
  #replica: ReplicaState = initialReplica();
  #transaction: TransactionState = initialTransaction();
  /** When the last run ended, and the last one with a result; by `now`. */
  #ranAt: number | null = null;
  #resultAt: number | null = null;
  /** As `lastPassed`, of the last run with a result. */
  #lastResult: boolean | null = null;
  readonly #parameters: ReplicaParameters | null;
  readonly #now: () => number;

  /** `now`: the clock by which results expire, in milliseconds. */
  constructor(planned: PlannedProbe, now: () => number) {
    const backend = planned.vantage === "backend";
    this.planned = planned;
    this.#now = now;
    this.id = planned.id;
    this.adc = planned.adc;
    this.kind = planned.action.kind;
    this.vserver = planned.vserver;
    this.adcService = backend ? planned.adcService : "";
    this.server = backend ? (planned.server ?? "") : "";
    this.port = backend ? (planned.memberPort ?? "") : "";
    this.monitor = planned.action.kind === "monitor" ? probeName(planned) : "";
    this.transaction = planned.action.kind === "transaction" ? planned.action.transaction : "";
    this.type = planned.type;
    this.vantage = planned.vantage;
    this.address = planned.address;
    this.intervalMs = planned.intervalMs;
    this.sight = probeSight(planned);
    this.scheduled = planned.action.run !== null;
    this.notRepeated = planned.action.unsupportedReason;
    this.credential = credentialOnWire(planned);
    this.account = this.credential?.name ?? null;
    if (planned.action.kind === "monitor") {
      this.adcSource = { source: planned.source, addresses: planned.sourceAddresses };
    }
    this.#parameters =
      planned.action.kind === "monitor"
        ? {
            retries: planned.action.monitor.retries,
            failureRetries: planned.action.monitor.failureRetries,
            successRetries: planned.action.monitor.successRetries,
            intervalMs: planned.intervalMs,
            downTimeMs: planned.action.monitor.downTimeMs,
          }
        : null;
  }

  get depth(): Depth {
    return this.sight.depth;
  }

  get targetPort(): Port | null {
    return this.planned.port;
  }

  get path(): string | null {
    const { action } = this.planned;
    return action.kind === "transaction" ? (action.run?.spec.path ?? null) : null;
  }

  get entry(): string {
    return this.vantage === "backend" ? "" : (this.planned.vservers.at(-1) ?? "");
  }

  get note(): string | null {
    return this.planned.note;
  }

  get redirectUrl(): string | null {
    const { action } = this.planned;
    return action.kind === "transaction" ? (action.run?.spec.adc?.redirectUrl ?? null) : null;
  }

  get refusal(): VipRefusal | null {
    return this.planned.refusal ?? null;
  }

  get excluded(): boolean {
    return this.planned.unjudged !== undefined;
  }

  get enabled(): boolean {
    const { action } = this.planned;
    return action.kind === "transaction" || action.monitor.enabled;
  }

  get downTimeMs(): number {
    return this.#parameters?.downTimeMs ?? 0;
  }

  get opinion(): "up" | "down" | "unknown" {
    return this.#parameters === null
      ? transactionOpinionAt(this.#transaction, this.#now(), this.intervalMs)
      : replicaOpinionAt(this.#replica, this.#parameters, this.#resultAt, this.#now());
  }

  /** The last observation until it expires; null otherwise. */
  get current(): Observation | null {
    return isFresh(this.#ranAt, this.#now(), this.#paceMs) ? this.last : null;
  }

  /** As `lastPassed`, until that expires. */
  get currentPassed(): boolean | null {
    return isFresh(this.#resultAt, this.#now(), this.#paceMs) ? this.lastPassed : null;
  }

  /** The last result has expired: the next one begins a new row. */
  get outdated(): boolean {
    return this.#resultAt !== null && !isFresh(this.#resultAt, this.#now(), this.#paceMs);
  }

  /**
   * When the first of opinion and observation expires without new data, of those that had not expired by `then` (default: now);
   * Infinity if neither.
   */
  staleAfter(then = this.#now()): number {
    const opinionUntil = freshUntil(this.#resultAt, this.#paceMs);
    const observationUntil = freshUntil(this.#ranAt, this.#paceMs);
    return Math.min(
      opinionUntil >= then ? opinionUntil : Infinity,
      observationUntil >= then ? observationUntil : Infinity,
    );
  }

  /** How long a result of this probe counts, in milliseconds. */
  get freshMs(): number {
    return freshForMs(this.#paceMs);
  }

  /** From one start to the next. */
  get #paceMs(): number {
    return this.#parameters === null
      ? this.intervalMs
      : nextReplicaDelayMs(this.#replica, this.#parameters);
  }

  /** Whether a stall of our event loop may excuse the next failure. */
  get mayBeExcused(): boolean {
    return this.excusedInARow < MAX_EXCUSED_IN_A_ROW;
  }

  /** How much it weighs for the service opinion; `detection`: not at all. */
  get rank(): TransactionRank {
    const { action } = this.planned;
    return action.kind === "monitor" || action.role === "detection"
      ? "detection"
      : transactionRank(action.transaction);
  }

  /** Takes in one result. Returns how long after its start the next probe is due, in milliseconds. */
  record(observation: Observation, passed: boolean | null): number {
    const now = this.#now();
    if (this.outdated) {
      this.#beginAnew();
    }
    if (observation.stall?.excused === true) {
      this.excusedInARow += 1;
    } else if (passed === true) {
      this.excusedInARow = 0;
    }
    this.stalledSeconds += (observation.stall?.causedMs ?? 0) / 1_000;
    this.#ranAt = now;
    if (passed !== null) {
      if (passed && this.#lastResult === false) {
        this.recoveredAt = observation.startedAt;
      }
      this.passedAt = passed ? observation.startedAt : this.passedAt;
      this.failuresInARow = passed ? 0 : this.failuresInARow + 1;
      this.failingSince = passed ? null : (this.failingSince ?? observation.startedAt);
      this.#lastResult = passed;
      this.resultStartedAt = observation.startedAt;
    }
    this.#resultAt = passed === null ? this.#resultAt : now;
    this.last = observation;
    this.lastPassed = passed;
    if (passed === true) {
      this.lastSuccess = observation;
    } else {
      this.lastFailure = observation;
    }
    if (reachedTheServer(observation)) {
      this.everAnswered = true;
    }
    if (this.#parameters !== null) {
      this.#replica = stepReplica(this.#replica, this.#parameters, passed);
      return nextReplicaDelayMs(this.#replica, this.#parameters);
    }
    this.#transaction = stepTransaction(this.#transaction, passed, now);
    return nextTransactionDelayMs(this.#transaction, this.intervalMs);
  }

  /** Results from before a gap do not count towards a row with the next one. */
  #beginAnew(): void {
    this.#replica = initialReplica();
    this.#transaction = initialTransaction();
    this.failingSince = null;
    this.failuresInARow = 0;
  }

  /** The wall clock was set: everything dated by it is adjusted. */
  adjustForClockStep(stepMs: number): void {
    if (this.last !== null) {
      this.last = { ...this.last, startedAt: this.last.startedAt + stepMs };
    }
    this.resultStartedAt = this.resultStartedAt === null ? null : this.resultStartedAt + stepMs;
    this.recoveredAt = this.recoveredAt === null ? null : this.recoveredAt + stepMs;
    this.passedAt = this.passedAt === null ? null : this.passedAt + stepMs;
    this.failingSince = this.failingSince === null ? null : this.failingSince + stepMs;
  }

  /** Takes over the state of the same probe's record from before the estate was imported again. */
  inherit(earlier: ProbeRecord): void {
    this.last = earlier.last;
    this.lastSuccess = earlier.lastSuccess;
    this.lastFailure = earlier.lastFailure;
    this.lastPassed = earlier.lastPassed;
    this.everAnswered = earlier.everAnswered;
    this.heldBack = earlier.heldBack;
    this.flight = earlier.flight;
    this.nameClaim = earlier.nameClaim;
    this.stalledSeconds = earlier.stalledSeconds;
    this.excusedInARow = earlier.excusedInARow;
    this.resultStartedAt = earlier.resultStartedAt;
    this.recoveredAt = earlier.recoveredAt;
    this.passedAt = earlier.passedAt;
    this.failingSince = earlier.failingSince;
    this.failuresInARow = earlier.failuresInARow;
    this.#lastResult = earlier.#lastResult;
    this.#ranAt = earlier.#ranAt;
    this.#resultAt = earlier.#resultAt;
    this.#replica = earlier.#replica;
    this.#transaction = earlier.#transaction;
  }
}

/** Whether two results are the same for verdicts: then nothing is judged again. */
export function sameVerdictInput(one: ProbeStanding, other: ProbeStanding): boolean {
  return (
    one.passed === true &&
    other.passed === true &&
    one.opinion === other.opinion &&
    one.servedBy === other.servedBy &&
    one.exchangeSeen === other.exchangeSeen &&
    one.leaf === other.leaf
  );
}

/** Whether two results are the same for the comparison of a vserver's members. */
export function sameDisplay(one: ProbeStanding, other: ProbeStanding): boolean {
  return one.leaf === other.leaf && one.authSchemes === other.authSchemes;
}

export interface ProbeStanding {
  readonly passed: boolean | null;
  readonly opinion: "up" | "down" | "unknown";
  readonly servedBy: string | null;
  readonly exchangeSeen: boolean;
  /** Fingerprint of the certificate that was shown. */
  readonly leaf: string | null;
  readonly authSchemes: string | null;
}

export function statusOf({ last, lastPassed, opinion }: ProbeRecord): ProbeStanding {
  return {
    passed: lastPassed,
    opinion,
    servedBy: last?.servedBy ?? null,
    exchangeSeen: last?.exchangeSeen ?? false,
    leaf: last?.tls?.chain[0]?.sha256 ?? null,
    authSchemes: last?.authSchemes ?? null,
  };
}

/**
 * Whether anything answered. Not: an unanswered TCP handshake or datagram, a name that does not resolve, a fault of our own.
 */
function reachedTheServer(observation: Observation): boolean {
  return observation.outcome !== "fault" && !wasSilent(observation);
}
