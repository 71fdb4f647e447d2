import type { PlannedProbe } from "../plan/planned-probe.ts";

/** Exchange's client receive connectors take so many messages in a minute from one source, and one user. */
export const MOST_MESSAGES = 5;
export const PER_MS = 60_000;

/** A message handed in: at this server, or through an ADC at whichever it chose (null). */
export interface MessageSent {
  readonly server: string | null;
  /** By a clock that is never set. */
  readonly at: number;
}

/**
 * Whether one more message may be handed in there now, of whichever account. What went through an ADC may have reached any
 * server, and counts against all of them.
 */
export function maySend(sent: readonly MessageSent[], server: string | null, now: number): boolean {
  const recent = sent.filter(({ at }) => now - at < PER_MS);
  const through = recent.filter((each) => each.server === null).length;
  const servers = server === null ? new Set(recent.map((each) => each.server)) : [server];
  const direct = [...servers].map((name) =>
    name === null ? 0 : recent.filter((each) => each.server === name).length,
  );
  return through + Math.max(0, ...direct) < MOST_MESSAGES;
}

/** The messages of this agent within the last minute, booked as each round begins. */
export class MessagePace {
  readonly #monotonic: () => number;
  #sent: readonly MessageSent[] = [];

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Books a message of this probe, if it sends one; false when it would be one too many. */
  book({ vantage, server, action }: PlannedProbe): boolean {
    if (action.kind !== "transaction" || action.transaction !== "mail_round_trip") {
      return true;
    }
    const now = this.#monotonic();
    const at = vantage === "backend" ? server : null;
    if (!maySend(this.#sent, at, now)) {
      return false;
    }
    this.#sent = [...this.#sent.filter((each) => now - each.at < PER_MS), { server: at, at: now }];
    return true;
  }
}
