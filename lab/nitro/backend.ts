import type { Member, MonitorBinding } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";

/**
 * The input of the NITRO server: the configuration, and the ADC's state now. The lab's
 * ADC implements it over its running monitors; tests implement it over a literal. Types only.
 *
 * Every function is called for each request and must be cheap; the server keeps nothing.
 */
export interface NitroBackend {
  /** The current configuration: an administrator's `disable` shows as `enabled: false` here. */
  readonly estate: () => Estate;
  readonly vserver: (name: string) => VserverBelief;
  readonly member: (member: Member) => MemberBelief;
  readonly monitor: (member: Member, binding: MonitorBinding) => MonitorBelief;
  /** Of a GSLB vserver; absent where the ADC has no GSLB. GSLB's services are `member`s. */
  readonly gslbVserver?: (name: string) => VserverBelief;
  /** `gslbsite`'s status: of the metric exchange with a remote site. */
  readonly mepStatus?: (site: string) => "ACTIVE" | "INACTIVE" | "DOWN";
  /** Persistence entries of a load-balancing vserver that are alive. */
  readonly persistence: (vserver: string) => readonly PersistenceBelief[];
  /** The HA nodes from this node's point of view, this node first. A stand-alone appliance has one, `Primary`. */
  readonly nodes: () => readonly [NodeBelief, ...NodeBelief[]];
}

/** The states NITRO writes (NITRO docs: enum of `svrstate`, `curstate`, `effectivestate` and `monitor_state`). */
export type NitroState =
  | "UP"
  | "DOWN"
  | "UNKNOWN"
  | "BUSY"
  | "OUT OF SERVICE"
  | "GOING OUT OF SERVICE"
  | "DOWN WHEN GOING OUT OF SERVICE"
  | "NS_EMPTY_STR"
  | "Unknown"
  | "DISABLED";

export interface VserverBelief {
  /** `curstate`. */
  readonly state: NitroState;
  /** `effectivestate`: with the chain of backup vservers. Content-switching vservers have none on the wire. */
  readonly effectiveState: NitroState;
  readonly healthPercent: number;
  /** Traffic goes to the backup vserver: `backupvserverstatus` reads "(Backup Active)". */
  readonly backupActive: boolean;
  readonly totalServices: number;
  readonly activeServices: number;
  /** `value`: for example "Certkey not bound"; null: no remark. */
  readonly remark: string | null;
  readonly clientConnections: number;
  /** Milliseconds since `state` last changed; the wire carries ticks of 10 ms. */
  readonly sinceChangeMs: number;
}

export interface MemberBelief {
  /** `svrstate`. */
  readonly state: NitroState;
  /** `trofsreason`: why the member leaves, if the server itself requested it; null otherwise. */
  readonly trofsReason: string | null;
  /** Connections of clients that are served by this member. */
  readonly clientConnections: number;
  /** Connections from the ADC to this member. */
  readonly serverConnections: number;
  /** Milliseconds since `state` last changed. */
  readonly sinceChangeMs: number;
}

export interface MonitorBelief {
  /** `monitor_state`: keeps reading UP while the member is disabled. */
  readonly state: NitroState;
  /** `lastresponse`, the ADC's own sentence, for example "Success - TCP syn+ack received.". */
  readonly lastResponse: string;
  readonly responseTimeMs: number;
  readonly totalProbes: number;
  readonly failedProbes: number;
  /** Failures in a row at this moment. */
  readonly currentFailedProbes: number;
}

export interface PersistenceBelief {
  /** The client's address. */
  readonly source: string;
  readonly member: Member;
  readonly expiresInMs: number;
}

export interface NodeBelief {
  readonly name: string;
  readonly address: string;
  /** `state` of config/hanode. */
  readonly role: "Primary" | "Secondary" | "UNKNOWN";
  /** `hacurmasterstate` of stat/hanode. */
  readonly masterState:
    "PRIMARY" | "SECONDARY" | "STAYSECONDARY" | "CLAIMING" | "FORCE CHANGE" | "UNKNOWN";
  /** `hacurstate` of stat/hanode: `UP`, `DISABLED`, `COMPLETEFAIL` … */
  readonly health: string;
}
