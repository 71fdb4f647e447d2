import type { Observation, ProbeContext, Target } from "../probe.ts";
import { observe } from "../wire/probe-run.ts";
import type { TransactionName, TransactionSpec, TransactionType } from "./spec.ts";

export type TransactionList = ReadonlyMap<TransactionName, TransactionType>;

/** Runs one transaction of a list. Never rejects; what cannot be run is a `fault` that says so. */
export async function runListed(
  types: TransactionList,
  spec: TransactionSpec,
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  const type = types.get(spec.transaction);
  const missing = type === undefined ? "no such transaction" : whatIsMissing(spec, type);
  if (type === undefined || missing !== null) {
    return observe(context, async (run) => run.fault("transaction", "not_configured", missing));
  }
  const observation = await type.probe(spec, target, context);
  return spec.expect === "blocked" && OF_A_PATH.has(spec.transaction)
    ? blocked(observation)
    : observation;
}

/** Transactions of one path of the web: `expect: blocked` turns them round. */
const OF_A_PATH: ReadonlySet<TransactionName> = new Set<TransactionName>([
  "https_challenge",
  "health_page",
  "owa_form",
  "eas_options",
  "ews_folder",
  "autodiscover",
  "mapi_endpoint",
  "oab",
  "rpc_echo",
]);

/** A path that must not be reachable: an answer of Exchange is the failure, any other end is as it should be. */
function blocked(observation: Observation): Observation {
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
        evidence: { ...evidence, detail: `reachable, and must not be: ${detail}` },
      }
    : {
        ...observation,
        outcome: "match",
        reason: "ok",
        evidence: { ...evidence, detail: `blocked: ${detail}` },
      };
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
  const { account } = spec;
  if (
    account !== null &&
    [account.username, account.password, account.address].some(hasLineBreak)
  ) {
    return "a user name, address or password with a line break is never sent";
  }
  return null;
}

/** CR, LF and NUL end commands of the line protocols: whatever follows them would be a command of its own. */
function hasLineBreak(text: string | null): boolean {
  return text !== null && /[\r\n\0]/.test(text);
}
