import { NO_SECRET } from "../../lib/secret.ts";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import type { GateDecision } from "../../probes/transactions/account-gate/decide-login.ts";
import type { StateFailure, Credential, AccountKeeper, BeginResult } from "./account-keeper.ts";
import type { ProbeResult } from "../run-probe.ts";
import type { BrokenEndpoint, LoginEndpoint } from "../../probes/transactions/account-gate/gate.ts";
import {
  lockoutKeyOf,
  type MonitorCredential,
  type MonitorSpec,
} from "../../probes/monitors/spec.ts";
import { loginOutcome } from "../../probes/probe.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { atMost } from "../../lib/timers.ts";
import type { LoginQueue } from "./login-queue.ts";
import type { Observation } from "../../model/observation.ts";
import { monitorRequestSecrets } from "../../probes/monitors/written-login.ts";

/** Exchange's client receive connectors accept this many messages a minute from one source and one user. */
export const MAX_MESSAGES_PER_MINUTE = 5;
export const MINUTE_MS = 60_000;
/** A submitted message: to this server, or through an ADC to an unknown one (null). */
interface MessageSent {
  readonly server: string | null;
  /** Monotonic. */
  readonly at: number;
}
/**
 * Whether one more message, from any account, may be submitted to this server now. A message through an ADC may have reached
 * any server, so it counts for all of them.
 */
export function maySend(sent: readonly MessageSent[], server: string | null, now: number): boolean {
  const recent = sent.filter(({ at }) => now - at < MINUTE_MS);
  const through = recent.filter((each) => each.server === null).length;
  const servers = server === null ? new Set(recent.map((each) => each.server)) : [server];
  const direct = [...servers].map((name) =>
    name === null ? 0 : recent.filter((each) => each.server === name).length,
  );
  return through + Math.max(0, ...direct) < MAX_MESSAGES_PER_MINUTE;
}
/** Limits the messages that this agent submits in a minute. */
export class MessageRateLimit {
  readonly #monotonic: () => number;
  #sent: readonly MessageSent[] = [];

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Counts the message that this probe is about to send, if it sends one; false if that would exceed the limit. */
  allow({ vantage, server, action }: PlannedProbe): boolean {
    if (action.kind !== "transaction" || action.transaction !== "mail_round_trip") {
      return true;
    }
    const now = this.#monotonic();
    const at = vantage === "backend" ? server : null;
    if (!maySend(this.#sent, at, now)) {
      return false;
    }
    this.#sent = [
      ...this.#sent.filter((each) => now - each.at < MINUTE_MS),
      { server: at, at: now },
    ];
    return true;
  }
}
/** A login retries at this interval, and for at most this long, while another login of the same account is in progress or has just started. */
const BUSY_RETRY_MS = 200;
const MAX_BUSY_WAIT_MS = 10_000;
/** A login waits at most this long for the first login after a start. */
const MAX_STARTING_WAIT_MS = 30_000;
/** A login counts as unanswered this long after its probe's timeout. */
const DEADLINE_SLACK_MS = 5_000;
/** Why a login is not started. A closed list, because it is a metric label. */
export type HeldBackReason =
  | Extract<GateDecision, { kind: "wait" }>["why"]
  | "starting"
  | StateFailure["why"]
  /** More messages to one server in a minute than Exchange accepts. */
  | "message_rate";
export interface HeldBack {
  readonly kind: "held_back";
  readonly why: HeldBackReason;
  /** Details, or null. */
  readonly message: string | null;
  /** While backing off from an endpoint: how logins fail there. */
  readonly broken?: BrokenEndpoint["reason"];
}
type GatedResult =
  | {
      readonly kind: "ran";
      readonly result: ProbeResult;
      /** Endpoints where rejections have turned out to be the endpoint's fault. */
      readonly broken: readonly BrokenEndpoint[];
    }
  /** The gate did not allow this login: nothing was sent. */
  | HeldBack;
/** The credential that a probe sends, or null: of a transaction's account, or of a login monitor's user. */
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
/** The login that the ADC's configuration contains in the request, else the one from the agent's configuration. */
function loginOnWire(spec: MonitorSpec): Pick<MonitorCredential, "username" | "password"> | null {
  const { login } = monitorRequestSecrets(spec.monitor);
  if (login !== null) {
    return { username: login.username, password: { reveal: () => login.password } };
  }
  const { credential } = spec;
  return credential === null || credential.username === "" || credential.password === NO_SECRET
    ? null
    : credential;
}
/** What all logins of a process share. */
export interface LoginGate {
  readonly keeper: AccountKeeper;
  readonly queue: LoginQueue;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
}
/**
 * Runs a probe that logs in, if its account's gate allows it. If `run` rejects, the result of the login is unknown.
 * `recoveredMsAgo`: see {@link AccountKeeper}.
 */
export async function gatedLogin(
  gate: LoginGate,
  credential: Credential,
  planned: PlannedLogin,
  run: () => Promise<ProbeResult>,
  recoveredMsAgo: number | null = null,
): Promise<GatedResult> {
  const { keeper } = gate;
  const begun = await beginInTurn(gate, credential, planned, recoveredMsAgo);
  if (begun.kind !== "begun") {
    return asHeldBack(begun);
  }
  const result = await run().catch(async (error: unknown) => {
    await keeper.end(credential.lockoutKey, begun.id, "unanswered");
    throw error;
  });
  const outcome = loginOutcome(result.observation);
  const broken = await keeper.end(credential.lockoutKey, begun.id, outcome);
  return { kind: "ran", result, broken };
}
type PlannedLogin = Pick<
  PlannedProbe,
  "id" | "vantage" | "server" | "address" | "intervalMs" | "timeoutMs"
>;
/** Requests permission, repeatedly while other logins of the account are in progress; those of this process take turns. */
async function beginInTurn(
  { keeper, queue, monotonic, signal }: LoginGate,
  credential: Credential,
  planned: PlannedLogin,
  recoveredMsAgo: number | null,
): Promise<BeginResult> {
  const endpoint = loginEndpointOf(planned);
  const since = monotonic();
  const turn = queue.join(credential.lockoutKey, endpoint.key, since);
  let begun: BeginResult | null = null;
  try {
    if (!turn.isFirst()) {
      await atMost(maxBusyWaitMs(planned.intervalMs), turn.first, signal);
    }
    if (!turn.isFirst()) {
      // A back-off or a suspension may hold it back besides its turn, and the probe's result depends on the reason.
      return (await keeper.whyWait(credential, endpoint, recoveredMsAgo)) ?? OTHERS_FIRST;
    }
    for (;;) {
      const lastsMs = planned.timeoutMs + DEADLINE_SLACK_MS;
      begun = await keeper.begin(credential, endpoint, lastsMs, recoveredMsAgo);
      if (begun.kind === "begun") {
        return begun;
      }
      const wait = retryWait(begun, planned.intervalMs);
      if (wait === null || monotonic() - since + wait.ms > wait.maxTotalMs || signal.aborted) {
        return begun;
      }
      await sleep(wait.ms, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    turn.leave(begun?.kind === "begun");
  }
}
const OTHERS_FIRST: BeginResult = { kind: "wait", why: "busy", until: null };
function asHeldBack(begun: Exclude<BeginResult, { kind: "begun" }>): HeldBack {
  return begun.kind === "failed"
    ? { kind: "held_back", why: begun.why, message: begun.message }
    : {
        kind: "held_back",
        why: begun.why,
        message: null,
        ...("broken" in begun ? { broken: begun.broken } : {}),
      };
}
/** The endpoint of a probe's login, as the gate counts it. */
export function loginEndpointOf({
  id,
  vantage,
  server,
  address,
}: Pick<PlannedProbe, "id" | "vantage" | "server" | "address">): LoginEndpoint {
  return vantage === "backend"
    ? { key: id, server: server ?? address ?? id, throughAdc: false }
    : { key: id, server: address ?? id, throughAdc: true };
}
/** How long to wait before the next attempt, and at most in total; null: do not retry. */
function retryWait(
  begun: Exclude<BeginResult, { kind: "begun" }>,
  intervalMs: number,
): { readonly ms: number; readonly maxTotalMs: number } | null {
  switch (begun.why) {
    case "starting":
      return { ms: begun.waitMs, maxTotalMs: MAX_STARTING_WAIT_MS };
    case "busy":
    case "paced":
    case "state_locked":
      return { ms: BUSY_RETRY_MS, maxTotalMs: maxBusyWaitMs(intervalMs) };
    default:
      return null;
  }
}
function maxBusyWaitMs(intervalMs: number): number {
  return Math.min(MAX_BUSY_WAIT_MS, intervalMs);
}
/**
 * Turns a rejected login into a failure of its endpoint, because the same credential was accepted elsewhere.
 * `failsAtMember`: a member behind that VIP fails in the same way. A rejection by the ADC's own login keeps its reason.
 */
export function endpointFailure(
  rejected: Observation,
  { reason }: Pick<BrokenEndpoint, "reason">,
  failsAtMember = false,
): Observation {
  const shown = reason === "login_broken_by_adc" && failsAtMember ? "backend_unavailable" : reason;
  const named = rejected.reason === "aaa_rejected" ? rejected.reason : shown;
  return { ...rejected, outcome: "failed", reason: named, step: "login" };
}
/** How many failures a rejected login counts as: the rejection and its confirmation elsewhere, or as many as a replica needs for DOWN. */
export function failuresOfRejection({ action }: PlannedProbe): number {
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
 * The result of a login monitor whose login was held back; null: unknown. The ADC's own monitor keeps failing meanwhile:
 * - at an endpoint that rejects what works elsewhere, until the next attempt there: the failure is repeated;
 * - everywhere, while the account is suspended or waits for a login at another endpoint after a rejection (`refusal`: the last
 *   one): that says nothing about the server.
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
  const status = isInDoubt ? "is first tried at another endpoint" : "is suspended";
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
/** A failure at this endpoint that an earlier run, or another agent with the same accounts, recorded. */
function earlierFailure({ broken }: HeldBack): Observation | null {
  return broken === undefined
    ? null
    : {
        ...NOTHING_SEEN,
        outcome: "failed",
        reason: broken,
        step: "login",
        evidence: {
          transcript: "",
          detail: "failed before; the next login waits until the back-off ends",
        },
      };
}

interface HeldBackProbe {
  readonly kind: "monitor" | "transaction";
  readonly heldBack: HeldBack | null;
  readonly last: Observation | null;
  readonly credential: Credential | null;
}
