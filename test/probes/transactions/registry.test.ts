import { expect, test } from "vitest";
import { TRANSACTION_TYPES } from "../../../src/probes/transactions/registry.ts";
import { ACCOUNT_TRANSACTIONS, TRANSACTIONS } from "../../../src/model/transactions.ts";

test("transaction registry › lists every transaction under its own name and whether it needs an account", () => {
  expect([...TRANSACTION_TYPES.keys()].sort()).toEqual([...TRANSACTIONS].sort());
  const accounts: readonly string[] = ACCOUNT_TRANSACTIONS;
  for (const [name, type] of TRANSACTION_TYPES) {
    expect(type.transaction).toBe(name);
    expect(type.needsAccount).toBe(accounts.includes(name));
  }
});
