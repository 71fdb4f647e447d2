import {
  failuresOfRejection,
  heldBackResult,
  endpointFailure,
  loginEndpointOf,
} from "../../src/agent/accounts/gated-login.ts";
import type { ProbeRecord } from "../../src/agent/records/probe-record.ts";
import type { ProbeResult } from "../../src/agent/run-probe.ts";
import type { Observation } from "../../src/model/observation.ts";
import { decideLogin } from "../../src/probes/transactions/account-gate/decide-login.ts";
import {
  initialGate,
  stepGate,
  suspendedUntil,
  type GateEvent,
  type GateState,
} from "../../src/probes/transactions/account-gate/gate.ts";
import { loginOutcome } from "../../src/probes/probe.ts";
import { observation, type Failure } from "./world.ts";

const SECRET = "the only one";
const LASTS_MS = 15_000;
/** As the agent waits for other logins of the account. */
const PACE_RETRY_MS = 200;
const PACE_PATIENCE_MS = 10_000;

export type PlayedLogin =
  /** Another login of the account has just begun. */
  | { readonly kind: "later"; readonly inMs: number }
  /** The observation, or its substitute; null: none. */
  | {
      readonly kind: "over";
      readonly result: ProbeResult | null;
      readonly broken: readonly Broken[];
    };

/** A place that refused what another has accepted since, and the failure that its refusal was. */
interface Broken {
  readonly key: string;
  readonly failureOf: (record: ProbeRecord) => {
    readonly result: ProbeResult;
    readonly times: number;
  };
}

/**
 * Logins in virtual time, each of which ends immediately. The agent's own gates decide and process each result as in
 * the agent; only their state is kept in memory.
 */
export class SimulatedLogins {
  readonly #gates = new Map<string, GateState>();
  readonly #refusals = new Map<string, Observation>();
  readonly #waitingSince = new Map<ProbeRecord, number>();
  #begun = 0;

  /** `recoveredAt`: when the place last showed that it may work again. */
  run(
    probe: ProbeRecord,
    now: number,
    recoveredAt: number | null,
    attempt: () => ProbeResult,
  ): PlayedLogin {
    const key = probe.credential?.lockoutKey ?? "";
    const gate = this.#gates.get(key) ?? initialGate();
    const place = loginEndpointOf(probe.planned);
    const decision = decideLogin(gate, place, now, SECRET, recoveredAt ?? undefined);
    if (decision.kind === "wait") {
      const since = this.#waitingSince.get(probe) ?? now;
      const patienceMs = Math.min(PACE_PATIENCE_MS, probe.intervalMs);
      if (decision.why === "paced" && now - since + PACE_RETRY_MS <= patienceMs) {
        this.#waitingSince.set(probe, since);
        return { kind: "later", inMs: PACE_RETRY_MS };
      }
      this.#waitingSince.delete(probe);
      const { why, broken } = decision;
      probe.heldBack = {
        kind: "held_back",
        why,
        message: null,
        ...(broken === undefined ? {} : { broken }),
      };
      const result = heldBackResult(probe, this.#refusals.get(key), now);
      return { kind: "over", result, broken: [] };
    }
    this.#waitingSince.delete(probe);
    probe.heldBack = null;
    const id = String(++this.#begun);
    this.#step(key, { kind: "secret", mark: SECRET, at: now });
    this.#step(key, { kind: "started", id, place, deadline: now + LASTS_MS, at: now });
    const { observation: seen, passed } = attempt();
    const outcome = loginOutcome(seen);
    const before = new Set(this.#gates.get(key)?.broken.map(({ until }) => until));
    this.#step(key, { kind: outcome, id, at: now });
    if (outcome === "accepted") {
      this.#refusals.delete(key);
    } else if (outcome === "rejected") {
      this.#refusals.set(key, seen);
    }
    const broken = (this.#gates.get(key)?.broken ?? [])
      .filter(({ until }) => !before.has(until))
      .map((each): Broken => ({
        key: each.key,
        failureOf: (record) => ({
          result: { observation: endpointFailure(record.last ?? seen, each), passed: false },
          times: failuresOfRejection(record.planned),
        }),
      }));
    const result = { observation: seen, passed: outcome === "rejected" ? null : passed };
    return { kind: "over", result, broken };
  }

  isSuspended(lockoutKey: string, now: number): boolean {
    const gate = this.#gates.get(lockoutKey);
    return gate !== undefined && suspendedUntil(gate, now) !== null;
  }

  #step(key: string, event: GateEvent): void {
    this.#gates.set(key, stepGate(this.#gates.get(key) ?? initialGate(), event));
  }
}

/**
 * The result of a login that began then: a rejected account, or a failure; if the failure is on the path, it comes
 * first.
 */
export function loginSeen(
  at: number,
  failure: Failure | null,
  login: "accepted" | "rejected" | "not_tried",
): ProbeResult {
  return { observation: { ...observation(at, failure), login }, passed: failure === null };
}

export const REFUSED: Failure = { outcome: "fault", step: "login", reason: "auth_rejected" };
