import type { LivePersistence, LiveVserver } from "../model/live.ts";
import { MISMATCH_VERDICTS } from "../model/verdicts.ts";
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
import {
  CUT_OFF,
  failingReplicas,
  refusalShown,
  vipOpinion,
  type VipOpinion,
} from "./vip-opinion.ts";

/** What the judgement of a vserver depends on besides the vserver and its members. */
export interface VserverSurroundings {
  readonly now: number;
  readonly cutOff: boolean;
  /** As a member's (judge-member.ts). */
  readonly nitro: boolean;
  readonly pollMs: number;
  /** The number of our own addresses that probes use. */
  readonly ownAddresses: number;
  /** As a member's. */
  readonly grace: "watched" | "single_look";
}

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
  const seen: VipOpinion = around.cutOff
    ? CUT_OFF
    : vipOpinion(vserver, around.grace === "watched");
  const really = reallyGood(vserver);
  const agrees = statesSeen(vserver, seen.opinion, really).size <= 1;
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

/** Against an ADC that has the member DOWN, a good answer counts only if the member's own verdict says so: it may be shallower. */
function isProvenUp({ good, adcOpinion, mismatch, verdict }: MemberFacts): boolean {
  return good && (adcOpinion !== "down" || mismatch || verdict === "settling");
}

/** The states, up or down, that ADC, VIP and members are known to be in: one means that they agree. */
function statesSeen(
  { adcOpinion }: VserverFacts,
  vip: LiveVserver["vip"],
  really: VserverInputs["really"],
): ReadonlySet<string> {
  const states = new Set<string>();
  if (adcOpinion === "up" || adcOpinion === "down") {
    states.add(adcOpinion);
  }
  if (vip === "up" || vip === "down") {
    states.add(vip);
  }
  if (really !== "unknown") {
    states.add(really === "some" ? "up" : "down");
  }
  return states;
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
  // Services that only keep a vserver UP are not probed.
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

/** Checks whether the vserver redirects as its own settings or a responder policy define. */
function isRedirectLook({ vantage, transaction, redirectUrl }: ProbeFacts): boolean {
  return vantage === "vip" && transaction === "https_challenge" && redirectUrl !== null;
}
