import type { Reason } from "../model/reasons.ts";
import type { LivePersistence, LiveVserver } from "../model/live.ts";
import { MISMATCH_VERDICTS } from "../model/verdicts.ts";
import type { Observation } from "../model/observation.ts";
import { combineTransactions, failuresBeyondChance } from "./service-opinion.ts";
import {
  firstStaleAfter,
  type GslbFacts,
  type MemberFacts,
  type ProbeFacts,
  type VserverFacts,
} from "./facts.ts";
import { graceRuns } from "./grace.ts";
import { lookAtSites, namesVerdict } from "./judge-gslb.ts";
import type { Judged, VserverJudgement, VserverMemory } from "./judgement.ts";
import {
  loginVserverVerdict,
  vserverVerdict,
  vserverVerdictReason,
  type VserverInputs,
} from "./vserver-verdict.ts";
import {
  oddSchemesBehind,
  clientAddressKept,
  boundTo,
  isSourceBound,
  persistencePause,
  certificatesDiffer,
  wrongCertificate,
} from "./vserver-findings.ts";
import { ADC_LOGIN_RUNGS, takesClients, vipLogin, type VipLoginSurroundings } from "./vip-login.ts";
import { isRefusal, type VipRefusal } from "./vip-refusal.ts";

interface VipOpinion {
  readonly opinion: LiveVserver["vip"];
  readonly reason: Reason | null;
  readonly login: VserverInputs["login"];
  /** By what the ADC refuses this agent here, as all failures show. */
  readonly refusal?: VipRefusal;
}

/** Our application-level answer through a vserver's own address. */
function vipOpinion(vserver: VserverFacts, around: VserverSurroundings): VipOpinion {
  const probes = vserver.probes.filter(
    (probe) => probe.vantage === "vip" && probe.notRepeated === null,
  );
  const surroundings: VipSurroundings = {
    tlsEnds: vserver.tlsEnds,
    members: vserver.memberRecords,
    watches: around.grace === "watched",
    sticks: isSourceBound(vserver),
  };
  return vserver.kind === "cs" ? anyTarget(probes, surroundings) : throughOne(probes, surroundings);
}

interface VipSurroundings extends VipLoginSurroundings {
  /** One client's connections stick to one member. */
  readonly sticks: boolean;
}

/** A content-switching vserver answers when it does for any of its targets; each target's own vserver covers the rest. */
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
    (probe) => probe.current !== null && ADC_LOGIN_RUNGS.has(probe.current.reason),
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
 * What a probe through the VIP says of the VIP. Where a member that fails is still sent clients, its share of all looks fails
 * with it, and that is reported at the member: until more fail in a row than chance explains, they say nothing.
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

/** The ADC answers this far itself, and says itself that it has nobody to pass it on to. */
function isAdcsOwn({ step, reason }: Observation, { tlsEnds }: VipSurroundings): boolean {
  const isHandshake = step === "tls" && tlsEnds !== "pass_through";
  return step === "resolve" || step === "connect" || isHandshake || reason === "adc_no_service";
}

/** What the ADC is configured to refuse this agent by, where every failing probe failed as that looks. */
function refusalShown(
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

/** Of looks alone: one that gives no opinion. */
function isDetection({ kind, rank }: ProbeFacts): boolean {
  return kind === "transaction" && rank === "detection";
}

/**
 * A look decides about the vserver; that a monitor fails beside it, or the redirect from another port, is said all the same.
 */
function failingReplicas({ probes, kind }: VserverFacts): VserverJudgement["failingReplicas"] {
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

/** What the judgement of a vserver depends on beside the vserver and its members. */
export interface VserverSurroundings {
  readonly now: number;
  readonly cutOff: boolean;
  /** As a member's (judge-member.ts). */
  readonly nitro: boolean;
  readonly pollMs: number;
  /** How many addresses of ours probes come from. */
  readonly ownAddresses: number;
  /** As a member's. */
  readonly grace: "watched" | "single_look";
}

/** What an agent that reaches nothing can say of a VIP. */
const CUT_OFF = { opinion: "unknown", reason: "agent_path", login: "none" } as const;

/** Judges a vserver by its members, as judged last, and its own VIP probes. Pure: the caller keeps the result. */
export function judgeVserver(
  vserver: VserverFacts,
  around: VserverSurroundings,
): Judged<VserverJudgement, VserverMemory> {
  const judged =
    vserver.gslb === null ? judgeVip(vserver, around) : judgeNames(vserver, vserver.gslb, around);
  const { verdict } = judged.judgement;
  // While all agree, only news or an expired result can change the verdict.
  const mayChangeWithTime =
    around.cutOff || verdict === "settling" || MISMATCH_VERDICTS.has(verdict);
  return {
    ...judged,
    validUntil: mayChangeWithTime ? -Infinity : firstStaleAfter(vserver.probes),
  };
}

type JudgedVserver = Omit<Judged<VserverJudgement, VserverMemory>, "validUntil">;

function judgeVip(vserver: VserverFacts, around: VserverSurroundings): JudgedVserver {
  const seen: VipOpinion = around.cutOff ? CUT_OFF : vipOpinion(vserver, around);
  const really = reallyGood(vserver);
  const agrees = storyOf(vserver, seen.opinion, really).size <= 1;
  const memory = nextMemory(vserver.memory, agrees, agrees || vserver.memory.agreed, around.now);
  const inputs: VserverInputs = {
    cutOff: around.cutOff,
    hasAdc: around.nitro,
    redirect: redirectOf(vserver),
    adc: vserver.adcOpinion,
    vip: seen.opinion,
    login: seen.login,
    really,
    servedByDrained:
      vserver.drainedConfirmed && vserver.probes.some(({ current }) => current !== null),
    wrongCertificate: wrongCertificate(vserver),
    backupActive: vserver.backupActive,
    withinGrace: settles(vserver, around, memory, graceMs(vserver, around.pollMs)),
    refusesUs: seen.refusal !== undefined,
  };
  const isLogin = vserver.kind === "aaa";
  const reason = (isLogin ? null : vserverVerdictReason(inputs)) ?? seen.reason;
  return {
    judgement: {
      vip: seen.opinion,
      ...orExcluded(vserver, {
        verdict: (isLogin ? loginVserverVerdict : vserverVerdict)(inputs),
        reason,
      }),
      refusesAgent: seen.refusal?.words ?? null,
      failingReplicas: seen.opinion === "up" ? failingReplicas(vserver) : [],
      members: countMembers(vserver),
      persistence: livePersistence(vserver, around),
      clientAddressKept: clientAddressKept(vserver),
      certificateDiffers: certificatesDiffer(vserver),
      oddSchemes: oddSchemesBehind(vserver),
      sites: [],
    },
    memory,
  };
}

/** Of a GSLB vserver: what its names lead to. */
function judgeNames(
  vserver: VserverFacts,
  gslb: GslbFacts,
  around: VserverSurroundings,
): JudgedVserver {
  const { now, cutOff } = around;
  const names = lookAtSites(gslb, vserver.adcOpinion, cutOff);
  const memory = nextMemory(vserver.memory, vserver.memory.agreed, names.agree, now);
  const lengthMs =
    graceMs(vserver, around.pollMs) + Math.max(0, ...names.sites.map(siteGraceMs(gslb)));
  const withinGrace = !names.agree && settles(vserver, around, memory, lengthMs);
  return {
    judgement: {
      vip: names.vip,
      ...orExcluded(vserver, namesVerdict(names, withinGrace)),
      refusesAgent: null,
      failingReplicas: [],
      members: countMembers(vserver),
      persistence: null,
      clientAddressKept: null,
      certificateDiffers: null,
      oddSchemes: null,
      sites: names.sites,
    },
    memory,
  };
}

function orExcluded(
  { unjudged }: VserverFacts,
  said: Pick<VserverJudgement, "verdict" | "reason">,
): Pick<VserverJudgement, "verdict" | "reason"> {
  return unjudged === null ? said : { verdict: "unknown", reason: "excluded" };
}

/** `agreedUntilNow`: ADC, VIP and members agree now, or did until now. */
function nextMemory(
  before: VserverMemory,
  agreed: boolean,
  agreedUntilNow: boolean,
  now: number,
): VserverMemory {
  return agreedUntilNow ? { agreed, agreedAt: now, postponedMs: 0 } : { ...before, agreed };
}

function livePersistence(
  vserver: VserverFacts,
  { now, pollMs, ownAddresses }: VserverSurroundings,
): LivePersistence | null {
  if (vserver.config.kind !== "lb" || !isSourceBound(vserver)) {
    return null;
  }
  const pause = persistencePause(vserver, now, pollMs);
  const sources = vserver.ownEntries?.asked ?? [];
  return {
    type: vserver.config.persistence.type,
    probes: PROBES_WHILE[pause.kind],
    sticksTo: sources.flatMap((source) =>
      boundTo(vserver, source).map((member) => ({ source, server: member?.server ?? null })),
    ),
    observable: ownAddresses > 1 || vserver.memberRecords.length < 2,
  };
}

const PROBES_WHILE = { none: "running", avoid: "avoiding", pause: "paused" } as const;

function countMembers({ memberRecords }: VserverFacts): VserverJudgement["members"] {
  let adcUp = 0;
  let reallyUp = 0;
  let reallyDown = 0;
  let maintenance = 0;
  for (const member of memberRecords) {
    adcUp += member.adcOpinion === "up" ? 1 : 0;
    reallyUp += member.good ? 1 : 0;
    reallyDown += member.bad ? 1 : 0;
    const { declared, adc, detected } = member.maintenance;
    maintenance += declared === "open" || adc || detected ? 1 : 0;
  }
  return { configured: memberRecords.length, adcUp, reallyUp, reallyDown, maintenance };
}

/** Members that could serve a client: those that the ADC has taken out on purpose are no capacity. */
function reallyGood({ memberRecords }: VserverFacts): VserverInputs["really"] {
  const able = memberRecords.filter(
    (member) => member.outSince === null && member.unjudged === null,
  );
  if (able.some(isProvenUp)) {
    return "some";
  }
  return able.length > 0 && able.every((member) => member.bad) ? "none" : "unknown";
}

/** A greeting that is good does not contradict an ADC that is DOWN by a login: the member's own verdict does. */
function isProvenUp({ good, adcOpinion, mismatch, verdict }: MemberFacts): boolean {
  return good && (adcOpinion !== "down" || mismatch || verdict === "settling");
}

/** What each known witness says, up or down; one word means that they agree. */
function storyOf(
  { adcOpinion }: VserverFacts,
  vip: LiveVserver["vip"],
  really: VserverInputs["really"],
): ReadonlySet<string> {
  const story = new Set<string>();
  if (adcOpinion === "up" || adcOpinion === "down") {
    story.add(adcOpinion);
  }
  if (vip === "up" || vip === "down") {
    story.add(vip);
  }
  if (really !== "unknown") {
    story.add(really === "some" ? "up" : "down");
  }
  return story;
}

/** Whether what differs may do so by the ADC's own timing; `lengthMs`: how long that lasts. */
function settles(
  vserver: VserverFacts,
  { now, pollMs, grace }: VserverSurroundings,
  { agreedAt }: VserverMemory,
  lengthMs: number,
): boolean {
  const { adcStateAgeMs, adcPolledAt: polledAt, memberRecords } = vserver;
  return grace === "watched"
    ? graceRuns({ now, agreedAt, polledAt }, lengthMs, pollMs)
    : (adcStateAgeMs !== null && adcStateAgeMs <= lengthMs) ||
        memberRecords.some((member) => member.verdict === "settling");
}

/** A vserver settles when its slowest member has settled. */
function graceMs({ memberRecords }: VserverFacts, pollMs: number): number {
  return Math.max(pollMs, slowestMs(memberRecords));
}

/** GSLB learns of a site after the site's own ADC has noticed; what that one is proven blind for it will never notice. */
function siteGraceMs({ siteRecords }: GslbFacts) {
  return ({ serves, adcOpinion }: VserverJudgement["sites"][number], at: number): number => {
    const members = siteRecords[at]?.behind?.memberRecords ?? [];
    const isWell = serves === "up" && adcOpinion === "up";
    return isWell || members.some(({ mismatch }) => mismatch) ? 0 : slowestMs(members);
  };
}

function slowestMs(members: readonly MemberFacts[]): number {
  return Math.max(
    0,
    ...members.map(({ grace }) => Math.max(grace.towardsDownMs, grace.towardsUpMs)),
  );
}

function redirectOf({ config, memberRecords, probes }: VserverFacts): VserverInputs["redirect"] {
  const probe = probes.find(isRedirectLook);
  // Services that only keep a vserver UP are asked nothing.
  const serves = memberRecords.some((member) => member.probes.some(({ scheduled }) => scheduled));
  const redirects =
    probe !== undefined ||
    (memberRecords.length === 0 && (config.redirectUrl ?? config.httpsRedirectUrl) !== null);
  if (!redirects || serves) {
    return "none";
  }
  switch (probe?.opinion) {
    case "up":
      return "as_configured";
    case "down":
      return refusalShown([probe], "down") === null ? "differs" : "unseen";
    default:
      return "unseen";
  }
}

/** Asks whether the vserver redirects as its own settings or a responder policy say. */
function isRedirectLook({ vantage, transaction, redirectUrl }: ProbeFacts): boolean {
  return vantage === "vip" && transaction === "https_challenge" && redirectUrl !== null;
}
