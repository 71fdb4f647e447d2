import type { Observation, ProbeContext, Target } from "../probe.ts";
import { observe } from "../wire/probe-run.ts";
import { healthPage } from "./health-page.ts";
import { httpsChallenge } from "./https-challenge.ts";
import { imapGreeting } from "./imap-greeting.ts";
import { pop3Greeting } from "./pop3-greeting.ts";
import { smtpMailFrom } from "./smtp-mail-from.ts";
import type { TransactionName, TransactionSpec, TransactionType } from "./spec.ts";

const TYPES: readonly TransactionType[] = [
  imapGreeting,
  pop3Greeting,
  smtpMailFrom,
  httpsChallenge,
  healthPage,
];

/** Every transaction this agent can run, by name. Adding one: its file, and its line above. */
export const TRANSACTION_TYPES: ReadonlyMap<TransactionName, TransactionType> = new Map(
  TYPES.map((type) => [type.transaction, type]),
);

/** Runs one transaction. Never rejects; what cannot be run for want of an account or of TLS is a `fault` that says so. */
export async function runTransaction(
  spec: TransactionSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  const type = TRANSACTION_TYPES.get(spec.transaction);
  const missing = type === undefined ? "no such transaction" : whatIsMissing(spec, type);
  if (type === undefined || missing !== null) {
    return observe(context, async (run) => run.fault("transaction", "not_configured", missing));
  }
  return type.probe(spec, target, context);
}

function whatIsMissing(spec: TransactionSpec, type: TransactionType): string | null {
  if (type.needsAccount && spec.account === null) {
    return "no account is configured";
  }
  if (spec.security !== "none" && spec.tls === null) {
    return "no TLS settings are configured";
  }
  if (type.needsAccount && spec.security === "none" && !spec.allowPlaintext) {
    return "a credential travels without TLS only with allow_plaintext";
  }
  return null;
}
