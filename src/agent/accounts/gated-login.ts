import { setTimeout as sleep } from "node:timers/promises";
import type { PlannedProbe } from "../plan/planned-probe.ts";
import type { ProbeResult } from "../run-probe.ts";
import type { BrokenPlace, LoginPlace } from "../../probes/transactions/account-gate/gate.ts";
import { personOf } from "./lockout-key.ts";
import type { AccountKeeper } from "./account-keeper.ts";
import { loginOutcome } from "../../probes/transactions/login-outcome.ts";
import type { Observation } from "../../model/observation.ts";

/** Exchange's client receive connectors take so many messages in a minute from one source, and one user. */
export const MOST_MESSAGES = 5;
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
  return through + Math.max(0, ...direct) < MOST_MESSAGES;
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
/** Time beyond a probe's own until its login counts as unanswered. */
const DEADLINE_SLACK_MS = 5_000;
type GatedResult =
  | {
      readonly kind: "ran";
      readonly result: ProbeResult;
      /** Places that this login has shown to be at fault. */
      readonly broken: readonly BrokenPlace[];
    }
  /** The gate does not let this login begin: nothing was sent. */
  | { readonly kind: "held_back"; readonly why: string };
/** The person whose gate a probe must pass, or null: of a transaction's account, or of a login monitor. */
export function gateAccount(planned: PlannedProbe): string | null {
  const { run } = planned.action;
  if (run === null) {
    return null;
  }
  const username =
    "account" in run.spec ? run.spec.account?.username : run.spec.credential?.username;
  return username === undefined || username === "" ? null : personOf(username);
}
/** Runs a probe that logs in, if its account's gate lets it. Should `run` reject, nobody knows what became of the login. */
export async function gatedLogin(
  keeper: AccountKeeper,
  account: string,
  planned: Pick<PlannedProbe, "id" | "vantage" | "intervalMs" | "timeoutMs">,
  run: () => Promise<ProbeResult>,
  now: () => number,
  signal: AbortSignal,
): Promise<GatedResult> {
  const place: LoginPlace = { key: planned.id, throughAdc: planned.vantage !== "backend" };
  const patience = now() + Math.min(BUSY_PATIENCE_MS, planned.intervalMs);
  for (;;) {
    const deadline = now() + planned.timeoutMs + DEADLINE_SLACK_MS;
    const begun = await keeper.begin(account, place, deadline);
    if (begun.kind === "begun") {
      const result = await run().catch(async (error: unknown) => {
        await keeper.end(account, begun.id, "unanswered");
        throw error;
      });
      const broken = await keeper.end(account, begun.id, loginOutcome(result.observation));
      return { kind: "ran", result, broken };
    }
    const soon =
      begun.kind === "wait"
        ? begun.why === "busy" || begun.why === "paced"
        : begun.message.includes("busy");
    if (!soon || now() >= patience || signal.aborted) {
      return { kind: "held_back", why: begun.kind === "wait" ? begun.why : begun.message };
    }
    await sleep(BUSY_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
/** What a rejected login turns out to have been, once the same credential was accepted elsewhere: the place's failure. */
export function placeFailure(rejected: Observation, { reason }: BrokenPlace): Observation {
  return { ...rejected, outcome: "failed", reason, step: "login" };
}
