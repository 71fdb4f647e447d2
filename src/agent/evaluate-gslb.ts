import type { AddressState, LiveGslbSite, SiteSource } from "../model/live.ts";
import type { Reason } from "../model/reasons.ts";
import { MISMATCH_VERDICTS } from "../model/verdicts.ts";
import {
  gslbVerdict,
  isDeadEnd,
  isWithheld,
  type GslbInputs,
  type SiteInputs,
} from "../verdict/vserver-verdict.ts";
import type {
  GslbRecord,
  SiteRecord,
  SiteVserver,
  VserverRecord,
} from "./records/vserver-record.ts";
import type { ProbeRecord } from "./records/probe-record.ts";

/**
 * Brings the verdict on the names of a GSLB vserver up to date. `settles`: whether what differs now may do so by the ADC's
 * own timing.
 */
export function evaluateGslb(
  record: VserverRecord,
  gslb: GslbRecord,
  around: { readonly now: number; readonly cutOff: boolean; readonly settles: () => boolean },
): void {
  gslb.sites = gslb.siteRecords.map((site) => liveSite(gslb, site));
  record.vip = around.cutOff ? "unknown" : dnsOpinion(gslb.questions);
  const inputs: Omit<GslbInputs, "withinGrace"> = {
    cutOff: around.cutOff,
    adc: record.adcOpinion,
    dns: record.vip,
    sites: gslb.sites.map(siteInputs),
  };
  const agrees = !MISMATCH_VERDICTS.has(gslbVerdict({ ...inputs, withinGrace: false }));
  if (agrees) {
    record.agree(around.now);
  }
  const withinGrace = !agrees && around.settles();
  if (record.unjudged !== null) {
    record.judge("unknown", "excluded", around.now);
    return;
  }
  const verdict = gslbVerdict({ ...inputs, withinGrace });
  record.judge(verdict, reasonOf(record, gslb, around.cutOff), around.now);
}

function siteInputs({ handedOut, serves, adcOpinion, backup }: LiveGslbSite): SiteInputs {
  return { handedOut, serves, adc: adcOpinion, backup: backup === true };
}

function liveSite(gslb: GslbRecord, site: SiteRecord): LiveGslbSite {
  const { member, behind, addresses } = site;
  const addressStates = [...site.publicly].map(([address, looks]) => stateAt(address, looks));
  const seen = seenByClients(servesOf(site), addressStates);
  const mep = gslb.mepOf(site.site);
  const isOld = member.blind.includes("mep_down");
  return {
    backup: site.backup,
    site: site.site,
    adcService: member.adcService,
    grouped: member.adcServiceConfig.kind === "serviceGroup",
    server: member.server,
    port: member.port,
    addresses,
    ...(addressStates.length === 0 ? {} : { addressStates }),
    adcOpinion: member.adcOpinion,
    mep,
    handedOut: gslb.handedOut(site),
    serves: seen.serves,
    knownBy: sourceOf(site, mep),
    reason: seen.serves === "down" ? (isOld ? "mep_down" : seen.reason) : null,
    behind: behind === null ? null : { adc: behind.adc, vserver: behind.vserver },
  };
}

interface Serves {
  readonly serves: LiveGslbSite["serves"];
  readonly reason: Reason | null;
}

function sourceOf({ behind, member, publicly }: SiteRecord, mep: "up" | "down" | null): SiteSource {
  if (behind !== null) {
    return "vserver";
  }
  const isProbed = [member.probes, ...publicly.values()].flat().some(({ scheduled }) => scheduled);
  return isProbed ? "probes" : mep === null ? "nothing" : "mep";
}

/** As its looks fare at one address of a site. */
function stateAt(address: string, looks: readonly ProbeRecord[]): AddressState {
  const failing = looks.find(({ opinion, everAnswered }) => opinion === "down" && everAnswered);
  if (failing !== undefined) {
    return { address, state: "down", reason: failing.last?.reason ?? null };
  }
  const state = looks.some(({ opinion }) => opinion === "up") ? "up" : "unknown";
  return { address, state, reason: null };
}

/** A VIP that serves is of no use to clients who are sent to public addresses, all of which are dead. */
function seenByClients(atVip: Serves, addresses: readonly AddressState[]): Serves {
  const [first] = addresses;
  if (first === undefined || atVip.serves === "down") {
    return atVip;
  }
  if (addresses.every(({ state }) => state === "down")) {
    return { serves: "down", reason: first.reason };
  }
  return atVip.serves === "unknown" && addresses.some(({ state }) => state === "up")
    ? { serves: "up", reason: null }
    : atVip;
}

/** What a client meets at this VIP: by its own vserver, where an ADC of ours has it, else by our probes of the VIP. */
function servesOf({ behind, member }: SiteRecord): Serves {
  const known = behind === null ? null : servesBehind(behind);
  if (known !== null) {
    return known;
  }
  return {
    serves: member.good ? "up" : member.bad ? "down" : "unknown",
    reason: member.reason,
  };
}

function servesBehind({ vip, verdict, reason, members }: SiteVserver): Serves | null {
  if (vip === "up" || vip === "protected") {
    return { serves: "up", reason: null };
  }
  if (vip === "down" || verdict === "vip_up_members_down" || verdict === "vip_agree_down") {
    return { serves: "down", reason };
  }
  const allDown = members.configured > 0 && members.reallyDown === members.configured;
  if (allDown) {
    return { serves: "down", reason };
  }
  return verdict === "vip_agree_up" ? { serves: "up", reason: null } : null;
}

/** One DNS address that answers is enough for clients' resolvers. One that never answered may be our own firewall's. */
function dnsOpinion(questions: readonly ProbeRecord[]): GslbInputs["dns"] {
  const asked = questions.filter(({ scheduled }) => scheduled);
  if (asked.length === 0) {
    return "none";
  }
  if (asked.some(({ opinion }) => opinion === "up")) {
    return "up";
  }
  return asked.some(({ opinion, everAnswered }) => opinion === "down" && everAnswered)
    ? "down"
    : "unknown";
}

function reasonOf(record: VserverRecord, gslb: GslbRecord, cutOff: boolean): Reason | null {
  if (cutOff) {
    return "agent_path";
  }
  const dead = gslb.sites.find((site) => isDeadEnd(siteInputs(site)));
  if (dead !== undefined) {
    return dead.reason;
  }
  const withheld = gslb.sites.find((site) => isWithheld(siteInputs(site)));
  if (withheld?.mep === "down") {
    return "mep_down";
  }
  const failing = gslb.questions.find(({ opinion }) => opinion === "down");
  return record.vip === "up" ? null : (failing?.last?.reason ?? null);
}
