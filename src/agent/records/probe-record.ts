import type { Port } from "../../model/adc-service.ts";
import type { Observation, Vantage } from "../../model/observation.ts";
import type { TransactionName } from "../../model/transactions.ts";
import {
  initialReplica,
  nextDelayMs as nextReplicaDelayMs,
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
  transactionStandsUntil,
  type TransactionRank,
  type TransactionState,
} from "../../verdict/service-opinion.ts";
import { gateAccount } from "../accounts/gated-login.ts";
import type { LiveProbe } from "../../model/live.ts";
import type { ProbeResult } from "../run-probe.ts";
import { probeName, type PlannedProbe } from "../plan/planned-probe.ts";

/** One planned probe with what it has seen: the live state's smallest piece. */
export class ProbeRecord implements LiveProbe {
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
  readonly scheduled: boolean;
  readonly account: string | null;
  readonly adcSource?: NonNullable<LiveProbe["adcSource"]>;
  last: Observation | null = null;
  lastSuccess: Observation | null = null;
  lastFailure: Observation | null = null;
  lastPassed: boolean | null = null;
  /** Set when this probe ever got further than silence: before that, it may be our own firewall's. */
  everAnswered = false;
  /** Its run under way, shared with its successor when the estate is imported anew meanwhile. */
  flight: { running: Promise<ProbeResult | null> | null } = { running: null };
  #replica: ReplicaState = initialReplica();
  #transaction: TransactionState = initialTransaction();
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
    this.scheduled = planned.action.run !== null;
    this.account = gateAccount(planned);
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

  get opinion(): "up" | "down" | "unknown" {
    return this.#parameters === null
      ? transactionOpinionAt(this.#transaction, this.#now(), this.intervalMs)
      : this.#replica.opinion;
  }

  /** Until when the opinion stands without a further result: a transaction's grows stale. */
  get opinionStandsUntil(): number {
    return this.#parameters === null
      ? transactionStandsUntil(this.#transaction, this.intervalMs)
      : Infinity;
  }

  /** How much its word weighs for the service opinion: nothing for what only detects, or must be blocked. */
  get rank(): TransactionRank {
    const { action } = this.planned;
    return action.kind === "monitor" || action.role === "detection"
      ? "detection"
      : transactionRank(action.transaction);
  }

  /** Takes in one result and tells how long after its start the next probe is due, in milliseconds. */
  record(observation: Observation, passed: boolean | null): number {
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
    this.#transaction = stepTransaction(this.#transaction, passed, this.#now());
    return nextTransactionDelayMs(this.#transaction, this.intervalMs);
  }

  /** The wall clock has been set: what is dated by it moves along. */
  moveTimes(stepMs: number): void {
    if (this.last !== null) {
      this.last = { ...this.last, startedAt: this.last.startedAt + stepMs };
    }
  }

  /** Takes over what an earlier record of the same probe had learnt, when the estate is imported anew. */
  inherit(earlier: ProbeRecord): void {
    this.last = earlier.last;
    this.lastSuccess = earlier.lastSuccess;
    this.lastFailure = earlier.lastFailure;
    this.lastPassed = earlier.lastPassed;
    this.everAnswered = earlier.everAnswered;
    this.flight = earlier.flight;
    this.#replica = earlier.#replica;
    this.#transaction = earlier.#transaction;
  }
}

/** What of a probe's result anything else depends on: while it says the same as before, nobody need judge anew. */
export function saysTheSame(one: ProbeStanding, other: ProbeStanding): boolean {
  return (
    one.passed === true &&
    other.passed === true &&
    one.opinion === other.opinion &&
    one.servedBy === other.servedBy &&
    one.exchangeSeen === other.exchangeSeen &&
    one.leaf === other.leaf
  );
}

/** What members of a vserver are compared by: it changes nobody's verdict but the vserver's. */
export function showsTheSame(one: ProbeStanding, other: ProbeStanding): boolean {
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

export function standingOf({ last, lastPassed, opinion }: ProbeRecord): ProbeStanding {
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
export function reachedTheServer(observation: Observation): boolean {
  return observation.outcome !== "fault" && !wasSilent(observation);
}

/** Whether nothing at all came back: our own firewall may be in the way. */
export function wasSilent({ outcome, reason, phases }: Observation): boolean {
  return (
    reason === "connect_timeout" ||
    reason === "dns_failure" ||
    reason === "unreachable" ||
    (outcome === "timeout" && phases.connect === undefined)
  );
}
