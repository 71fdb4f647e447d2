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
 * A failure that a stall of our event loop explains as well says nothing, so many times since the last success; then it
 * counts. Successes count however the loop stalls, so that a server that answers is not called down by this.
 */
const MAX_EXCUSED_IN_A_ROW = 3;

/** One planned probe with what it has seen: the live state's smallest piece. */
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
  /** Set while its login is not begun, by the gate of its account or for want of the state directory. */
  heldBack: HeldBack | null = null;
  readonly adcSource?: NonNullable<LiveProbe["adcSource"]>;
  last: Observation | null = null;
  lastSuccess: Observation | null = null;
  lastFailure: Observation | null = null;
  lastPassed: boolean | null = null;
  /** Set when this probe ever got further than silence: before that, it may be our own firewall's. */
  everAnswered = false;
  /** Its run under way, shared with its successor if the estate is imported again meanwhile. */
  flight: { running: Promise<ProbeResult | null> | null } = { running: null };
  /** What the server last called itself here, and when by the clock of results: see server-names.ts. */
  nameClaim: { readonly name: string; heardAt: number; isMade: boolean } | null = null;
  /** How long handling its answers has stalled the event loop so far, in seconds. */
  stalledSeconds = 0;
  /** Failures since the last success that stalls of the event loop explained. */
  excusedInARow = 0;
  /** When the last run began that said something, and the last one that passed after failures; wall clock. */
  resultStartedAt: number | null = null;
  recoveredAt: number | null = null;
  /** When the last run began that passed; wall clock. */
  passedAt: number | null = null;
  /** When the first of the failures in a row began that stand now; wall clock. Null while none does. */
  failingSince: number | null = null;
  failuresInARow = 0;
  #replica: ReplicaState = initialReplica();
  #transaction: TransactionState = initialTransaction();
  /** When the last run ended, and the last one that said something; by the clock of results. */
  #ranAt: number | null = null;
  #resultAt: number | null = null;
  /** As `lastPassed`, of the last run that said something. */
  #lastResult: boolean | null = null;
  readonly #parameters: ReplicaParameters | null;
  readonly #now: () => number;

  /** `now`: the clock for the age of results; only its differences count. */
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

  /** The last observation while it counts; null before the first, and once no newer one has come for three intervals. */
  get current(): Observation | null {
    return isFresh(this.#ranAt, this.#now(), this.#paceMs) ? this.last : null;
  }

  /** As `lastPassed`, while that counts. */
  get currentPassed(): boolean | null {
    return isFresh(this.#resultAt, this.#now(), this.#paceMs) ? this.lastPassed : null;
  }

  /** Its last result no longer counts: the next one is judged by itself, not as one of a row with what came before. */
  get outdated(): boolean {
    return this.#resultAt !== null && !isFresh(this.#resultAt, this.#now(), this.#paceMs);
  }

  /**
   * When the first of opinion and observation that had not expired by `then` (default: now) expires without new data, or has
   * since; Infinity if neither.
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

  /** How much its word weighs for the service opinion: nothing for what only detects, or must be blocked. */
  get rank(): TransactionRank {
    const { action } = this.planned;
    return action.kind === "monitor" || action.role === "detection"
      ? "detection"
      : transactionRank(action.transaction);
  }

  /** Takes in one result and returns how long after its start the next probe is due, in milliseconds. */
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

  /** What was counted before a silence would make one late result as good as two in a row, or a new one of an old opinion. */
  #beginAnew(): void {
    this.#replica = initialReplica();
    this.#transaction = initialTransaction();
    this.failingSince = null;
    this.failuresInARow = 0;
  }

  /** The wall clock has been set: what is dated by it moves along. */
  adjustForClockStep(stepMs: number): void {
    if (this.last !== null) {
      this.last = { ...this.last, startedAt: this.last.startedAt + stepMs };
    }
    this.resultStartedAt = this.resultStartedAt === null ? null : this.resultStartedAt + stepMs;
    this.recoveredAt = this.recoveredAt === null ? null : this.recoveredAt + stepMs;
    this.passedAt = this.passedAt === null ? null : this.passedAt + stepMs;
    this.failingSince = this.failingSince === null ? null : this.failingSince + stepMs;
  }

  /** Takes over what an earlier record of the same probe had learnt when the estate is imported again. */
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

/** The part of a probe's result that other things depend on: while it is the same as before, nothing is judged again. */
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

/** What members of a vserver are compared by: it changes only the vserver's verdict. */
export function sameDisplay(one: ProbeStanding, other: ProbeStanding): boolean {
  return one.leaf === other.leaf && one.authSchemes === other.authSchemes;
}

export interface ProbeStanding {
  readonly passed: boolean | null;
  readonly opinion: "up" | "down" | "unknown";
  readonly servedBy: string | null;
  readonly exchangeSeen: boolean;
  /** The certificate that was shown, by its facts: shared by all who saw the same one. */
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
 * Anything but a silent TCP handshake, a name that does not resolve or a fault of our own came from the server's side; so
 * did not the silence behind a datagram, for nothing ever said that it arrived.
 */
function reachedTheServer(observation: Observation): boolean {
  return observation.outcome !== "fault" && !wasSilent(observation);
}
