import { NO_SECRET } from "../../lib/secret.ts";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import type { GateDecision } from "../../probes/transactions/account-gate/decide-login.ts";
import type { StateFailure, Credential, AccountKeeper, BeginResult } from "./account-keeper.ts";
import type { ProbeResult } from "../run-probe.ts";
import type { BrokenEndpoint, LoginPlace } from "../../probes/transactions/account-gate/gate.ts";
import {
  lockoutKeyOf,
  type MonitorCredential,
  type MonitorSpec,
} from "../../probes/monitors/spec.ts";
import { loginOutcome } from "../../probes/probe.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { Observation } from "../../model/observation.ts";
import { writtenSecrets } from "../../probes/monitors/written-login.ts";

/** Exchange's client receive connectors take so many messages in a minute from one source, and one user. */
export const MAX_MESSAGES = 5;
export const PER_MS = 60_000;
/** A message handed in: at this server, or through an ADC at whichever it chose (null). */
interface MessageSent {
  readonly server: string | null;
  /** By a clock that is never set. */
  readonly at: number;
}
/**
 * Whether one more message may be handed in there now, of whichever account. What went through an ADC may have reached any
 * server, and counts against all of them.
 */
export function maySend(sent: readonly MessageSent[], server: string | null, now: number): boolean {
  const recent = sent.filter(({ at }) => now - at < PER_MS);
  const through = recent.filter((each) => each.server === null).length;
  const servers = server === null ? new Set(recent.map((each) => each.server)) : [server];
  const direct = [...servers].map((name) =>
    name === null ? 0 : recent.filter((each) => each.server === name).length,
  );
  return through + Math.max(0, ...direct) < MAX_MESSAGES;
}
/** The messages of this agent within the last minute, booked as each round begins. */
export class MessagePace {
  readonly #monotonic: () => number;
  #sent: readonly MessageSent[] = [];

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Books a message of this probe, if it sends one; false when it would be one too many. */
  book({ vantage, server, action }: PlannedProbe): boolean {
    if (action.kind !== "transaction" || action.transaction !== "mail_round_trip") {
      return true;
    }
    const now = this.#monotonic();
    const at = vantage === "backend" ? server : null;
    if (!maySend(this.#sent, at, now)) {
      return false;
    }
    this.#sent = [...this.#sent.filter((each) => now - each.at < PER_MS), { server: at, at: now }];
    return true;
  }
}
/** How often, and how long at most, a login waits for another of the same account that is under way or has just begun. */
const BUSY_RETRY_MS = 200;
const BUSY_PATIENCE_MS = 10_000;
/** A login waits this long for the first one after a start. */
const STARTING_PATIENCE_MS = 30_000;
/** Time beyond a probe's own until its login counts as unanswered. */
const DEADLINE_SLACK_MS = 5_000;
/** Why a login is not begun; a label of metrics, so a closed list. */
export type HeldBackReason =
  | Extract<GateDecision, { kind: "wait" }>["why"]
  | "starting"
  | StateFailure["why"]
  /** The sixth message to one server in a minute. */
  | "message_rate";
export interface HeldBack {
  readonly kind: "held_back";
  readonly why: HeldBackReason;
  /** More of it in words, or null. */
  readonly message: string | null;
  /** What is known to be wrong with a place that is backed off from. */
  readonly broken?: BrokenEndpoint["reason"];
}
type GatedResult =
  | {
      readonly kind: "ran";
      readonly result: ProbeResult;
      /** Places that this login has shown to be at fault. */
      readonly broken: readonly BrokenEndpoint[];
    }
  /** The gate does not let this login begin: nothing was sent. */
  | HeldBack;
/** Whose password a probe sends, or null: a transaction's account, or the user of a login monitor. */
export function credentialOnWire({ action }: PlannedProbe): Credential | null {
  if (action.run === null) {
    return null;
  }
  if (action.kind === "transaction") {
    const { account } = action.run.spec;
    return account === null
      ? null
      : {
          lockoutKey: lockoutKeyOf(account.username),
          secret: account.password,
          name: action.account ?? account.name,
        };
  }
  const login = loginOnWire(action.run.spec);
  return login === null
    ? null
    : {
        lockoutKey: lockoutKeyOf(login.username),
        secret: login.password,
        name: `monitor ${action.monitor.name}`,
      };
}
/** The login that the ADC's configuration wrote into the request, else the one that our own configuration adds. */
function loginOnWire(spec: MonitorSpec): Pick<MonitorCredential, "username" | "password"> | null {
  const { login } = writtenSecrets(spec.monitor);
  if (login !== null) {
    return { username: login.username, password: { reveal: () => login.password } };
  }
  const { credential } = spec;
  return credential === null || credential.username === "" || credential.password === NO_SECRET
    ? null
    : credential;
}
/**
 * Runs a probe that logs in, if its account's gate lets it. If `run` rejects, the result of the login is unknown.
 * `recoveredMsAgo`: as the keeper's.
 */
export async function gatedLogin(
  keeper: AccountKeeper,
  credential: Credential,
  planned: Pick<PlannedProbe, "id" | "vantage" | "server" | "address" | "intervalMs" | "timeoutMs">,
  run: () => Promise<ProbeResult>,
  monotonic: () => number,
  signal: AbortSignal,
  recoveredMsAgo: number | null = null,
): Promise<GatedResult> {
  const place = placeOf(planned);
  const since = monotonic();
  for (;;) {
    const lastsMs = planned.timeoutMs + DEADLINE_SLACK_MS;
    const begun = await keeper.begin(credential, place, lastsMs, recoveredMsAgo);
    if (begun.kind === "begun") {
      const result = await run().catch(async (error: unknown) => {
        await keeper.end(credential.lockoutKey, begun.id, "unanswered");
        throw error;
      });
      const outcome = loginOutcome(result.observation);
      const broken = await keeper.end(credential.lockoutKey, begun.id, outcome);
      return { kind: "ran", result, broken };
    }
    const wait = waitFor(begun, planned.intervalMs);
    if (wait === null || monotonic() - since + wait.ms > wait.patienceMs || signal.aborted) {
      return begun.kind === "failed"
        ? { kind: "held_back", why: begun.why, message: begun.message }
        : {
            kind: "held_back",
            why: begun.why,
            message: null,
            ...("broken" in begun ? { broken: begun.broken } : {}),
          };
    }
    await sleep(wait.ms, undefined, { signal }).catch(() => undefined);
  }
}
/** Where the gate sees a probe log in. */
export function placeOf({
  id,
  vantage,
  server,
  address,
}: Pick<PlannedProbe, "id" | "vantage" | "server" | "address">): LoginPlace {
  return vantage === "backend"
    ? { key: id, server: server ?? address ?? id, throughAdc: false }
    : { key: id, server: address ?? id, throughAdc: true };
}
/** How long to wait before asking again, and how long at most in all; null: not worth it. */
function waitFor(
  begun: Exclude<BeginResult, { kind: "begun" }>,
  intervalMs: number,
): { readonly ms: number; readonly patienceMs: number } | null {
  switch (begun.why) {
    case "starting":
      return { ms: begun.waitMs, patienceMs: STARTING_PATIENCE_MS };
    case "busy":
    case "paced":
    case "state_locked":
      return { ms: BUSY_RETRY_MS, patienceMs: Math.min(BUSY_PATIENCE_MS, intervalMs) };
    default:
      return null;
  }
}
/**
 * What a rejected login turns out to have been, once the same credential was accepted elsewhere: the place's failure.
 * `knownBehind`: a member behind that VIP fails alike. A refusal by the ADC's own login names itself.
 */
export function placeFailure(
  rejected: Observation,
  { reason }: Pick<BrokenEndpoint, "reason">,
  knownBehind = false,
): Observation {
  const shown = reason === "login_broken_by_adc" && knownBehind ? "backend_unavailable" : reason;
  const named = rejected.reason === "aaa_rejected" ? rejected.reason : shown;
  return { ...rejected, outcome: "failed", reason: named, step: "login" };
}
/** Two failures make a service opinion: the rejection, and its confirmation elsewhere. A replica is as sure at once. */
export function failuresToConvict({ action }: PlannedProbe): number {
  return action.kind === "monitor" ? Math.max(2, action.monitor.retries) : 2;
}
export const NOTHING_SEEN = {
  startedAt: 0,
  durationMs: 0,
  phases: {},
  responseTimeMs: null,
  tls: null,
  servedBy: null,
  exchangeSeen: false,
  evidence: { transcript: "", detail: null },
} as const;
/**
 * What a probe whose login was held back comes to all the same; null: nothing is known of it. The ADC's own copy of a login
 * monitor goes on failing: where the place is known to refuse what works elsewhere, until it is tried again; everywhere, while
 * the account is suspended or waits for a place that goes first after a rejection (`refusal`: the last that was seen), and
 * that says nothing of the server.
 */
export function heldBackResult(
  { kind, heldBack, last, credential }: HeldBackProbe,
  refusal: Observation | undefined,
  now: number,
): ProbeResult | null {
  if (kind !== "monitor" || credential === null) {
    return null;
  }
  if (heldBack?.why === "backing_off") {
    const seen = last ?? earlierFailure(heldBack);
    return seen?.outcome === "failed"
      ? { observation: { ...seen, startedAt: now }, passed: false }
      : null;
  }
  const isRejected = refusal !== undefined && loginOutcome(refusal) === "rejected";
  const isInDoubt = heldBack?.why === "elsewhere_first" && isRejected;
  if (heldBack?.why !== "suspended" && !isInDoubt) {
    return null;
  }
  const lastRefusal = refusal?.evidence.detail ?? "logins were rejected before this agent started";
  const status = isInDoubt ? "is tried elsewhere first" : "is suspended";
  const observation: Observation = {
    ...NOTHING_SEEN,
    outcome: "fault",
    startedAt: now,
    reason: refusal === undefined || refusal.reason === "ok" ? "auth_rejected" : refusal.reason,
    step: "login",
    evidence: {
      transcript: "",
      detail: `the account of ${credential.name} ${status}: ${lastRefusal}`,
    },
  };
  return { observation, passed: null };
}
/** What an earlier run, or another agent with these accounts, came to know of this place. */
function earlierFailure({ broken }: HeldBack): Observation | null {
  return broken === undefined
    ? null
    : {
        ...NOTHING_SEEN,
        outcome: "failed",
        reason: broken,
        step: "login",
        evidence: { transcript: "", detail: "seen before; the login is not tried again so soon" },
      };
}

interface HeldBackProbe {
  readonly kind: "monitor" | "transaction";
  readonly heldBack: HeldBack | null;
  readonly last: Observation | null;
  readonly credential: Credential | null;
}
