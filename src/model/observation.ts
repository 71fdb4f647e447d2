import type { Step, FailureReason } from "./reasons.ts";

/** `backend`: straight to the server; `vip`: through the ADC; `public`: a client-facing address of a vserver. */
export const VANTAGES = ["backend", "vip", "public"] as const;
export type Vantage = (typeof VANTAGES)[number];
/**
 * The result of one probe. `outcome` distinguishes what NetScaler's *reverse* distinguishes (netscaler.md 1.6): `match` and
 * `mismatch` are answers, `refused` and `timeout` are not, `failed` is any other failure (TLS, reset, garbage, closed).
 * `fault` is a fault of this agent: it makes an opinion unknown, never down. `maintenance` is the server's TROFS response.
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
/**
 * The outcome of a login for its account: `unanswered` may have been rejected; `not_tried` ended before the credential was
 * sent, or the server's code says that it was not checked.
 */
export type LoginOutcome = "accepted" | "rejected" | "unanswered" | "not_tried";
export interface ObservationFacts {
  /** Wall clock at the start, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly phases: Phases;
  /** The span the ADC itself reports as response time (netscaler.md 1.11), or null. */
  readonly responseTimeMs: number | null;
  /** Set if the server presented a certificate, even if verification failed. */
  readonly tls: TlsFacts | null;
  /** The server's name in the answer: FQDN or host name in lower case; null: none. */
  readonly servedBy: string | null;
  /** The mailbox server to which the front end passes requests (X-CalculatedBETarget); absent: not named. */
  readonly backendServer?: string;
  /** This agent's address as an SMTP server sees it (`Hello [ip]`), and whether it is the source address; absent elsewhere. */
  readonly clientAddress?: { readonly seenAs: string; readonly own: boolean };
  /** Login schemes that a look's 401 offered, sorted and joined by commas; absent elsewhere. */
  readonly authSchemes?: string;
  /** Addresses and aliases in a DNS answer, in its order; bounded; absent elsewhere. */
  readonly answered?: readonly string[];
  /** Outcome of the login; absent if there was none. */
  readonly login?: LoginOutcome;
  /** The login was NTLM with channel binding to the presented certificate; absent elsewhere. */
  readonly channelBound?: true;
  /** Stalls of the event loop during the run; absent: none. */
  readonly stall?: StallFacts;
  /** Signs that Exchange itself answered: X-FEServer, the Microsoft banner, healthcheck.htm's body. */
  readonly exchangeSeen: boolean;
  readonly evidence: Evidence;
}
export interface StallFacts {
  /** How long processing this server's responses stalled the event loop, in milliseconds. */
  readonly causedMs: number;
  /** The run failed, but a stall may be the cause: it counts as a fault of this agent. */
  readonly excused: boolean;
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
  /** SHA-256 of expired certificates that the verified chain does not need. Absent: none. */
  readonly unneeded?: readonly string[];
  /** The result of verification; `unverified` if there was no certificate. */
  readonly verification: "ok" | "expired" | "not_yet_valid" | "name" | "untrusted" | "unverified";
  /** The name sent as SNI, or null. */
  readonly serverName: string | null;
  /** Whether the leaf contains each client-facing name; empty without a certificate or a known name. */
  readonly nameChecks: readonly NameCheck[];
  readonly ephemeralKey: string | null;
}
/** The certificates sent, without those that the verified chain does not need. */
export function neededChain({ chain, unneeded = [] }: TlsFacts): readonly CertificateFacts[] {
  return chain.filter(({ sha256 }) => !unneeded.includes(sha256));
}
export interface NameCheck {
  readonly name: string;
  readonly carried: boolean;
}
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  /** Lower-case hex without colons. */
  readonly sha256: string;
  /** SHA-1 in upper-case hex, by which Windows and Exchange identify certificates. Never used for verification. */
  readonly thumbprint: string;
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
  /** One sentence of free text from the library or the server. */
  readonly detail: string | null;
}

/** Whether nothing at all came back, so that a firewall on this side may be the cause. */
export function wasSilent({ outcome, reason, phases }: Observation): boolean {
  return (
    reason === "connect_timeout" ||
    reason === "dns_failure" ||
    reason === "unreachable" ||
    (outcome === "timeout" && phases.connect === undefined)
  );
}

/**
 * How much of a service a probe checks, shallowest first:
 * - `reach`: an address answers, or a port completes a TCP handshake
 * - `tls`: a TLS handshake
 * - `greeting`: the application's first line, or an HTTP status
 * - `dialogue`: anonymous commands (EHLO and MAIL FROM), a page or a challenge of one virtual directory, a DNS answer
 * - `login`: an account's login, or an application's report on its back end
 * - `mailbox`: a folder was opened, a message arrived
 */
export const DEPTHS = ["reach", "tls", "greeting", "dialogue", "login", "mailbox"] as const;
export type Depth = (typeof DEPTHS)[number];

/** What a probe checks: its depth and, for web servers, the virtual directory. */
export interface Sight {
  readonly depth: Depth;
  /** In lower case, without slashes: `owa`, or the whole path of a page outside Exchange. Null: no particular path. */
  readonly path: string | null;
}

/** The depth of each opinion on a member; null: no probe supports it. */
export interface MemberDepths {
  /** Of the ADC's own monitors that count, the deepest. */
  readonly adc: Depth | null;
  /** Of those with a replica, the deepest. */
  readonly replica: Depth | null;
  /** Of the transactions that give the service opinion, the deepest. */
  readonly service: Depth | null;
}

/** 0 for the shallowest to 5 for the deepest. */
export function depthRank(depth: Depth): number {
  return DEPTHS.indexOf(depth);
}

/** The deepest of several; null of none. */
export function deepest(depths: readonly Depth[]): Depth | null {
  return depths.reduce<Depth | null>(
    (most, depth) => (most === null || depthRank(depth) > depthRank(most) ? depth : most),
    null,
  );
}

/**
 * Whether a pass of one probe contradicts a failure of another: it is at least as deep, on the same path. Any answer
 * contradicts the failure of a web probe without a particular path (`HEAD /`).
 */
export function outranks(pass: Sight, failure: Sight): boolean {
  const sees = depthRank(pass.depth) >= depthRank(failure.depth);
  return sees && (failure.path === null || failure.path === pass.path);
}

/** What a probe of this depth checks, as the end of a sentence. */
export const DEPTH_WORDS: Readonly<Record<Depth, string>> = {
  reach: "no further than the bare port",
  tls: "a TLS handshake",
  greeting: "a greeting or a status",
  dialogue: "an anonymous dialogue",
  login: "a login",
  mailbox: "a mailbox",
};

/**
 * Says how many members the ADC monitors only by a bare port or a ping, by the deepest monitor of each; null: none.
 */
export function barePortSentence(adcDepths: readonly (Depth | null)[]): string | null {
  const bare = adcDepths.filter((depth) => depth === "reach").length;
  const verb = bare === 1 ? "is" : "are";
  return bare === 0
    ? null
    : `${String(bare)} of ${String(adcDepths.length)} members ${verb} judged only by a port check`;
}
