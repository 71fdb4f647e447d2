import type { Observation } from "../../model/observation.ts";
import type { Probe } from "../probe.ts";
import type { HttpAnswer } from "../protocols/http-answer.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { mismatch, type Ended } from "./line-session.ts";
import type { Account, TransactionName, TransactionSpec } from "../../model/transactions.ts";
import type { TransactionType } from "./spec.ts";
import { isAdcLogin, judgeError, summary, type BadAnswer } from "./web-answer.ts";
import { askLoggedIn, provesLogin, type Served } from "./web-login.ts";
import type { WebRequest } from "./web-session.ts";

/** What a logged-in answer shows. */
export type ServedVerdict =
  | { readonly kind: "good"; readonly detail: string; readonly servedBy?: string }
  | BadAnswer
  /** Nothing of its own: the general rules for errors apply. */
  | { readonly kind: "other" };

export interface WebTransaction {
  readonly transaction: TransactionName;
  /** The request, or why it cannot be made, in words. */
  readonly request: (spec: TransactionSpec, account: Account) => WebRequest | string;
  readonly judge: (answer: HttpAnswer, spec: TransactionSpec) => ServedVerdict;
  /** What follows a good answer, on the same login. */
  readonly then?: (
    run: ProbeRun,
    served: Served,
    spec: TransactionSpec,
  ) => Promise<Observation | null>;
}

/** One logged-in request to a virtual directory, and what its answer means. */
export function webTransaction(transaction: WebTransaction): TransactionType {
  return {
    transaction: transaction.transaction,
    needsAccount: true,
    transport: "tcp",
    probe: webProbe(transaction),
  };
}

function webProbe(transaction: WebTransaction): Probe<TransactionSpec> {
  return (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.hide(account.password);
      const request = transaction.request(spec, account);
      if (typeof request === "string") {
        return run.fault("transaction", "not_configured", request);
      }
      const served = await askLoggedIn(run, spec, target, account, request);
      if (served.kind === "ended") {
        return served.observation;
      }
      run.phase("transaction");
      const verdict = transaction.judge(served.answer, spec);
      if (verdict.kind !== "good") {
        const exchangeSpoke = verdict.kind === "bad" && verdict.reason !== "pattern_missing";
        const step = exchangeSpoke || provesLogin(served.answer, spec) ? "transaction" : "login";
        return failed(run, spec, served.answer, verdict, step).observation;
      }
      if (verdict.servedBy !== undefined) {
        run.servedBy = verdict.servedBy;
        run.exchangeSeen = true;
      }
      const further = await transaction.then?.(run, served, spec);
      return further ?? run.match("transaction", verdict.detail);
    });
}

/** The observation of an answer that is not what the transaction wants; at step `login` while that is not proven. */
export function failed(
  run: ProbeRun,
  spec: TransactionSpec,
  answer: HttpAnswer,
  verdict: Exclude<ServedVerdict, { kind: "good" }>,
  step: "login" | "transaction",
): Ended {
  if (verdict.kind === "bad") {
    return mismatch(run, step, verdict.reason, verdict.detail);
  }
  if (isAdcLogin(answer, spec.adc)) {
    return mismatch(run, step, "sso_not_passed", summary(answer));
  }
  if (answer.status === 503 && answer.headers.get("retry-after") !== null) {
    return mismatch(run, step, "throttled", summary(answer));
  }
  const { reason, detail } = judgeError(answer, { vantage: run.context.vantage, spec });
  return mismatch(run, step, reason, detail);
}
