import { ACCOUNT_TRANSACTIONS, type TransactionName } from "../model/transactions.ts";
import { isFresh } from "./replica.ts";
import type { ServiceOpinion } from "../model/verdicts.ts";

/** Pause between a transaction's first failure and the look that confirms it. */
const CONFIRM_AFTER_MS = 3000;

/** What one transaction at one endpoint has shown so far. */
export interface TransactionState {
  readonly opinion: "up" | "down" | "unknown";
  readonly failuresInARow: number;
  /** When the last conclusive result came, in milliseconds of any one clock; null before the first. */
  readonly lastResultAt: number | null;
}

export function initialTransaction(): TransactionState {
  return { opinion: "unknown", failuresInARow: 0, lastResultAt: null };
}

/**
 * The state after one run: down after two failures in a row, up after one success. Null is a fault of our own and no result:
 * the opinion holds until it expires ({@link transactionOpinionAt}).
 */
export function stepTransaction(
  state: TransactionState,
  passed: boolean | null,
  at: number,
): TransactionState {
  if (passed === null) {
    return state;
  }
  if (passed) {
    return { opinion: "up", failuresInARow: 0, lastResultAt: at };
  }
  const failuresInARow = Math.min(state.failuresInARow + 1, 2);
  return {
    opinion: failuresInARow >= 2 ? "down" : state.opinion,
    failuresInARow,
    lastResultAt: at,
  };
}

/** The opinion now: unknown after three intervals without a result. */
export function transactionOpinionAt(
  state: TransactionState,
  now: number,
  intervalMs: number,
): TransactionState["opinion"] {
  return isFresh(state.lastResultAt, now, intervalMs) ? state.opinion : "unknown";
}

/** Failures in a row less probable than this are not put down to chance. */
const MOST_CHANCE = 0.001;

/**
 * How many failures in a row through a VIP count against the VIP itself, if `failing` of the `balanced` weight of its members
 * is known to fail. Fewer may be those members' own: if every second one fails, two in a row happen once in four.
 */
export function failuresBeyondChance(failing: number, balanced: number): number {
  if (failing <= 0) {
    return 0;
  }
  return failing >= balanced
    ? Infinity
    : Math.ceil(Math.log(MOST_CHANCE) / Math.log(failing / balanced));
}

/** Milliseconds to the next run: 3 s after a first failure, to confirm an outage soon, else the interval. */
export function nextDelayMs(state: TransactionState, intervalMs: number): number {
  const unconfirmed = state.failuresInARow === 1 && state.opinion !== "down";
  return unconfirmed ? Math.min(CONFIRM_AFTER_MS, intervalMs) : intervalMs;
}

/** How much a transaction weighs for the service opinion; `detection`: not at all. */
export type TransactionRank = "login" | "look" | "detection";

export function transactionRank(transaction: TransactionName): TransactionRank {
  if (transaction === "health_page") {
    return "detection";
  }
  const withAccount: readonly string[] = ACCOUNT_TRANSACTIONS;
  return withAccount.includes(transaction) ? "login" : "look";
}

export interface TransactionResult {
  readonly id: string;
  readonly rank: TransactionRank;
  readonly opinion: "up" | "down" | "unknown";
}

export interface CombinedService {
  readonly opinion: ServiceOpinion;
  /** `id` of the transaction that decided; null when there is none. */
  readonly decidedBy: string | null;
}

/**
 * The opinion of several transactions: down if any is down, else up if any is up. Anonymous ones decide only while no login has
 * an opinion. `none`: there is no transaction.
 */
export function combineTransactions(transactions: readonly TransactionResult[]): CombinedService {
  const speaking = transactions.filter((each) => each.rank !== "detection");
  for (const rank of ["login", "look"] as const) {
    for (const opinion of ["down", "up"] as const) {
      const decider = speaking.find((each) => each.rank === rank && each.opinion === opinion);
      if (decider !== undefined) {
        return { opinion, decidedBy: decider.id };
      }
    }
  }
  const first = speaking[0];
  return first === undefined
    ? { opinion: "none", decidedBy: null }
    : { opinion: "unknown", decidedBy: first.id };
}
