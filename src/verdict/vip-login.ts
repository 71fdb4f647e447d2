import type { Observation } from "../model/observation.ts";
import type { Reason, Step } from "../model/reasons.ts";
import type { TlsEnd } from "../model/live.ts";
import type { VserverInputs } from "./vserver-verdict.ts";
import type { MemberFacts, ProbeFacts } from "./facts.ts";

/** Rungs of a login that the ADC itself puts before the service. */
export const ADC_LOGIN_RUNGS: ReadonlySet<Reason> = new Set<Reason>([
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
]);

/** What logins with configured accounts show of one VIP. */
export interface VipLogin {
  readonly state: VserverInputs["login"];
  /** The rung at which it breaks, or what keeps it from telling. */
  readonly reason: Reason | null;
  /** Logins whose failure is not the VIP's, or not yet known to be: they give no opinion of it. */
  readonly silenced: ReadonlySet<ProbeFacts>;
}

export interface VipLoginSurroundings {
  readonly tlsEnds: TlsEnd;
  /** Members behind the VIP, or behind one target of it. */
  readonly members: readonly MemberFacts[];
  /** Whether there will be further looks, to wait for what the members have to say. */
  readonly watches: boolean;
}

/** Judges the logins among these probes of one VIP; one that fails is enough. */
export function vipLogin(probes: readonly ProbeFacts[], around: VipLoginSurroundings): VipLogin {
  const logins = probes.filter((probe) => probe.rank === "login");
  if (logins.length === 0) {
    return { state: "none", reason: null, silenced: new Set() };
  }
  const fates = logins.map((probe) => ({ probe, ...fateOf(probe, around) }));
  const silenced = new Set(
    fates
      .filter(({ fate }) => fate === "elsewhere" || fate === "confirming")
      .map(({ probe }) => probe),
  );
  for (const state of ["broken", "confirming"] as const) {
    const decider = fates.find(({ fate }) => fate === state);
    if (decider !== undefined) {
      return { state, reason: decider.reason, silenced };
    }
  }
  return {
    state: "given",
    reason: fates.find(({ reason }) => reason !== null)?.reason ?? null,
    silenced,
  };
}

interface Fate {
  /** `elsewhere`: a member, or the account, has the trouble, and it is named there. */
  readonly fate: "works" | "broken" | "confirming" | "elsewhere" | "untold";
  readonly reason: Reason | null;
}

const UNTOLD: Fate = { fate: "untold", reason: null };

function fateOf(probe: ProbeFacts, around: VipLoginSurroundings): Fate {
  const seen = standing(probe);
  if (seen === null) {
    return UNTOLD;
  }
  if (seen.outcome === "fault") {
    return seen.login === "rejected" ? refusedFate(probe, seen, around) : untold(seen);
  }
  if (probe.opinion === "up") {
    return { fate: "works", reason: null };
  }
  const isConvicted =
    probe.opinion === "down" || (probe.opinion === "unknown" && isHeldBack(probe));
  if (!isConvicted || !isBehindTheWay(seen)) {
    return untold(seen);
  }
  if (ADC_LOGIN_RUNGS.has(seen.reason)) {
    return broken(seen.reason);
  }
  if (sharesTrouble(around.members, probe)) {
    return { fate: "elsewhere", reason: seen.reason };
  }
  return around.watches && around.members.some((member) => mayStillTell(member, probe))
    ? { fate: "confirming", reason: seen.reason }
    : broken(seen.reason);
}

/** A refusal by AAA is the ADC's, and so is that of a login which the ADC has unbound from its channel: else the account's. */
function refusedFate(probe: ProbeFacts, seen: Observation, around: VipLoginSurroundings): Fate {
  const { members, tlsEnds } = around;
  const logins = members.flatMap((member) => member.probes.filter(({ rank }) => rank === "login"));
  if (logins.some((login) => login.account === probe.account && isRefused(login))) {
    return { fate: "elsewhere", reason: "auth_rejected" };
  }
  if (seen.reason === "aaa_rejected") {
    return broken(seen.reason);
  }
  const isUnbound = seen.channelBound === true && tlsEnds === "re_encrypt";
  const worksAtMembers = logins.some(
    ({ transaction, opinion }) => transaction === probe.transaction && opinion === "up",
  );
  return isUnbound && worksAtMembers ? broken("login_broken_by_adc") : untold(seen);
}

function broken(reason: Reason): Fate {
  return { fate: "broken", reason };
}

function untold({ reason }: Observation): Fate {
  return { fate: "untold", reason: reason === "ok" ? null : reason };
}

/**
 * The last result; that of a refused login counts for as long as none may follow, and so does one of which nobody knows who
 * looked at it, once its account is suspended: it has failed twice, minutes apart.
 */
function standing({ current, heldBack, last }: ProbeFacts): Observation | null {
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
  return standing(probe)?.login === "rejected";
}

const BEHIND_THE_WAY: ReadonlySet<Step> = new Set<Step>(["login", "mail_from", "transaction"]);

/** The way to the login was open: what failed is the login, or what it leads to. */
function isBehindTheWay({ step, reason }: Observation): boolean {
  return BEHIND_THE_WAY.has(step) || ADC_LOGIN_RUNGS.has(reason);
}

/** Whether the same login fails at a member that clients are sent to as well: then that is where the trouble lies. */
export function sharesTrouble(members: readonly MemberFacts[], probe: ProbeFacts): boolean {
  return members.some((member) => hasSameTrouble(member, probe));
}

function hasSameTrouble(member: MemberFacts, probe: ProbeFacts): boolean {
  return (
    takesClients(member) &&
    member.probes.some((login) => {
      const isSame = login.account === probe.account && login.last?.reason === probe.last?.reason;
      return (
        login.rank === "login" &&
        (isSame || login.transaction === probe.transaction) &&
        // The wrong password of one is no trouble of another, who was let in.
        (isRefused(login)
          ? login.account === probe.account || probe.last?.login === "rejected"
          : login.opinion === "down")
      );
    })
  );
}

/** Whether the same login at this member has not been made since it fails through the VIP, and soon will be. */
function mayStillTell(member: MemberFacts, { transaction, failingSince }: ProbeFacts): boolean {
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
