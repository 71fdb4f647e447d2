import type { Observation } from "../model/observation.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { TlsEnd } from "../model/live.ts";
import type { VserverInputs } from "./vserver-verdict.ts";
import type { MemberFacts, ProbeFacts } from "./facts.ts";

/** Reasons of logins that fail at the ADC itself, before the service. */
export const ADC_LOGIN_REASONS: ReadonlySet<Reason> = new Set<Reason>([
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
]);

/** What logins with configured accounts show about one VIP. */
export interface VipLogin {
  readonly state: VserverInputs["login"];
  /** Why it is broken, or not conclusive. */
  readonly reason: Reason | null;
  /** Logins whose failure is not the VIP's, or not yet known to be: they do not count against it. */
  readonly silenced: ReadonlySet<ProbeFacts>;
}

export interface VipLoginContext {
  readonly tlsEnds: TlsEnd;
  /** Members behind the VIP, or behind one target of it. */
  readonly members: readonly MemberFacts[];
  /** Whether there will be further runs, so that the members' results can be waited for. */
  readonly watches: boolean;
}

/** Judges the logins among these probes of one VIP. One that fails is enough. */
export function vipLogin(probes: readonly ProbeFacts[], context: VipLoginContext): VipLogin {
  const logins = probes.filter((probe) => probe.rank === "login");
  if (logins.length === 0) {
    return { state: "none", reason: null, silenced: new Set() };
  }
  const statuses = logins.map((probe) => ({ probe, ...loginStatus(probe, context) }));
  const silenced = new Set(
    statuses
      .filter(({ status }) => status === "elsewhere" || status === "confirming")
      .map(({ probe }) => probe),
  );
  for (const state of ["broken", "confirming"] as const) {
    const decider = statuses.find(({ status }) => status === state);
    if (decider !== undefined) {
      return { state, reason: decider.reason, silenced };
    }
  }
  return {
    state: "given",
    reason: statuses.find(({ reason }) => reason !== null)?.reason ?? null,
    silenced,
  };
}

interface LoginStatus {
  /** `elsewhere`: the fault is a member's or the account's, and is reported there. `inconclusive`: nothing is known. */
  readonly status: "works" | "broken" | "confirming" | "elsewhere" | "inconclusive";
  readonly reason: Reason | null;
}

const INCONCLUSIVE: LoginStatus = { status: "inconclusive", reason: null };

function loginStatus(probe: ProbeFacts, context: VipLoginContext): LoginStatus {
  const seen = effectiveResult(probe);
  if (seen === null) {
    return INCONCLUSIVE;
  }
  if (seen.outcome === "fault") {
    return seen.login === "rejected"
      ? rejectedLoginStatus(probe, seen, context)
      : inconclusive(seen);
  }
  if (probe.opinion === "up") {
    return { status: "works", reason: null };
  }
  const isFailure = probe.opinion === "down" || (probe.opinion === "unknown" && isHeldBack(probe));
  if (!isFailure || !reachedTheLogin(seen)) {
    return inconclusive(seen);
  }
  if (ADC_LOGIN_REASONS.has(seen.reason)) {
    return broken(seen.reason);
  }
  if (alsoFailsAtMember(context.members, probe)) {
    return { status: "elsewhere", reason: seen.reason };
  }
  return context.watches && context.members.some((member) => mayStillReport(member, probe))
    ? { status: "confirming", reason: seen.reason }
    : broken(seen.reason);
}

/**
 * A rejected login. By AAA, or of a login bound to its TLS channel where the ADC re-encrypts, it is the ADC's fault; otherwise
 * the account's.
 */
function rejectedLoginStatus(
  probe: ProbeFacts,
  seen: Observation,
  context: VipLoginContext,
): LoginStatus {
  const { members, tlsEnds } = context;
  const logins = members.flatMap((member) => member.probes.filter(({ rank }) => rank === "login"));
  if (logins.some((login) => login.account === probe.account && isRefused(login))) {
    return { status: "elsewhere", reason: "auth_rejected" };
  }
  if (seen.reason === "aaa_rejected") {
    return broken(seen.reason);
  }
  const isUnbound = seen.channelBound === true && tlsEnds === "re_encrypt";
  const worksAtMembers = logins.some(
    ({ transaction, opinion }) => transaction === probe.transaction && opinion === "up",
  );
  return isUnbound && worksAtMembers ? broken("login_broken_by_adc") : inconclusive(seen);
}

function broken(reason: Reason): LoginStatus {
  return { status: "broken", reason };
}

function inconclusive({ reason }: Observation): LoginStatus {
  return { status: "inconclusive", reason: reason === "ok" ? null : reason };
}

/**
 * The last result. A rejection counts for as long as the account gate allows no further login. So does a password that was
 * sent and not answered, once its account is suspended: that has happened twice, minutes apart.
 */
function effectiveResult({ current, heldBack, last }: ProbeFacts): Observation | null {
  const outlives =
    last?.login === "rejected"
      ? heldBack !== null
      : last?.login === "unanswered" && heldBack?.why === "suspended";
  return current ?? (outlives ? last : null);
}

function isHeldBack({ heldBack }: ProbeFacts): boolean {
  return heldBack !== null;
}

function isRefused(probe: ProbeFacts): boolean {
  return effectiveResult(probe)?.login === "rejected";
}

const LOGIN_STEPS: ReadonlySet<Step> = new Set<Step>(["login", "mail_from", "transaction"]);

/** Whether the connection up to the login worked: what failed is the login, or what comes after it. */
function reachedTheLogin({ step, reason }: Observation): boolean {
  return LOGIN_STEPS.has(step) || ADC_LOGIN_REASONS.has(reason);
}

/** Whether the same login also fails at a member that clients are sent to: then the fault is there. */
export function alsoFailsAtMember(members: readonly MemberFacts[], probe: ProbeFacts): boolean {
  return members.some((member) => failsAlike(member, probe));
}

function failsAlike(member: MemberFacts, probe: ProbeFacts): boolean {
  return (
    takesClients(member) &&
    member.probes.some((login) => {
      const isSame = login.account === probe.account && login.last?.reason === probe.last?.reason;
      return (
        login.rank === "login" &&
        (isSame || login.transaction === probe.transaction) &&
        // A wrong password of one account does not explain the failure of another that was let in.
        (isRefused(login)
          ? login.account === probe.account || probe.last?.login === "rejected"
          : login.opinion === "down")
      );
    })
  );
}

/** Whether the same login runs at this member, and has not since it began to fail through the VIP. */
function mayStillReport(member: MemberFacts, { transaction, failingSince }: ProbeFacts): boolean {
  return (
    takesClients(member) &&
    failingSince !== null &&
    member.probes.some(
      (login) =>
        login.rank === "login" &&
        login.transaction === transaction &&
        login.current !== null &&
        login.resultStartedAt !== null &&
        login.resultStartedAt < failingSince,
    )
  );
}

/** The ADC sends it clients, as far as is known. */
export function takesClients({ adcOpinion }: MemberFacts): boolean {
  return adcOpinion !== "down" && adcOpinion !== "out";
}
