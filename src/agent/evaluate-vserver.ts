import type { Observation } from "../probes/probe.ts";
import type { Reason } from "../probes/reason.ts";
import { combineTransactions, transactionRank } from "../verdict/service-opinion.ts";
import {
  vserverVerdict,
  vserverVerdictReason,
  type VserverInputs,
} from "../verdict/vserver-verdict.ts";
import { matchesPattern } from "./plan/pattern.ts";
import type { MemberRecord } from "./records/member-record.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { VserverRecord } from "./records/vserver-record.ts";

export interface VserverSurroundings {
  readonly now: number;
  readonly cutOff: boolean;
  readonly pollMs: number;
  /** As in evaluate-member.ts. */
  readonly grace: "watched" | "single_look";
}

/** Rungs of a login that the ADC itself puts before the service: seen through a VIP they protect it, and are no outage. */
const PROTECTED_REASONS: ReadonlySet<Reason> = new Set<Reason>([
  "aaa_login",
  "aaa_rejected",
  "aaa_not_authorized",
  "aaa_no_target",
  "sso_not_passed",
  "second_factor",
]);

/** Brings a vserver's verdict up to date, from its members' records and its own VIP probes. */
export function evaluateVserver(record: VserverRecord, around: VserverSurroundings): void {
  const seen = vipOpinion(record);
  record.vip = seen.opinion;
  record.members = countMembers(record);
  record.certificateDiffers = certificatesDiffer(record);
  const really = reallyGood(record);
  const known = storyOf(record, really);
  if (known.size <= 1) {
    record.agreedAt = around.now;
  }
  if (!record.memberRecords.some(isDrained)) {
    record.forgetDrained();
  }
  const inputs: VserverInputs = {
    cutOff: around.cutOff,
    redirect: redirectOf(record),
    adc: record.adcOpinion,
    vip: record.vip,
    really,
    servedByDrained: record.drainedConfirmed,
    wrongCertificate: wrongCertificate(record),
    backupActive: record.backupActive,
    withinGrace: settles(record, around),
  };
  const verdict = vserverVerdict(inputs);
  record.judge(verdict, vserverVerdictReason(inputs) ?? seen.reason, around.now);
}

/** Counts who answered through the VIP, and whether that server should have been asked at all. */
export function countServedBy(
  record: VserverRecord,
  observation: Observation,
  server: string | null,
): void {
  if (observation.servedBy === null) {
    return;
  }
  const name = server ?? "unrecognised";
  record.servedBy.set(name, (record.servedBy.get(name) ?? 0) + 1);
  const member = record.memberRecords.find((each) => each.server === server);
  if (member !== undefined) {
    countDrained(record, isDrained(member));
  }
}

/**
 * An answer by a drained member is confirmed by another one on a later fresh connection, also when its brothers answered
 * in between: the ADC takes turns. Only when all had their turn twice without it is the claim dropped.
 */
function countDrained(record: VserverRecord, drained: boolean): void {
  if (drained) {
    record.drainedAnswers++;
    record.answersSinceDrained = 0;
    return;
  }
  record.answersSinceDrained++;
  if (record.answersSinceDrained > 2 * record.memberRecords.length) {
    record.forgetDrained();
  }
}

/** Out of the ADC's rotation by its own account, or in maintenance while the ADC still routes to it. */
function isDrained(member: MemberRecord): boolean {
  return member.outSince !== null || member.verdict === "routes_to_maintenance";
}

function vipOpinion(record: VserverRecord): {
  readonly opinion: VserverRecord["vip"];
  readonly reason: Reason | null;
} {
  const probes = record.probes.filter(
    (probe) => probe.vantage === "vip" && probe.planned.action.unsupportedReason === null,
  );
  const looks = probes.filter((probe) => probe.kind === "transaction");
  const stopped = looks.filter(
    (probe) => probe.last !== null && PROTECTED_REASONS.has(probe.last.reason),
  );
  // A login climbs higher than an anonymous look, which is always stopped at the first rung.
  const guarded = stopped.find(isLogin) ?? stopped[0];
  if (guarded?.last && !looks.some((probe) => answersDespiteGuard(probe))) {
    return { opinion: "protected", reason: guarded.last.reason };
  }
  const combined = combineTransactions(
    looks.map((probe) => ({
      id: probe.id,
      rank: probe.transaction === "" ? "detection" : transactionRank(probe.transaction),
      opinion: probe.opinion,
    })),
  );
  if (combined.opinion === "up" || combined.opinion === "down") {
    return { opinion: combined.opinion, reason: reasonOf(probes, combined.decidedBy) };
  }
  const monitors = probes.filter((probe) => probe.kind === "monitor");
  for (const opinion of ["up", "down", "unknown"] as const) {
    const decider = monitors.find((probe) => probe.opinion === opinion);
    if (decider !== undefined) {
      return { opinion, reason: decider.last?.reason ?? null };
    }
  }
  return { opinion: combined.opinion, reason: null };
}

/** A login that passes AAA proves the service behind it. */
function answersDespiteGuard(probe: ProbeRecord): boolean {
  return isLogin(probe) && probe.opinion === "up";
}

function isLogin(probe: ProbeRecord): boolean {
  return probe.transaction !== "" && transactionRank(probe.transaction) === "login";
}

function reasonOf(probes: readonly ProbeRecord[], id: string | null): Reason | null {
  return probes.find((probe) => probe.id === id)?.last?.reason ?? null;
}

function countMembers(record: VserverRecord): VserverRecord["members"] {
  let adcUp = 0;
  let reallyUp = 0;
  let maintenance = 0;
  for (const member of record.memberRecords) {
    adcUp += member.adcOpinion === "up" ? 1 : 0;
    reallyUp += member.good ? 1 : 0;
    const { declared, adc, detected } = member.maintenance;
    maintenance += declared === "open" || adc || detected ? 1 : 0;
  }
  return { configured: record.memberRecords.length, adcUp, reallyUp, maintenance };
}

/** Members that could serve a client: those the ADC has taken out on purpose are nobody's capacity. */
function reallyGood(record: VserverRecord): VserverInputs["really"] {
  const able = record.memberRecords.filter((member) => member.outSince === null);
  if (able.some((member) => member.good)) {
    return "some";
  }
  return able.length > 0 && able.every((member) => member.bad) ? "none" : "unknown";
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
  return around.grace === "watched"
    ? around.now - record.agreedAt <= lengthMs
    : (record.adcStateAgeMs !== null && record.adcStateAgeMs <= lengthMs) ||
        record.memberRecords.some((member) => member.verdict === "settling");
}

/** A vserver settles when its slowest member has settled. */
function graceMs(record: VserverRecord, pollMs: number): number {
  return record.memberRecords.reduce(
    (most, { grace }) => Math.max(most, grace.towardsDownMs, grace.towardsUpMs),
    pollMs,
  );
}

function redirectOf(record: VserverRecord): VserverInputs["redirect"] {
  const { config } = record;
  const redirects = config.redirectUrl !== null || config.httpsRedirectUrl !== null;
  if (!redirects || record.memberRecords.length > 0) {
    return "none";
  }
  const probe = record.probes.find((each) => each.transaction === "https_challenge");
  switch (probe?.opinion) {
    case "up":
      return "as_configured";
    case "down":
      return "differs";
    default:
      return "unseen";
  }
}

/** The certificate a VIP shows, against the serial NITRO says is bound and the names the operator expects. */
function wrongCertificate(record: VserverRecord): boolean {
  const leaf = latestLeaf(record.probes);
  if (leaf === null) {
    return false;
  }
  if (
    record.boundSerial !== null &&
    normalSerial(record.boundSerial) !== normalSerial(leaf.serial)
  ) {
    return true;
  }
  return (
    record.expectedNames.length > 0 &&
    !record.expectedNames.some((name) => leaf.names.some((own) => matchesHostName(own, name)))
  );
}

function latestLeaf(probes: readonly ProbeRecord[]) {
  for (const probe of probes) {
    const leaf = probe.last?.tls?.chain[0];
    if (leaf !== undefined) {
      return leaf;
    }
  }
  return null;
}

/** Serials are written with or without colons, leading zeros and capitals. */
function normalSerial(serial: string): string {
  return serial
    .toLowerCase()
    .replace(/[^0-9a-f]/g, "")
    .replace(/^0+/, "");
}

function matchesHostName(certificateName: string, name: string): boolean {
  return certificateName.startsWith("*.")
    ? matchesPattern(certificateName, name) &&
        name.split(".").length === certificateName.split(".").length
    : certificateName.toLowerCase() === name.toLowerCase();
}

/**
 * Whether the members' certificates differ where clients see them. Null where TLS ends at the ADC or nobody showed one:
 * there the members' own certificates are the ADC's business.
 */
function certificatesDiffer(record: VserverRecord): boolean | null {
  const passThrough = record.serviceType === "SSL_BRIDGE" || record.serviceType === "TCP";
  if (!passThrough) {
    return null;
  }
  const seen = new Set<string>();
  for (const member of record.memberRecords) {
    const leaf = latestLeaf(member.probes);
    if (leaf !== null) {
      seen.add(leaf.sha256);
    }
  }
  return seen.size === 0 ? null : seen.size > 1;
}
