import type { VserverKind } from "./vserver.ts";
import type { AdcOpinion } from "./verdicts.ts";
import type { Port } from "./adc-service.ts";
import type { GslbSiteState } from "./gslb.ts";

/** The ADC's state from one poll of NITRO. Types only. */
export interface AdcState {
  /** Wall clock when the poll ended, milliseconds. */
  readonly at: number;
  /** Wall clock when the poll started: no state is older. Absent: when it ended. */
  readonly askedAt?: number;
  readonly nodes: readonly AdcNode[];
  /** Load-balancing and content-switching vservers by name, and those of GSLB by the names they are shown by. */
  readonly vservers: ReadonlyMap<string, VserverState>;
  /** By `memberKey(adcService, server, port)`. */
  readonly members: ReadonlyMap<string, MemberState>;
  /**
   * When this agent first saw another node as primary, milliseconds since the epoch; null or absent when it never did.
   * Monitors restart after a failover: differences soon after it deserve grace.
   */
  readonly failedOverAt?: number | null;
  /** Address of the node that answered as primary, as it names itself; distinguishes a failover behind one shared address. */
  readonly primaryAddress?: string | null;
  /**
   * Our own entries in vservers' persistence tables: only where clients stick by address and a member leaves, and only where
   * the ADC reported.
   */
  readonly persistence?: ReadonlyMap<string, PersistenceEntries>;
  /** The metric exchange of GSLB with each site, by the site's name; absent or empty where there is none. */
  readonly gslbSites?: ReadonlyMap<string, GslbSiteState>;
  /** The ADC reports objects that are not in the estate, or no longer reports some that are: import again. */
  readonly estateStale?: boolean;
}

export interface AdcNode {
  /** The configured URL's host. */
  readonly node: string;
  readonly role: "primary" | "secondary" | "unknown";
  readonly masterState: string | null;
  readonly reachable: boolean;
}

export interface VserverState {
  readonly name: string;
  readonly kind: VserverKind;
  readonly state: AdcOpinion;
  /** Includes the chain of backup vservers. */
  readonly effectiveState: AdcOpinion;
  readonly rawState: string;
  readonly healthPercent: number | null;
  readonly backupActive: boolean;
  /** NITRO's remark, for example `Certkey not bound`. */
  readonly remark: string | null;
  readonly sinceMs: number | null;
}

export interface PersistenceEntries {
  /** The addresses that were looked up: the known source addresses of this agent's probes. */
  readonly asked: readonly string[];
  readonly entries: readonly PersistenceEntry[];
}

/** The ADC sends this client to this member until the entry expires; each new connection renews it. */
export interface PersistenceEntry {
  readonly source: string | null;
  /** Address and port of the member. */
  readonly address: string | null;
  readonly port: Port | null;
  readonly expiresInMs: number | null;
}

/** What an administrator can disable to take a member out of service; each must be enabled for its return. */
export type DisabledObject = "server" | "service" | "member";

export interface MemberState {
  readonly adcService: string;
  readonly server: string;
  readonly address: string | null;
  readonly port: Port;
  readonly state: AdcOpinion;
  readonly rawState: string;
  /** The ADC reports that the server itself requested maintenance. */
  readonly trofsReason: string | null;
  readonly connections: number | null;
  /** Milliseconds since the last state change, where known. */
  readonly sinceMs: number | null;
  readonly enabled: boolean;
  /** What is disabled; absent: not known. */
  readonly disabled?: readonly DisabledObject[];
  readonly monitors: readonly MonitorState[];
  readonly blind: readonly BlindReason[];
}

export interface MonitorState {
  readonly monitor: string;
  readonly state: AdcOpinion;
  readonly bindingEnabled: boolean;
  readonly lastResponse: string | null;
  readonly responseTimeMs: number | null;
  readonly totalProbes: number | null;
  readonly failedProbes: number | null;
  /** Consecutive failures now: more than 0 while UP means that the ADC may soon set it DOWN. */
  readonly currentFailedProbes: number | null;
  /** When `totalProbes` was first seen at its present value, milliseconds since the epoch; null if unknown. */
  readonly probesUnchangedSince?: number | null;
}

/** Why the ADC's state of a member is unreliable (metric `adc_blind`). */
export const BLIND_REASONS = [
  "health_monitor_off",
  "monitor_disabled",
  "binding_disabled",
  "service_disabled",
  "secondary",
  "traffic_suppression",
  "inline_traffic",
  "max_clients",
  "cluster_non_owner",
  "probes_not_advancing",
  "split_brain",
  "mep_down",
] as const;
export type BlindReason = (typeof BLIND_REASONS)[number];

/** The key of a member inside one ADC. */
export function memberKey(adcService: string, server: string, port: Port): string {
  return `${adcService}\u0000${server}\u0000${String(port)}`;
}

/** A resource that the ADC did not return. What depends on it is not watched; the rest is unaffected. */
export interface NitroGap {
  /** The management address of the request. */
  readonly node: string;
  readonly resource: string;
  /** NITRO's error code, `http_503`, or the kind of failure (`timeout`). */
  readonly code: string;
  /** The appliance's message. */
  readonly words: string;
  /** What is not watched as a result. */
  readonly unwatched: string;
  /** A whole kind of vserver is missing: a comparison without it is incomplete. */
  readonly blinds: boolean;
}

/** The gap as a sentence. */
export function gapSentence(adc: string, gap: NitroGap): string {
  const { node, resource, code, words, unwatched } = gap;
  return `${adc}: ${node} does not return ${resource} (${words}, code ${code}). Not watched: ${unwatched}.`;
}
