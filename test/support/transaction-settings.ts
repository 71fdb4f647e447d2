import type { PlanSettings } from "../../src/agent/plan/settings.ts";
import type { ServerTrust, TransactionRunConfig } from "../../src/config/schema.ts";
import type { Account, TransactionName } from "../../src/model/transactions.ts";
import { sealed } from "./sealed.ts";

/** A configured run of a transaction, as often as its type says, at every member's back end. */
export function aRun(
  transaction: TransactionName,
  {
    members = {},
    ...change
  }: Partial<Omit<TransactionRunConfig, "members">> & {
    readonly members?: Partial<TransactionRunConfig["members"]>;
  } = {},
): TransactionRunConfig {
  return {
    transaction,
    account: null,
    everyMs: null,
    timeoutMs: null,
    vantages: ["backend"],
    path: null,
    host: null,
    security: null,
    allowPlaintext: false,
    expect: "works",
    options: {},
    ...change,
    members: { servers: [], ports: [], adcServices: [], vservers: [], ...members },
  };
}

/** Configured accounts by their names, which are their user names too. */
export function accounts(
  names: readonly string[],
  change: Partial<Account & ServerTrust> = {},
): PlanSettings["accounts"] {
  return new Map(
    names.map((name) => [
      name,
      { name, username: name, password: sealed("x"), address: null, domain: null, ...change },
    ]),
  );
}
