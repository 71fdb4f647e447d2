import { advanceNtlm, ntlmServerOf, type NtlmConversation } from "./ntlm/ntlm-server.ts";
import type { Authentication } from "./organisation.ts";
import { logIn, throughBackEnd, type ServiceContext } from "./service-context.ts";

/** How a protocol carries SASL: sends a challenge (base64, or empty) and returns the client's line; null: it left. */
export type SaslAsk = (challenge: string) => Promise<string | null>;

/** `aborted`: the client cancelled, or sent no valid response. */
export type SaslResult = Authentication | { readonly kind: "aborted" };

const ABORTED: SaslResult = { kind: "aborted" };

/** Runs a mechanism of Exchange's; null when it has none of that name. `initial` is the client's first answer, or null. */
export async function runSasl(
  mechanism: string,
  context: ServiceContext,
  protocol: string,
  ask: SaslAsk,
  initial: string | null,
): Promise<SaslResult | null> {
  switch (mechanism.toUpperCase()) {
    case "PLAIN":
      return plain(context, protocol, initial ?? (await ask("")));
    case "LOGIN":
      return login(context, protocol, ask, initial);
    case "NTLM":
      return ntlm(context, protocol, ask, initial ?? (await ask("")));
    case "GSSAPI": {
      // The lab has no Kerberos: every ticket is rejected, and most clients have none and cancel.
      const answer = initial ?? (await ask(""));
      return answer === null || answer === "*" ? ABORTED : { kind: "rejected" };
    }
    default:
      return null;
  }
}

/** RFC 4616: authorisation identity, user, password. */
async function plain(
  context: ServiceContext,
  protocol: string,
  answer: string | null,
): Promise<SaslResult> {
  const [, username, password, ...rest] = decode(answer ?? "*").split("\0");
  return username === undefined || password === undefined || rest.length > 0
    ? ABORTED
    : logIn(context, protocol, username, password);
}

async function login(
  context: ServiceContext,
  protocol: string,
  ask: SaslAsk,
  initial: string | null,
): Promise<SaslResult> {
  const username = initial ?? (await ask(encode("Username:")));
  const password = username === null || username === "*" ? null : await ask(encode("Password:"));
  return username === null || password === null || password === "*"
    ? ABORTED
    : logIn(context, protocol, decode(username), decode(password));
}

async function ntlm(
  context: ServiceContext,
  protocol: string,
  ask: SaslAsk,
  negotiate: string | null,
): Promise<SaslResult> {
  const server = ntlmServerOf(context, { extendedProtection: "none", channelBinding: null });
  const conversation: NtlmConversation = { negotiate: null, challenge: null, account: null };
  const first = advanceNtlm(conversation, Buffer.from(negotiate ?? "", "base64"), server);
  const answer = first.kind === "challenge" ? await ask(first.message.toString("base64")) : null;
  if (answer === null || answer === "*") {
    return ABORTED;
  }
  return throughBackEnd(context, () => {
    const step = advanceNtlm(conversation, Buffer.from(answer, "base64"), server);
    const accepted = step.kind === "accepted";
    const username = accepted
      ? step.account.username
      : step.kind === "rejected"
        ? step.username
        : "";
    context.organisation.record({ server: context.name, protocol, username, accepted });
    return accepted ? { kind: "accepted", account: step.account } : { kind: "rejected" };
  });
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}
