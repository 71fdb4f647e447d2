import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { ANONYMOUS_LOOKS } from "./anonymous-looks.ts";
import { autodiscover, easOptions, mapiEndpoint, oab, rpcEcho } from "./web-services.ts";
import { ewsFolder } from "./ews-folder.ts";
import { imapLogin } from "./imap-login.ts";
import { ldapBind } from "./ldap-bind.ts";
import { mailRoundTrip } from "./mail-round-trip.ts";
import { owaForm } from "./owa-form.ts";
import { pop3Login } from "./pop3-login.ts";
import { runListed, type TransactionList } from "./run-listed.ts";
import { smtpSubmission } from "./smtp-submission.ts";
import type { TransactionSpec } from "../../model/transactions.ts";

/** Every transaction this agent can run, by name. Adding one: its file, and its line here or among the looks. */
export const TRANSACTION_TYPES: TransactionList = new Map([
  ...ANONYMOUS_LOOKS,
  ...[
    imapLogin,
    pop3Login,
    smtpSubmission,
    mailRoundTrip,
    owaForm,
    easOptions,
    ewsFolder,
    autodiscover,
    mapiEndpoint,
    oab,
    rpcEcho,
    ldapBind,
  ].map((type) => [type.transaction, type] as const),
]);

/** Runs one transaction. Never rejects; what cannot be run for want of an account or of TLS is a `fault` that says so. */
export async function runTransaction(
  spec: TransactionSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  return runListed(TRANSACTION_TYPES, spec, target, context);
}
