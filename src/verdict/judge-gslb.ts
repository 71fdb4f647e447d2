import type { AddressState, LiveGslbSite, SiteSource } from "../model/live.ts";
import type { Reason } from "../model/reasons.ts";
import { MISMATCH_VERDICTS, type AdcOpinion, type VserverVerdict } from "../model/verdicts.ts";
import {
  gslbVerdict,
  isDeadEnd,
  isWithheld,
  type GslbInputs,
  type SiteInputs,
} from "./vserver-verdict.ts";
import type { GslbFacts, ProbeFacts, SiteFacts, SiteVserver } from "./facts.ts";

/** What the names of a GSLB vserver lead to. */
export interface NamesSeen {
  readonly vip: GslbInputs["dns"];
  readonly sites: readonly LiveGslbSite[];
  /** GSLB's state, its answers and the sites agree. */
  readonly agree: boolean;
  readonly inputs: Omit<GslbInputs, "withinGrace">;
  readonly reason: Reason | null;
}

export function lookAtSites(gslb: GslbFacts, adc: AdcOpinion, cutOff: boolean): NamesSeen {
  const sites = gslb.siteRecords.map((site) => liveSite(gslb, site));
  const vip = cutOff ? "unknown" : dnsOpinion(gslb.questions);
  const inputs = { cutOff, adc, dns: vip, sites: sites.map(siteInputs) };
  return {
    vip,
    sites,
    agree: !MISMATCH_VERDICTS.has(gslbVerdict({ ...inputs, withinGrace: false })),
    inputs,
    reason: cutOff ? "agent_path" : reasonOf(gslb, sites, vip),
  };
}

/** The verdict on the names. `withinGrace`: what differs may do so by the ADC's own timing. */
export function namesVerdict(
  { inputs, reason }: NamesSeen,
  withinGrace: boolean,
): { readonly verdict: VserverVerdict; readonly reason: Reason | null } {
  return { verdict: gslbVerdict({ ...inputs, withinGrace }), reason };
}

function siteInputs({ handedOut, serves, adcOpinion, backup }: LiveGslbSite): SiteInputs {
  return { handedOut, serves, adc: adcOpinion, backup: backup === true };
}

function liveSite(gslb: GslbFacts, site: SiteFacts): LiveGslbSite {
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

function sourceOf({ behind, member, publicly }: SiteFacts, mep: "up" | "down" | null): SiteSource {
  if (behind !== null) {
    return "vserver";
  }
  const isProbed = [member.probes, ...publicly.values()].flat().some(({ scheduled }) => scheduled);
  return isProbed ? "probes" : mep === null ? "nothing" : "mep";
}

/** The state of one public address of a site. */
function stateAt(address: string, looks: readonly ProbeFacts[]): AddressState {
  const failing = looks.find(({ opinion, everAnswered }) => opinion === "down" && everAnswered);
  if (failing !== undefined) {
    return { address, state: "down", reason: failing.last?.reason ?? null };
  }
  const state = looks.some(({ opinion }) => opinion === "up") ? "up" : "unknown";
  return { address, state, reason: null };
}

/** A site does not serve if all public addresses that clients are sent to are down, even if its VIP answers. */
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

/**
 * Whether clients are served at this VIP: according to the vserver behind it on a watched ADC, or else to our probes of
 * the VIP.
 */
function servesOf({ behind, member }: SiteFacts): Serves {
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

/** One DNS address that answers is enough for clients' resolvers. One that never answered may be behind a firewall. */
function dnsOpinion(questions: readonly ProbeFacts[]): GslbInputs["dns"] {
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

function reasonOf(
  { questions }: GslbFacts,
  sites: readonly LiveGslbSite[],
  vip: GslbInputs["dns"],
): Reason | null {
  const dead = sites.find((site) => isDeadEnd(siteInputs(site)));
  if (dead !== undefined) {
    return dead.reason;
  }
  const withheld = sites.find((site) => isWithheld(siteInputs(site)));
  if (withheld?.mep === "down") {
    return "mep_down";
  }
  const failing = questions.find(({ opinion }) => opinion === "down");
  return vip === "up" ? null : (failing?.last?.reason ?? null);
}
