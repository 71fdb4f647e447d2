import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TRANSACTIONS } from "../../src/model/transactions.ts";
import {
  combineTransactions,
  failuresBeyondChance,
  initialTransaction,
  nextDelayMs,
  stepTransaction,
  transactionOpinionAt,
  transactionRank,
  type TransactionRank,
} from "../../src/verdict/service-opinion.ts";

const INTERVAL_MS = 30_000;

describe("stepTransaction", () => {
  test("is down after two failures in a row, repeated after 3 s, and up after one success", () => {
    let state = initialTransaction();
    const seen = [...("SFF?FSFSF" as string)].map((result, index) => {
      state = stepTransaction(state, result === "?" ? null : result === "S", index * 1000);
      return `${result} ${state.opinion} ${String(nextDelayMs(state, INTERVAL_MS))}`;
    });
    expect(seen).toEqual([
      "S up 30000",
      "F up 3000",
      "F down 30000",
      "? down 30000",
      "F down 30000",
      "S up 30000",
      "F up 3000",
      "S up 30000",
      "F up 3000",
    ]);
  });

  test("repeats a first failure from unknown too, and no later than the interval", () => {
    const failed = stepTransaction(initialTransaction(), false, 0);
    expect(failed.opinion).toBe("unknown");
    expect(nextDelayMs(failed, INTERVAL_MS)).toBe(3000);
    expect(nextDelayMs(failed, 1000)).toBe(1000);
    expect(stepTransaction(failed, false, 3000).opinion).toBe("down");
  });

  test("is unknown after three intervals without a result", () => {
    const up = stepTransaction(initialTransaction(), true, 1000);
    expect(transactionOpinionAt(initialTransaction(), 0, INTERVAL_MS)).toBe("unknown");
    expect(transactionOpinionAt(up, 91_000, INTERVAL_MS)).toBe("up");
    expect(transactionOpinionAt(up, 91_001, INTERVAL_MS)).toBe("unknown");
    const faulty = stepTransaction(up, null, 90_000);
    expect(transactionOpinionAt(faulty, 91_001, INTERVAL_MS)).toBe("unknown");
  });
});

describe("failuresBeyondChance", () => {
  test.each([
    [0, 3, 0],
    [1, 2, 10],
    [1, 3, 7],
    [1, 10, 3],
    [2, 3, 18],
    [3, 3, Infinity],
  ])("for %d failing of %d is %d in a row", (failing, balanced, needed) => {
    expect(failuresBeyondChance(failing, balanced)).toBe(needed);
  });

  test("is the smallest number with a probability of at most one in a thousand", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 500 }), fc.nat(498), (balanced, some) => {
        const failing = 1 + (some % (balanced - 1));
        const share = failing / balanced;
        const needed = failuresBeyondChance(failing, balanced);
        expect(share ** needed).toBeLessThanOrEqual(0.001 * (1 + 1e-9));
        expect(share ** (needed - 1)).toBeGreaterThan(0.001 * (1 - 1e-9));
      }),
    );
  });
});

describe("combineTransactions", () => {
  function word(text: string): Parameters<typeof combineTransactions>[0][number] {
    const [id = "", rank = "", opinion = ""] = text.split("/");
    return { id, rank: rank as TransactionRank, opinion: opinion as "up" | "down" | "unknown" };
  }
  test.each([
    ["no transaction", [], "none", null],
    ["only a detection", ["h/detection/down"], "none", null],
    ["nothing known", ["a/look/unknown", "b/login/unknown"], "unknown", "a"],
    ["any down is down", ["a/look/up", "b/look/down"], "down", "b"],
    ["any up is up", ["a/look/unknown", "b/look/up"], "up", "b"],
    ["a login outranks a look that fails", ["a/look/down", "b/login/up"], "up", "b"],
    ["a login outranks a look that works", ["a/look/up", "b/login/down"], "down", "b"],
    ["a look stays as fallback", ["a/look/down", "b/login/unknown"], "down", "a"],
    ["any login down is down", ["b/login/up", "c/login/down"], "down", "c"],
  ] as const)("gives the expected opinion: %s", (_name, words, opinion, decidedBy) => {
    expect(combineTransactions(words.map(word))).toEqual({ opinion, decidedBy });
  });

  test("ranks every transaction", () => {
    const ranks = Object.fromEntries(TRANSACTIONS.map((name) => [name, transactionRank(name)]));
    expect(ranks).toMatchObject({
      health_page: "detection",
      imap_greeting: "look",
      https_challenge: "look",
      imap_login: "login",
      oab: "login",
    });
  });
});
