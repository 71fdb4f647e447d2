import type { FailureReason, Step } from "./reason.ts";
import type { AbortWatch } from "./wire/abort-watch.ts";
import type { Deadlines } from "./wire/deadlines.ts";
import type { EchoBatches } from "./wire/icmp/echo-batches.ts";
import type { LoopWatch } from "./wire/loop-watch.ts";
import type { SchemeMemory } from "./wire/scheme-memory.ts";
import type { Sockets } from "./wire/sockets.ts";
import type { TlsStore } from "./wire/tls-store.ts";

/**
 * The one contract of every probe: `(spec, target, context) → Observation`. A probe never throws, opens sockets only
 * through `context.network`, leaves none open, and ends by `context.signal` or its own time-out, whichever is first.
 */
export type Probe<Spec> = (
  spec: Spec,
  target: Target,
  context: ProbeContext,
) => Promise<Observation>;

/** Where a probe goes, as the estate names it; `connect_to` is applied by the network, not by the probe. */
export interface Target {
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  /** The estate's name of the server, for learning and telling who answered; null at a VIP. */
  readonly server: string | null;
}

export interface ProbeContext {
  readonly network: Network;
  /** Aborted when the agent stops or the round is abandoned: the probe ends at once as `agent_fault`. */
  readonly signal: AbortSignal;
  /** Whole time the probe may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Local address to probe from, or null for the system's choice. */
  readonly localAddress: string | null;
  readonly vantage: Vantage;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Monotonic clock in milliseconds, for durations. */
  readonly monotonic: () => number;
}

/** `backend`: straight to the server; `vip`: through the ADC; `public`: a client-facing address of a vserver. */
export const VANTAGES = ["backend", "vip", "public"] as const;
export type Vantage = (typeof VANTAGES)[number];

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
  /** Which web applications have offered NTLM; without it every run knows only what it hears itself. */
  readonly schemes?: SchemeMemory;
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

/**
 * What one probe saw. `outcome` keeps apart what NetScaler's *reverse* keeps apart (netscaler.md 1.6): `match` and
 * `mismatch` are answers, `refused` and `timeout` are not, `failed` is any other break (TLS, reset, garbage, closed).
 * `fault` is our own: it makes an opinion unknown, never down. `maintenance` is the server's own TROFS answer.
 */
export type Observation = ObservationFacts &
  (
    | {
        readonly outcome: "match" | "maintenance";
        readonly reason: "ok";
        readonly step: Step;
      }
    | {
        readonly outcome: "mismatch" | "refused" | "timeout" | "failed";
        readonly reason: FailureReason;
        readonly step: Step;
      }
    | {
        readonly outcome: "fault";
        readonly reason: FailureReason;
        readonly step: Step;
      }
  );
export type Outcome = Observation["outcome"];

export interface ObservationFacts {
  /** Wall clock at the start, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly phases: Phases;
  /** The span the ADC itself reports as response time (netscaler.md 1.11), or null. */
  readonly responseTimeMs: number | null;
  /** Present whenever a handshake showed a certificate, also when verification fails. */
  readonly tls: TlsFacts | null;
  /** What the answer calls itself: an FQDN or host name as sent, lower case; null when it names nobody. */
  readonly servedBy: string | null;
  /** The mailbox server that the front end passes this account's requests to (X-CalculatedBETarget); absent where unnamed. */
  readonly backendServer?: string;
  /** Our own address as an SMTP server sees it (`Hello [ip]`), and whether it is the one we came from; absent elsewhere. */
  readonly clientAddress?: { readonly seenAs: string; readonly own: boolean };
  /** Login schemes that a look's 401 offered, sorted and joined by commas; absent elsewhere. */
  readonly authSchemes?: string;
  /** The login was NTLM and bound to the certificate that was shown; absent elsewhere. */
  readonly channelBound?: true;
  /** Signs that Exchange itself answered: X-FEServer, the Microsoft banner, healthcheck.htm's body. */
  readonly exchangeSeen: boolean;
  readonly evidence: Evidence;
}

/** Milliseconds per phase; a phase that was not reached is absent. */
export type Phases = Readonly<Partial<Record<PhaseName, number>>>;
export const PHASES = [
  "resolve",
  "connect",
  "tls",
  "banner",
  "starttls",
  "login",
  "send",
  "first_byte",
  "transfer",
  "transaction",
  "quit",
] as const;
export type PhaseName = (typeof PHASES)[number];

export interface TlsFacts {
  /** `TLSv1.2`; null when the handshake failed before one was agreed. */
  readonly protocol: string | null;
  readonly cipher: string | null;
  /** Leaf first, as sent. Empty when none was seen. */
  readonly chain: readonly CertificateFacts[];
  /** What a client that verifies would say; `unverified` when no certificate was seen. */
  readonly verification: "ok" | "expired" | "not_yet_valid" | "name" | "untrusted" | "unverified";
  /** The name sent as SNI, or null. */
  readonly serverName: string | null;
  readonly ephemeralKey: string | null;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  /** Lower-case hex without colons. */
  readonly sha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: readonly string[];
  readonly key: string;
  readonly signature: string | null;
}

/** Bounded and redacted before it is stored: at most 2 KB of transcript. */
export interface Evidence {
  /** What was sent and received, `>` and `<` before each line, secrets already replaced. */
  readonly transcript: string;
  /** One sentence of free text: the library's or the server's own words. */
  readonly detail: string | null;
}
