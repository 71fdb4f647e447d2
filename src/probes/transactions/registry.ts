import type { Observation } from "../../model/observation.ts";
import type { ProbeContext, Target } from "../../net/probe-context.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { TransactionName, TransactionSpec } from "../../model/transactions.ts";
import { dnsLookup, ldapBind, ldapRoot, ntpTime } from "./support-servers.ts";
import { ewsFolder, autodiscover, easOptions, mapiEndpoint, oab, rpcEcho } from "./web-services.ts";
import { healthPage, httpsChallenge, webLook } from "./web-look.ts";
import { imapGreeting, pop3Greeting } from "./mail-greeting.ts";
import { imapLogin, pop3Login } from "./mailbox-login.ts";
import { mailRoundTrip } from "./mail-round-trip.ts";
import { owaForm } from "./owa-form.ts";
import { rpcEndpointMap } from "./rpc-endpoint-map.ts";
import { smtpGreeting, smtpMailFrom, smtpSubmission } from "./smtp.ts";
import type { TransactionType } from "../probe.ts";
import { hasWebPath } from "./web-session.ts";

/** All transactions, by name. To add one, create its file and add a line here. */
export const TRANSACTION_TYPES: ReadonlyMap<TransactionName, TransactionType> = new Map(
  [
    imapGreeting,
    pop3Greeting,
    smtpGreeting,
    smtpMailFrom,
    httpsChallenge,
    webLook,
    healthPage,
    rpcEndpointMap,
    ldapRoot,
    dnsLookup,
    ntpTime,
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
  ].map((type) => [type.transaction, type]),
);

/** Runs one transaction. Never rejects; a missing account or missing TLS is a `fault`. */
export async function runTransaction(
  spec: TransactionSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  const observation = await observe(context, (run) => runConfigured(run, spec, target));
  return spec.expect === "blocked" && hasWebPath(spec.transaction)
    ? expectBlocked(observation)
    : observation;
}

async function runConfigured(
  run: ProbeRun,
  spec: TransactionSpec,
  target: Target,
): Promise<Observation> {
  const { account } = spec;
  const notConfigured = (why: string): Observation =>
    run.fault("transaction", "not_configured", why);
  const type = TRANSACTION_TYPES.get(spec.transaction);
  if (type === undefined) {
    return notConfigured("no such transaction");
  }
  const missing = configurationError(spec, type);
  if (missing !== null) {
    return notConfigured(missing);
  }
  if (!type.needsAccount) {
    return type.probe(run, spec, target);
  }
  if (account === null) {
    return notConfigured("no account is configured");
  }
  run.redact(account.password);
  return type.probe(run, spec, target, account);
}

/** A path that must not be reachable: a response of Exchange is a failure, anything else passes. */
function expectBlocked(observation: Observation): Observation {
  const { outcome, evidence } = observation;
  if (outcome === "fault" && observation.reason !== "auth_rejected") {
    return observation;
  }
  const detail = evidence.detail ?? observation.reason;
  return outcome === "match" || observation.exchangeSeen
    ? {
        ...observation,
        outcome: "mismatch",
        reason: "bad_status",
        evidence: { ...evidence, detail: `reachable, but must be blocked: ${detail}` },
      }
    : {
        ...observation,
        outcome: "match",
        reason: "ok",
        evidence: { ...evidence, detail: `blocked: ${detail}` },
      };
}

function configurationError(spec: TransactionSpec, type: TransactionType): string | null {
  if (spec.security !== "none" && spec.tls === null) {
    return "no TLS settings are configured";
  }
  const mayBeClear = spec.security === "none" || spec.security === "starttls_if_offered";
  if (type.needsAccount && mayBeClear && !spec.allowPlaintext) {
    return "credentials are sent without TLS only with allow_plaintext";
  }
  const broken = textParameters(spec).find(([, text]) => LINE_BREAK_OR_NUL.test(text));
  return broken === undefined ? null : `${broken[0]} with a line break or NUL is never sent`;
}

/** CR, LF and NUL end commands of the line protocols, so the rest would be a separate command. */
const LINE_BREAK_OR_NUL = /[\r\n\0]/;

/** All texts of a specification that are used in commands or headers, with their names. */
function textParameters({
  account,
  host,
  path,
  options,
}: TransactionSpec): readonly (readonly [name: string, text: string])[] {
  return [
    ["a host name", host],
    ["a path", path ?? ""],
    ["a user name", account?.username ?? ""],
    ["a password", account?.password.reveal() ?? ""],
    ["a mail address", account?.address ?? ""],
    ["a domain", account?.domain ?? ""],
    ...Object.entries(options).map(([name, value]) => [`option ${name}`, String(value)] as const),
  ];
}
