import type { Observation } from "../model/observation.ts";
import type { Connection } from "./connection.ts";
import type { Sealed } from "../lib/secret.ts";
import { unprovenServer } from "./server-proof.ts";

export type Disclosure =
  | { readonly kind: "disclosed"; readonly text: string }
  /** It stays here. The observation is a fault at the handshake's step: a login that was not tried. */
  | { readonly kind: "withheld"; readonly observation: Observation };

/**
 * The one place where secrets come out to be sent over a connection: only where the server at its other end has proven
 * who it is, as the settings of that connection's handshake demand. In the clear only with `clearText`: the operator's
 * word, or a monitor that the ADC itself runs without TLS.
 */
export function disclose(connection: Connection, secret: Sealed, clearText: boolean): Disclosure {
  const { run, secured } = connection;
  if (secured === null) {
    const detail = "a credential travels without TLS only with allow_plaintext";
    return clearText
      ? { kind: "disclosed", text: secret.reveal() }
      : { kind: "withheld", observation: run.fault("starttls", "not_configured", detail) };
  }
  const why = unprovenServer(secured.facts, secured.settings);
  return why === null
    ? { kind: "disclosed", text: secret.reveal() }
    : { kind: "withheld", observation: run.fault(secured.step, why.reason, why.detail) };
}

/** Secrets that never meet a certificate: datagrams, as the ADC sends them, and programs of the operator's own. */
export function discloseAsTheAdcDoes(secret: Sealed): string {
  return secret.reveal();
}
