import type { SchemeMemory } from "./scheme-memory.ts";
import type { TlsStore } from "./tls-store.ts";
import type { AbortWatch } from "../lib/abort-watch.ts";
import type { EchoBatches } from "./fping.ts";
import type { EventLoopMonitor } from "./event-loop-monitor.ts";
import type { Sockets } from "./sockets.ts";

/** How names and addresses of the estate become addresses to dial: `connect_to`, then DNS with a cache. */
export interface Network {
  /**
   * At once where no name has to be looked up. Never rejects. `forbidden`: no packet leaves, since the rules of this agent
   * (lab, demo) forbid an unmapped address, or an imported target leads to the agent's own host. `writtenBy` is `adc`
   * for whatever came from an ADC or DNS, and where left out; the operator's own addresses may be anywhere.
   */
  resolve(
    host: string,
    port: number,
    transport: "tcp" | "udp" | "icmp",
    writtenBy?: WrittenBy,
    /** Which of a name's addresses; left out: the first. */
    family?: 4 | 6,
  ): Resolution | Promise<Resolution>;
  /** Never rejects. Every address of a client-facing name, from the same cache; each is then resolved as any other. */
  addresses(name: string): Promise<NameAnswer>;
  /** Which web applications have offered NTLM. */
  readonly schemes: SchemeMemory;
  /** TLS contexts and certificate facts shared by all probes of this network. */
  readonly tls: TlsStore;
  /** Tells probes under way that their round is abandoned. */
  readonly aborts: AbortWatch;
  /** Gathers ICMP echoes that begin together. */
  readonly echoes: EchoBatches;
  /** How long our own event loop was stalled. */
  readonly loop: EventLoopMonitor;
  /** Opens what is dialled. */
  readonly sockets: Sockets;
}
/** Whose word an address is. */
export type WrittenBy = "adc" | "operator";
export type Resolution =
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly family: 4 | 6;
    }
  /** `absent`: DNS has answered that there is no such name, or no address of it; else it has not answered. */
  | { readonly kind: "dns_failure"; readonly message: string; readonly absent: boolean }
  | Forbidden;
/** `agent_path`: this agent must not go there; left out, its configuration does not say where it is. */
export interface Forbidden {
  readonly kind: "forbidden";
  readonly message: string;
  readonly reason?: "agent_path";
}
export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** How long the answer may be kept; the system's resolver does not tell. */
  readonly ttlMs?: number;
}
/** `answeredAt` tells one answer of the cache from the next. */
export type NameAnswer =
  | {
      readonly kind: "addresses";
      readonly addresses: readonly ResolvedAddress[];
      readonly answeredAt: number;
    }
  | {
      readonly kind: "dns_failure";
      readonly message: string;
      readonly absent: boolean;
      readonly answeredAt: number;
    }
  /** `connect_to` says where this name is dialled: DNS is not asked. */
  | { readonly kind: "mapped" }
  | Forbidden;
