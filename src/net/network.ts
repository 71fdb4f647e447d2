import type { TlsStore } from "./tls-store.ts";
import type { AbortWatch } from "../lib/abort-watch.ts";
import type { Deadlines } from "../lib/deadlines.ts";
import type { EchoBatches } from "./fping.ts";
import type { LoopWatch } from "./loop-watch.ts";
import type { Sockets } from "./sockets.ts";

/** How names and addresses of the estate become addresses to dial: `connect_to`, then DNS with a cache. */
export interface Network {
  /**
   * At once where no name has to be looked up. Never rejects. `forbidden` when the rules of this agent (lab, demo) forbid
   * an unmapped address: no packet leaves.
   */
  resolve(
    host: string,
    port: number,
    transport: "tcp" | "udp" | "icmp",
  ): Resolution | Promise<Resolution>;
  /** Never rejects. Every address of a client-facing name, from the same cache; each is then resolved as any other. */
  addresses(name: string): Promise<NameAnswer>;
  /** TLS contexts and certificate facts shared by all probes of this network; without it each probe makes its own. */
  readonly tls?: TlsStore;
  /** Tells probes under way that their round is abandoned; without it each listens for itself. */
  readonly aborts?: AbortWatch;
  /** Tells probes under way that their time is over; without it each has a timer of its own. */
  readonly deadlines?: Deadlines;
  /** Gathers ICMP echoes that begin together; without it each probe sends its own. */
  readonly echoes?: EchoBatches;
  /** How long our own event loop was held; without it each probe watches for itself. */
  readonly loop?: LoopWatch;
  /** Opens what is dialled; without it the operating system does. */
  readonly sockets?: Sockets;
}
export type Resolution =
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly family: 4 | 6;
    }
  /** `absent`: DNS has answered that there is no such name, or no address of it; else it has not answered. */
  | { readonly kind: "dns_failure"; readonly message: string; readonly absent: boolean }
  | { readonly kind: "forbidden"; readonly message: string };
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
  | { readonly kind: "forbidden"; readonly message: string };
