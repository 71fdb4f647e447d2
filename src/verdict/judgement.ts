import type { LiveMember, LiveVserver } from "../model/live.ts";
import type { MemberDepths } from "../model/observation.ts";
import {
  initialAgreement,
  moveAgreement,
  postponeAgreement,
  postponementMs,
  type AgreementClock,
  type Opinions,
} from "./grace.ts";
import { moveFalls, type Fall } from "./flapping.ts";

/** What a judgement of a member leaves for the next one. Instants are wall clock, in milliseconds since the epoch. */
export interface MemberMemory {
  readonly agreement: AgreementClock;
  /** The opinions as last judged: they hold until something new is known. Null before the first time. */
  readonly opinions: Opinions | null;
  /** Since when everything has been good by our own opinions; null while it is not. */
  readonly goodSince: number | null;
  /** Good according to our own opinions, and none of its monitors is undecided. */
  readonly provenGood: boolean;
  /** When it was so last, here or in an earlier run; null while it never was. */
  readonly lastGoodAt: number | null;
  /** It has worked since its maintenance window ended; false while none is over. */
  readonly workedSinceWindow: boolean;
  /** It was out of service, or seen in maintenance, since it was last good. */
  readonly workedOn: boolean;
  /** Since when a replica or transaction has failed, or maintenance has been detected, without a break; null: not now. */
  readonly brokenSince: number | null;
  /** How the ADC alone took it down and up within the last hour. */
  readonly falls: readonly Fall[];
}

export function initialMemory(now: number): MemberMemory {
  return {
    agreement: initialAgreement(now),
    opinions: null,
    goodSince: null,
    provenGood: false,
    lastGoodAt: null,
    workedSinceWindow: false,
    workedOn: false,
    brokenSince: null,
    falls: [],
  };
}

/** The same memory after the wall clock was set by so much. */
export function moveMemory(memory: MemberMemory, stepMs: number): MemberMemory {
  return {
    ...memory,
    agreement: moveAgreement(memory.agreement, stepMs),
    goodSince: movedBy(memory.goodSince, stepMs),
    lastGoodAt: movedBy(memory.lastGoodAt, stepMs),
    brokenSince: movedBy(memory.brokenSince, stepMs),
    falls: moveFalls(memory.falls, stepMs),
  };
}

/** An instant after the wall clock was set by so much. */
export function movedBy(at: number | null, stepMs: number): number | null {
  return at === null ? null : at + stepMs;
}

/** The same memory after nothing was observed for so long: no time of grace (within bounds), nor of stability. */
export function withoutPause(memory: MemberMemory, pauseMs: number): MemberMemory {
  return {
    ...memory,
    agreement: postponeAgreement(memory.agreement, pauseMs),
    goodSince: movedBy(memory.goodSince, pauseMs),
  };
}

/** A judged member: all that `LiveMember` shows of it besides the ADC's state. */
export interface MemberJudgement extends Pick<
  LiveMember,
  "replica" | "service" | "verdict" | "step" | "reason" | "decidedBy" | "maintenance"
> {
  readonly depth: MemberDepths;
  readonly readyToReturn: boolean;
  /** How often the ADC alone took it down and up within the last hour; null: it does not flap. */
  readonly flaps: number | null;
}

export const UNJUDGED_MEMBER: MemberJudgement = {
  replica: "unknown",
  service: "none",
  verdict: "unknown",
  step: null,
  reason: null,
  decidedBy: null,
  maintenance: { declared: "no", adc: false, detected: false },
  depth: { adc: null, replica: null, service: null },
  readyToReturn: false,
  flaps: null,
};

/** A judgement, what it leaves for the next one, and until when judging again would give the same without new data. */
export interface Judged<Judgement, Memory> {
  readonly judgement: Judgement;
  readonly memory: Memory;
  /** By the monotonic clock, in milliseconds; -Infinity: it may change at any moment. */
  readonly validUntil: number;
}

/** What a judgement of a vserver leaves for the next one. */
export interface VserverMemory {
  /** When ADC, VIP and members last agreed. */
  readonly agreedAt: number;
  /** They did when last judged: then they still do until there is new data. */
  readonly agreed: boolean;
  /** By how much stalls have moved `agreedAt` since. */
  readonly postponedMs: number;
}

export function moveVserverMemory(memory: VserverMemory, stepMs: number): VserverMemory {
  return { ...memory, agreedAt: memory.agreedAt + stepMs };
}

/** As {@link withoutPause}. */
export function vserverWithoutPause(memory: VserverMemory, pauseMs: number): VserverMemory {
  const byMs = postponementMs(pauseMs, memory.postponedMs);
  return {
    ...memory,
    agreedAt: memory.agreedAt + byMs,
    postponedMs: memory.postponedMs + byMs,
  };
}

/** A judged vserver: all that `LiveVserver` shows of it besides the ADC's state and the servers that answered. */
export interface VserverJudgement extends Pick<
  LiveVserver,
  "vip" | "verdict" | "reason" | "members" | "certificateDiffers"
> {
  readonly refusesAgent: string | null;
  readonly failingReplicas: NonNullable<LiveVserver["failingReplicas"]>;
  readonly persistence: NonNullable<LiveVserver["persistence"]> | null;
  readonly clientAddressKept: boolean | null;
  readonly oddSchemes: NonNullable<LiveVserver["oddSchemes"]> | null;
  /** Of a GSLB vserver; empty for all others. */
  readonly sites: NonNullable<LiveVserver["gslb"]>["sites"];
}
