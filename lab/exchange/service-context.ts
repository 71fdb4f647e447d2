import type { SecureContext } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import type { Authentication, Organisation } from "./organisation.ts";
import type { ProtocolState } from "./protocol-state.ts";

/** What a protocol's sessions know about their server. */
export interface ServiceContext {
  readonly name: string;
  readonly fqdn: string;
  readonly version: "2010" | "2016";
  readonly organisation: Organisation;
  readonly state: () => ProtocolState;
  /** Null when no certificate is bound. */
  readonly secureContext: () => SecureContext | null;
  /** Whether basic logins are accepted without TLS. */
  readonly plainTextLogin: boolean;
}

/**
 * Logs in as the front end does: the credential goes to the mailbox side, and any fault there looks like a wrong
 * password.
 */
export async function logIn(
  context: ServiceContext,
  protocol: string,
  username: string,
  password: string,
): Promise<Authentication> {
  return throughBackEnd(context, () =>
    context.organisation.authenticate(username, password, { server: context.name, protocol }),
  );
}

/** Sends the credential to the mailbox side, if it is up. */
export async function throughBackEnd(
  context: ServiceContext,
  authenticate: () => Authentication,
): Promise<Authentication> {
  const { backend } = context.state();
  if (backend === "dead") {
    return { kind: "rejected" };
  }
  if (backend !== "up") {
    await delay(backend.hungMs, undefined, { ref: false });
    return { kind: "rejected" };
  }
  const result = authenticate();
  return result.kind === "accepted" && !context.organisation.mounted(result.account)
    ? { kind: "rejected" }
    : result;
}
