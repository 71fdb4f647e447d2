import type { Reason } from "../model/reasons.ts";
import { combineTransactions, failuresBeyondChance } from "../verdict/service-opinion.ts";
import { firstStaleAfter, type ProbeRecord } from "./records/probe-record.ts";
import { type VserverRecord, UNRECOGNISED } from "./records/vserver-record.ts";
import type { Observation, Vantage } from "../model/observation.ts";
import { graceRuns } from "../verdict/grace.ts";
import {
  loginVserverVerdict,
  vserverVerdict,
  vserverVerdictReason,
  type VserverInputs,
} from "../verdict/vserver-verdict.ts";
import {
  oddSchemesBehind,
  clientAddressKept,
  boundTo,
  isSourceBound,
  persistencePause,
  certificatesDiffer,
  wrongCertificate,
} from "./vserver-findings.ts";
import { evaluateGslb } from "./evaluate-gslb.ts";
import type { MemberRecord } from "./records/member-record.ts";
import { ADC_LOGIN_RUNGS, takesClients, vipLogin, type VipLoginSurroundings } from "./vip-login.ts";
import type { LivePersistence } from "../model/live.ts";
import type { VipRefusal } from "./plan/planned-probe.ts";
import { isRefusal } from "./plan/vip-refusal.ts";

interface VipOpinion {
  readonly opinion: VserverRecord["vip"];
  readonly reason: Reason | null;
  readonly login: VserverInputs["login"];
  /** By what the ADC refuses this agent here, as all failures show. */
  readonly refusal?: VipRefusal;
}

/** Our application-level answer through a vserver's own address. */
function vipOpinion(record: VserverRecord, around: VserverSurroundings): VipOpinion {
  const probes = record.probes.filter(
    (probe) => probe.vantage === "vip" && probe.planned.action.unsupportedReason === null,
  );
  const surroundings: VipSurroundings = {
    tlsEnds: record.tlsEnds,
    members: record.memberRecords,
    watches: around.grace === "watched",
    sticks: isSourceBound(record),
  };
  return record.kind === "cs" ? anyTarget(probes, surroundings) : throughOne(probes, surroundings);
}

interface VipSurroundings extends VipLoginSurroundings {
  /** One client's connections stick to one member. */
  readonly sticks: boolean;
}

/** A content-switching vserver answers when it does for any of its targets; each target's own vserver covers the rest. */
function anyTarget(probes: readonly ProbeRecord[], around: VipSurroundings): VipOpinion {
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

function throughOne(probes: readonly ProbeRecord[], around: VipSurroundings): VipOpinion {
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
  const monitors = probes.filter(
    ({ kind, planned }) => kind === "monitor" && planned.unjudged === undefined,
  );
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
function opinionOfVip(probe: ProbeRecord, around: VipSurroundings): ProbeRecord["opinion"] {
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

function weightOf(members: readonly MemberRecord[]): number {
  return members.reduce((sum, { member }) => sum + Math.max(1, member.weight), 0);
}

/** The ADC answers this far itself, and says itself that it has nobody to pass it on to. */
function isAdcsOwn({ step, reason }: Observation, { tlsEnds }: VipSurroundings): boolean {
  const isHandshake = step === "tls" && tlsEnds !== "pass_through";
  return step === "resolve" || step === "connect" || isHandshake || reason === "adc_no_service";
}

/** What the ADC is configured to refuse this agent by, where every failing probe failed as that looks. */
function refusalShown(
  probes: readonly ProbeRecord[],
  opinion: VserverRecord["vip"],
): VipRefusal | null {
  const failing =
    opinion === "down"
      ? probes.filter((probe) => probe.opinion === "down" && !isDetection(probe))
      : [];
  const refusals = failing.map(({ planned, last }) =>
    planned.refusal !== undefined && last !== null && isRefusal(planned.refusal, last)
      ? planned.refusal
      : null,
  );
  return refusals.includes(null) ? null : (refusals[0] ?? null);
}

/** Of looks alone: one that gives no opinion. */
function isDetection({ kind, rank }: ProbeRecord): boolean {
  return kind === "transaction" && rank === "detection";
}

/**
 * A look decides about the vserver; that a monitor fails beside it, or the redirect from another port, is said all the same.
 */
function failingReplicas({ probes, kind }: VserverRecord): VserverRecord["failingReplicas"] {
  return probes
    .filter(({ vantage, opinion }) => vantage === "vip" && opinion === "down")
    .filter((probe) => (probe.kind === "monitor" ? kind === "lb" : isRedirectOfPort(probe)))
    .map(({ monitor, last, planned }) => ({
      monitor: monitor || (planned.note ?? ""),
      reason: last?.reason ?? null,
    }));
}

function isRedirectOfPort(probe: ProbeRecord): boolean {
  return probe.transaction === "https_challenge" && isDetection(probe);
}

/** A login that passes AAA proves the service behind it. */
function answersDespiteGuard(probe: ProbeRecord): boolean {
  return probe.rank === "login" && probe.opinion === "up";
}

function reasonOf(probes: readonly ProbeRecord[], id: string | null): Reason | null {
  const decider = probes.find((probe) => probe.id === id);
  return (decider?.opinion === "up" ? decider.lastSuccess : decider?.last)?.reason ?? null;
}

interface VserverSurroundings {
  readonly now: number;
  readonly cutOff: boolean;
  /** As in evaluate-member.ts. */
  readonly nitro: boolean;
  readonly pollMs: number;
  /** How many addresses of ours probes come from. */
  readonly ownAddresses: number;
  /** As in evaluate-member.ts. */
  readonly grace: "watched" | "single_look";
}

/** What an agent that reaches nothing can say of a VIP. */
const CUT_OFF = { opinion: "unknown", reason: "agent_path", login: "none" } as const;

/** Brings a vserver's verdict up to date, from its members' records and its own VIP probes. */
export function evaluateVserver(record: VserverRecord, around: VserverSurroundings): void {
  if (record.gslb !== null) {
    const { now, cutOff } = around;
    record.members = countMembers(record);
    evaluateGslb(record, record.gslb, { now, cutOff, settles: () => settles(record, around) });
    record.nextEvaluationAt = restsUntil(record, around);
    return;
  }
  const seen: VipOpinion = around.cutOff ? CUT_OFF : vipOpinion(record, around);
  record.vip = seen.opinion;
  record.refusesAgent = seen.refusal?.words ?? null;
  record.failingReplicas = seen.opinion === "up" ? failingReplicas(record) : [];
  record.members = countMembers(record);
  record.persistence = livePersistence(record, around);
  record.clientAddressKept = clientAddressKept(record);
  record.certificateDiffers = certificatesDiffer(record);
  record.oddSchemes = oddSchemesBehind(record);
  const really = reallyGood(record);
  const agrees = storyOf(record, really).size <= 1;
  if (agrees || record.agreed) {
    record.agree(around.now);
  }
  record.agreed = agrees;
  record.forgetDrainedServers((server) =>
    drainedBecause(record.memberRecords.filter((member) => member.server === server)),
  );
  const inputs: VserverInputs = {
    cutOff: around.cutOff,
    hasAdc: around.nitro,
    redirect: redirectOf(record),
    adc: record.adcOpinion,
    vip: record.vip,
    login: seen.login,
    really,
    servedByDrained:
      record.drainedConfirmed && record.probes.some(({ current }) => current !== null),
    wrongCertificate: wrongCertificate(record),
    backupActive: record.backupActive,
    withinGrace: settles(record, around),
    refusesUs: seen.refusal !== undefined,
  };
  if (record.unjudged === null) {
    const isLogin = record.kind === "aaa";
    const reason = (isLogin ? null : vserverVerdictReason(inputs)) ?? seen.reason;
    record.judge((isLogin ? loginVserverVerdict : vserverVerdict)(inputs), reason, around.now);
  } else {
    record.judge("unknown", "excluded", around.now);
  }
  record.nextEvaluationAt = restsUntil(record, around);
}

/** As a member's: while all agree, only news or a stale opinion can change it. */
function restsUntil(record: VserverRecord, around: VserverSurroundings): number {
  return around.cutOff || record.verdict === "settling" || record.mismatch
    ? -Infinity
    : firstStaleAfter(record.probes);
}

function livePersistence(
  record: VserverRecord,
  { now, pollMs, ownAddresses }: VserverSurroundings,
): LivePersistence | null {
  if (record.config.kind !== "lb" || !isSourceBound(record)) {
    return null;
  }
  const pause = persistencePause(record, now, pollMs);
  const sources = record.ownEntries?.asked ?? [];
  return {
    type: record.config.persistence.type,
    probes: PROBES_WHILE[pause.kind],
    sticksTo: sources.flatMap((source) =>
      boundTo(record, source).map((member) => ({ source, server: member?.server ?? null })),
    ),
    observable: ownAddresses > 1 || record.memberRecords.length < 2,
  };
}

const PROBES_WHILE = { none: "running", avoid: "avoiding", pause: "paused" } as const;

/** Counts who answered through the VIP, and whether that server should have been asked at all. */
export function countServedBy(
  record: VserverRecord,
  observation: Observation,
  server: string | null,
  vantage: Vantage = "vip",
): void {
  if (observation.servedBy === null) {
    return;
  }
  if (vantage === "public" && server === null) {
    // Another site's servers are no strangers at this VIP.
    return;
  }
  const name = server ?? UNRECOGNISED;
  record.servedBy.set(name, (record.servedBy.get(name) ?? 0) + 1);
  const members = record.memberRecords.filter((each) => each.server === server);
  if (members.length > 0) {
    // A server with several ports here may have answered at one that is in service.
    countDrained(record, name, members.every(isDrained) ? drainedBecause(members) : null);
  }
}

/**
 * An answer by a drained member is confirmed by another one on a later fresh connection, also when its brothers answered
 * in between: the ADC takes turns. Only when all had their turn twice without it is the claim dropped.
 */
function countDrained(
  record: VserverRecord,
  server: string,
  because: ReturnType<typeof drainedBecause>,
): void {
  if (because !== null) {
    record.recordDrained(server, because);
    return;
  }
  record.answersSinceDrained++;
  if (record.answersSinceDrained > 2 * record.memberRecords.length) {
    record.forgetDrained();
  }
}

/** Why a server of these members should not answer, where any of them is drained. */
function drainedBecause(members: readonly MemberRecord[]): "out" | "in_maintenance" | null {
  const drained = members.filter(isDrained);
  if (drained.length === 0) {
    return null;
  }
  return drained.some(({ outSince }) => outSince === null) ? "in_maintenance" : "out";
}

/** Out of the ADC's rotation by its own account, or in maintenance while the ADC still routes to it. */
function isDrained(member: MemberRecord): boolean {
  return member.outSince !== null || member.verdict === "routes_to_maintenance";
}

function countMembers(record: VserverRecord): VserverRecord["members"] {
  let adcUp = 0;
  let reallyUp = 0;
  let reallyDown = 0;
  let maintenance = 0;
  for (const member of record.memberRecords) {
    adcUp += member.adcOpinion === "up" ? 1 : 0;
    reallyUp += member.good ? 1 : 0;
    reallyDown += member.bad ? 1 : 0;
    const { declared, adc, detected } = member.maintenance;
    maintenance += declared === "open" || adc || detected ? 1 : 0;
  }
  return { configured: record.memberRecords.length, adcUp, reallyUp, reallyDown, maintenance };
}

/** Members that could serve a client: those that the ADC has taken out on purpose are no capacity. */
function reallyGood(record: VserverRecord): VserverInputs["really"] {
  const able = record.memberRecords.filter(
    (member) => member.outSince === null && member.unjudged === null,
  );
  if (able.some(isProvenUp)) {
    return "some";
  }
  return able.length > 0 && able.every((member) => member.bad) ? "none" : "unknown";
}

/** A greeting that is good is no word against an ADC that is DOWN by a login: the member's own verdict tells. */
function isProvenUp({ good, adcOpinion, mismatch, verdict }: MemberRecord): boolean {
  return good && (adcOpinion !== "down" || mismatch || verdict === "settling");
}

/** What each known witness says, up or down; one word means that they agree. */
function storyOf(record: VserverRecord, really: VserverInputs["really"]): ReadonlySet<string> {
  const story = new Set<string>();
  if (record.adcOpinion === "up" || record.adcOpinion === "down") {
    story.add(record.adcOpinion);
  }
  if (record.vip === "up" || record.vip === "down") {
    story.add(record.vip);
  }
  if (really !== "unknown") {
    story.add(really === "some" ? "up" : "down");
  }
  return story;
}

function settles(record: VserverRecord, around: VserverSurroundings): boolean {
  const lengthMs = graceMs(record, around.pollMs);
  const { agreedAt, adcHeardAt: heardAt } = record;
  return around.grace === "watched"
    ? graceRuns({ now: around.now, agreedAt, heardAt }, lengthMs, around.pollMs)
    : (record.adcStateAgeMs !== null && record.adcStateAgeMs <= lengthMs) ||
        record.memberRecords.some((member) => member.verdict === "settling");
}

/** A vserver settles when its slowest member has settled. */
function graceMs(record: VserverRecord, pollMs: number): number {
  // GSLB learns of a site after the site's own ADC has noticed; what that one is proven blind for it will never notice.
  const behind = (record.gslb?.siteRecords ?? []).map(({ behind: vserver }, at) => {
    const members = vserver?.memberRecords ?? [];
    const { serves, adcOpinion } = record.gslb?.sites[at] ?? {};
    const isWell = serves === "up" && adcOpinion === "up";
    return isWell || members.some(({ mismatch }) => mismatch) ? 0 : slowestMs(members);
  });
  return Math.max(pollMs, slowestMs(record.memberRecords)) + Math.max(0, ...behind);
}

function slowestMs(members: readonly MemberRecord[]): number {
  return Math.max(
    0,
    ...members.map(({ grace }) => Math.max(grace.towardsDownMs, grace.towardsUpMs)),
  );
}

function redirectOf(record: VserverRecord): VserverInputs["redirect"] {
  const { config, memberRecords } = record;
  const probe = record.probes.find(isRedirectLook);
  // Services that only keep a vserver UP are asked nothing.
  const serves = memberRecords.some(({ probes }) => probes.some(({ scheduled }) => scheduled));
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
function isRedirectLook({ planned: { action, vantage } }: ProbeRecord): boolean {
  return (
    vantage === "vip" &&
    action.kind === "transaction" &&
    action.transaction === "https_challenge" &&
    (action.run?.spec.adc?.redirectUrl ?? null) !== null
  );
}
