import type { LiveVserver } from "../model/live.ts";
import type { Observation } from "../model/observation.ts";
import type { Reason } from "../model/reasons.ts";
import type { MemberFacts, ProbeFacts, VserverFacts } from "./facts.ts";
import type { VserverJudgement } from "./judgement.ts";
import { combineTransactions, failuresBeyondChance } from "./service-opinion.ts";
import { ADC_LOGIN_REASONS, takesClients, vipLogin, type VipLoginContext } from "./vip-login.ts";
import { isRefusal, type VipRefusal } from "./vip-refusal.ts";
import { isSourceBound } from "./vserver-findings.ts";
import type { VserverInputs } from "./vserver-verdict.ts";

/** What our probes through a VIP say. */
export interface VipOpinion {
  readonly opinion: LiveVserver["vip"];
  readonly reason: Reason | null;
  readonly login: VserverInputs["login"];
  /** By what the ADC refuses this agent here, if all failures look like that. */
  readonly refusal?: VipRefusal;
}

/** The opinion of an agent that is cut off from the network. */
export const CUT_OFF: VipOpinion = { opinion: "unknown", reason: "agent_path", login: "none" };

/** The opinion of our probes through a vserver's own address. `watches`: there will be further probes. */
export function vipOpinion(vserver: VserverFacts, watches: boolean): VipOpinion {
  const probes = vserver.probes.filter(
    (probe) => probe.vantage === "vip" && probe.notRepeated === null,
  );
  const surroundings: VipSurroundings = {
    tlsEnds: vserver.tlsEnds,
    members: vserver.memberRecords,
    watches,
    sticks: isSourceBound(vserver),
  };
  return vserver.kind === "cs" ? anyTarget(probes, surroundings) : throughOne(probes, surroundings);
}

interface VipSurroundings extends VipLoginContext {
  /** One client's connections stick to one member. */
  readonly sticks: boolean;
}

/** A content-switching vserver is up if it is for any of its targets. Each target's own vserver shows the rest. */
function anyTarget(probes: readonly ProbeFacts[], around: VipSurroundings): VipOpinion {
  const targets = [...new Set(probes.map((probe) => probe.vserver))].map((target) =>
    throughOne(
      probes.filter((probe) => probe.vserver === target),
      { ...around, members: around.members.filter((each) => each.vservers.includes(target)) },
    ),
  );
  for (const opinion of ["up", "protected", "down", "unknown"] as const) {
    const decider = targets.find((target) => target.opinion === opinion);
    if (decider !== undefined) {
      return decider;
    }
  }
  return { opinion: "none", reason: null, login: "none" };
}

function throughOne(probes: readonly ProbeFacts[], around: VipSurroundings): VipOpinion {
  const { state: login, reason: loginReason, silenced } = vipLogin(probes, around);
  if (login === "broken") {
    return { opinion: "down", reason: loginReason, login };
  }
  const looks = probes.filter((probe) => probe.kind === "transaction" && !silenced.has(probe));
  const guarded = looks.find(
    (probe) => probe.current !== null && ADC_LOGIN_REASONS.has(probe.current.reason),
  );
  if (guarded?.current && !looks.some(answersDespiteGuard)) {
    return { opinion: "protected", reason: loginReason ?? guarded.current.reason, login };
  }
  const combined = combineTransactions(
    looks.map((probe) => ({
      id: probe.id,
      rank: probe.rank,
      opinion: opinionOfVip(probe, around),
    })),
  );
  const refusal = refusalShown(looks, combined.opinion);
  if (refusal !== null) {
    return { opinion: "unknown", reason: "agent_path", login: "none", refusal };
  }
  if (combined.opinion === "up" || combined.opinion === "down") {
    const reason = login === "confirming" ? loginReason : reasonOf(probes, combined.decidedBy);
    return { opinion: combined.opinion, reason, login };
  }
  const monitors = probes.filter(({ kind, excluded }) => kind === "monitor" && !excluded);
  for (const opinion of ["up", "down", "unknown"] as const) {
    const decider = monitors.find((probe) => opinionOfVip(probe, around) === opinion);
    if (decider !== undefined) {
      const shown = refusalShown(monitors, opinion);
      return shown === null
        ? { opinion, reason: decider.last?.reason ?? null, login }
        : { opinion: "unknown", reason: "agent_path", login: "none", refusal: shown };
    }
  }
  return { opinion: combined.opinion, reason: loginReason, login };
}

/**
 * The opinion of one probe through the VIP. If a failing member is still sent clients, its share of all probes fails with it,
 * and is reported at the member. The probe counts against the VIP only after more failures in a row than that explains.
 */
function opinionOfVip(probe: ProbeFacts, around: VipSurroundings): ProbeFacts["opinion"] {
  if (probe.opinion !== "down" || probe.last === null || isAdcsOwn(probe.last, around)) {
    return probe.opinion;
  }
  const balanced = around.members.filter(takesClients);
  const failing = balanced.filter(({ bad }) => bad);
  if (failing.length === 0 || failing.length === balanced.length) {
    return probe.opinion;
  }
  const needed = around.sticks
    ? Infinity
    : failuresBeyondChance(weightOf(failing), weightOf(balanced));
  return probe.failuresInARow < needed ? "unknown" : probe.opinion;
}

function weightOf(members: readonly MemberFacts[]): number {
  return members.reduce((sum, { member }) => sum + Math.max(1, member.weight), 0);
}

/** The ADC itself failed: in the connection or its own handshake, or by saying that it has no member to forward to. */
function isAdcsOwn({ step, reason }: Observation, { tlsEnds }: VipSurroundings): boolean {
  const isHandshake = step === "tls" && tlsEnds !== "pass_through";
  return step === "resolve" || step === "connect" || isHandshake || reason === "adc_no_service";
}

/** By what the ADC is configured to refuse this agent, if every failing probe failed in that way; null otherwise. */
export function refusalShown(
  probes: readonly ProbeFacts[],
  opinion: LiveVserver["vip"],
): VipRefusal | null {
  const failing =
    opinion === "down"
      ? probes.filter((probe) => probe.opinion === "down" && !isDetection(probe))
      : [];
  const refusals = failing.map(({ refusal, last }) =>
    refusal !== null && last !== null && isRefusal(refusal, last) ? refusal : null,
  );
  return refusals.includes(null) ? null : (refusals[0] ?? null);
}

/** A transaction that gives no opinion. */
function isDetection({ kind, rank }: ProbeFacts): boolean {
  return kind === "transaction" && rank === "detection";
}

/**
 * Monitors, and redirects from another port, that fail through a VIP whose transactions pass: they are shown
 * separately.
 */
export function failingReplicas({
  probes,
  kind,
}: VserverFacts): VserverJudgement["failingReplicas"] {
  return probes
    .filter(({ vantage, opinion }) => vantage === "vip" && opinion === "down")
    .filter((probe) => (probe.kind === "monitor" ? kind === "lb" : isRedirectOfPort(probe)))
    .map(({ monitor, last, note }) => ({
      monitor: monitor || (note ?? ""),
      reason: last?.reason ?? null,
    }));
}

function isRedirectOfPort(probe: ProbeFacts): boolean {
  return probe.transaction === "https_challenge" && isDetection(probe);
}

/** A login that passes AAA proves the service behind it. */
function answersDespiteGuard(probe: ProbeFacts): boolean {
  return probe.rank === "login" && probe.opinion === "up";
}

function reasonOf(probes: readonly ProbeFacts[], id: string | null): Reason | null {
  const decider = probes.find((probe) => probe.id === id);
  return (decider?.opinion === "up" ? decider.lastSuccess : decider?.last)?.reason ?? null;
}
