import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { dnsLookup } from "./dns-lookup.ts";
import { healthPage } from "./health-page.ts";
import { httpsChallenge } from "./https-challenge.ts";
import { imapGreeting } from "./imap-greeting.ts";
import { ntpTime } from "./ntp-time.ts";
import { pop3Greeting } from "./pop3-greeting.ts";
import { rpcEndpointMap } from "./rpc-endpoint-map.ts";
import { runListed, type TransactionList } from "./run-listed.ts";
import { smtpMailFrom } from "./smtp-mail-from.ts";
import type { TransactionSpec } from "../../model/transactions.ts";

/** Transactions that need no account, by name; apart from the others, whose libraries a worker thread does without. */
export const ANONYMOUS_LOOKS: TransactionList = new Map(
  [
    imapGreeting,
    pop3Greeting,
    smtpMailFrom,
    httpsChallenge,
    healthPage,
    rpcEndpointMap,
    dnsLookup,
    ntpTime,
  ].map((type) => [type.transaction, type]),
);

/** Runs one anonymous look. Never rejects. */
export async function runAnonymousLook(
  spec: TransactionSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  return runListed(ANONYMOUS_LOOKS, spec, target, context);
}
