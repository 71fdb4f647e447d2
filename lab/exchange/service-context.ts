import type { SecureContext } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";

import type { Authentication, Organisation } from "./organisation.ts";
import type { ProtocolState } from "./protocol-state.ts";

/** What a protocol's sessions know of the server they belong to. */
export interface ServiceContext {
  readonly name: string;
  readonly fqdn: string;
  readonly version: "2010" | "2016";
  readonly organisation: Organisation;
  readonly state: () => ProtocolState;
  /** Null when no certificate is bound. */
  readonly secureContext: () => SecureContext | null;
  /** Whether basic logins are taken without TLS. */
  readonly plainTextLogin: boolean;
}

/**
 * Logs in as the front end does: the credential goes to the mailbox side, and whatever is wrong there looks like a
 * wrong password.
 */
export async function logIn(
  context: ServiceContext,
  protocol: string,
  username: string,
  password: string,
): Promise<Authentication> {
  const { backend } = context.state();
  if (backend === "dead") {
    return { kind: "rejected" };
  }
  if (backend !== "up") {
    await delay(backend.hungMs, undefined, { ref: false });
    return { kind: "rejected" };
  }
  const from = { server: context.name, protocol };
  const result = context.organisation.authenticate(username, password, from);
  if (result.kind === "accepted" && !context.organisation.mounted(result.account)) {
    return { kind: "rejected" };
  }
  return result;
}

/** Splits the answer of SASL PLAIN (RFC 4616): authorisation identity, user, password. */
export function parseSaslPlain(base64: string): { username: string; password: string } | null {
  const parts = Buffer.from(base64, "base64").toString("utf8").split("\0");
  const [, username, password] = parts;
  return parts.length === 3 && username !== undefined && password !== undefined
    ? { username, password }
    : null;
}
