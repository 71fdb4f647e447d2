import type { Step, FailureReason } from "./reasons.ts";

/** `backend`: straight to the server; `vip`: through the ADC; `public`: a client-facing address of a vserver. */
export const VANTAGES = ["backend", "vip", "public"] as const;
export type Vantage = (typeof VANTAGES)[number];
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
/**
 * What a login means to its account: `unanswered` may have been rejected; `not_tried` ended before the credential was
 * sent, or the server's code says that it did not check it.
 */
export type LoginOutcome = "accepted" | "rejected" | "unanswered" | "not_tried";
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
  /** Addresses and aliases that a DNS answer held, in the order of the answer; bounded; absent elsewhere. */
  readonly answered?: readonly string[];
  /** What became of the credential that this probe sent; absent where none was sent. */
  readonly login?: LoginOutcome;
  /** The login was NTLM and bound to the certificate that was shown; absent elsewhere. */
  readonly channelBound?: true;
  /** What stalls of our own event loop had to do with it; absent where nothing. */
  readonly stall?: StallFacts;
  /** Signs that Exchange itself answered: X-FEServer, the Microsoft banner, healthcheck.htm's body. */
  readonly exchangeSeen: boolean;
  readonly evidence: Evidence;
}
export interface StallFacts {
  /** How long handling this server's answers stalled the event loop, in milliseconds. */
  readonly causedMs: number;
  /** The run failed, and a stall meanwhile explains that as well: it is a fault of our own. */
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
  /** SHA-256 of those sent that have no part in a chain that verified: out of date, and not missed. Absent: none. */
  readonly unneeded?: readonly string[];
  /** What a client that verifies would say; `unverified` when no certificate was seen. */
  readonly verification: "ok" | "expired" | "not_yet_valid" | "name" | "untrusted" | "unverified";
  /** The name sent as SNI, or null. */
  readonly serverName: string | null;
  /** Whether the leaf holds each name that clients use here; empty when none was seen or no name is known. */
  readonly nameChecks: readonly NameCheck[];
  readonly ephemeralKey: string | null;
}
/** The certificates that a client depends on: those sent, without those that a chain which verifies did not need. */
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
  /** SHA-1 in upper-case hex: the name that Windows and Exchange give a certificate. It proves nothing. */
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
  /** One sentence of free text: the library's or the server's own words. */
  readonly detail: string | null;
}

/** Whether nothing at all came back: our own firewall may be in the way. */
export function wasSilent({ outcome, reason, phases }: Observation): boolean {
  return (
    reason === "connect_timeout" ||
    reason === "dns_failure" ||
    reason === "unreachable" ||
    (outcome === "timeout" && phases.connect === undefined)
  );
}

/**
 * How far into a service a probe sees, shallowest first:
 * - `reach`: an address answers, or a port completes a TCP handshake
 * - `tls`: a TLS handshake
 * - `greeting`: the application's first line, or an HTTP status
 * - `dialogue`: anonymous commands (EHLO and MAIL FROM), a page or a challenge of one virtual directory, a DNS answer
 * - `login`: an account's login, or what an application says of its own back end
 * - `mailbox`: a folder was opened, a message came through
 */
export const DEPTHS = ["reach", "tls", "greeting", "dialogue", "login", "mailbox"] as const;
export type Depth = (typeof DEPTHS)[number];

/** What a probe sees: how deep, and of which virtual directory where it asks a web server for one. */
export interface Sight {
  readonly depth: Depth;
  /** In lower case, without slashes: `owa`, or the whole path of a page that is not Exchange's. Null: of no one path. */
  readonly path: string | null;
}

/** Depth of what each opinion on a member rests on; null where there is nothing it could rest on. */
export interface MemberDepths {
  /** Of the ADC's own monitors that count, the deepest. */
  readonly adc: Depth | null;
  /** The same of those whose result we have. */
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
 * Whether a pass of the one contradicts a failure of the other: it saw at least as deep, on the same path. A web probe
 * that asks for no page in particular (`HEAD /`) is answered by any other that got an answer.
 */
export function outranks(pass: Sight, failure: Sight): boolean {
  const sees = depthRank(pass.depth) >= depthRank(failure.depth);
  return sees && (failure.path === null || failure.path === pass.path);
}

/** What a probe of this depth sees, as the end of a sentence. */
export const DEPTH_WORDS: Readonly<Record<Depth, string>> = {
  reach: "no further than the bare port",
  tls: "a TLS handshake",
  greeting: "a greeting or a status",
  dialogue: "an anonymous dialogue",
  login: "a login",
  mailbox: "a mailbox",
};

/**
 * How many members the ADC judges by a bare port alone, or a ping, in a sentence; null where it judges none so. By the
 * deepest of what the ADC asks of each.
 */
export function barePortSentence(adcDepths: readonly (Depth | null)[]): string | null {
  const bare = adcDepths.filter((depth) => depth === "reach").length;
  const verb = bare === 1 ? "is" : "are";
  return bare === 0
    ? null
    : `${String(bare)} of ${String(adcDepths.length)} members ${verb} judged by a bare port alone`;
}
