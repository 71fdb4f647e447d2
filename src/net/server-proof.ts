import type { CertificateFacts, TlsFacts, Observation } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import { verificationFailure } from "./tls-store.ts";
import type { ServerProof, TlsSettings } from "../model/tls-settings.ts";
import type { Connection } from "./connection.ts";
import type { Sealed } from "../lib/secret.ts";

/** Why no secret may be sent to a server, in a reason of the closed list and in words that say what to write. */
export interface Unproven {
  readonly reason: FailureReason;
  readonly detail: string;
}

const BY_CERTIFICATE: ServerProof = { kind: "certificate" };
/** Names shown of a certificate that may hold thousands. */
const MAX_NAMES_SHOWN = 5;
const MAX_NAME_SHOWN = 80;

export function proofOf({ proof = BY_CERTIFICATE }: TlsSettings): ServerProof {
  return proof;
}

/**
 * Whether what a handshake showed proves that the server is the one meant; null when it does. A certificate must verify
 * and hold one of the expected names (RFC 7817): with no name to expect, none fits. A pinned certificate needs neither,
 * nor dates (as RFC 7671's DANE-EE): the handshake shows that the server holds its key.
 */
function unprovenServer(facts: TlsFacts, settings: TlsSettings): Unproven | null {
  const proof = proofOf(settings);
  switch (proof.kind) {
    case "unverified":
      return null;
    case "pinned":
      return proof.sha256.includes(facts.chain[0]?.sha256 ?? "")
        ? null
        : unproven("pinned_certificate", facts, settings);
    case "certificate": {
      const reason =
        verificationFailure(facts) ??
        (settings.expectedNames.length === 0 ? "certificate_name" : null);
      return reason === null ? null : unproven(reason, facts, settings);
    }
  }
}

function unproven(reason: FailureReason, facts: TlsFacts, settings: TlsSettings): Unproven {
  const [leaf] = facts.chain;
  return {
    reason,
    detail:
      leaf === undefined
        ? `no secret was sent: ${whatIsWrong(reason, settings)}`
        : `no secret was sent: ${whatIsWrong(reason, settings)}; if this is the right server, write ` +
          `${pinOf(leaf)}${otherRemedy(reason)} (${certificateWords(leaf)})`,
  };
}

function whatIsWrong(reason: FailureReason, { expectedNames }: TlsSettings): string {
  switch (reason) {
    case "pinned_certificate":
      return "the certificate does not match the pin";
    case "certificate_expired":
      return "the certificate has expired";
    case "certificate_not_yet_valid":
      return "the certificate is not valid yet";
    case "certificate_name":
      return expectedNames.length === 0
        ? "no name is known that the certificate would have to hold"
        : `the certificate holds none of ${shortList(expectedNames)}`;
    default:
      return "the certificate's issuer is not trusted";
  }
}

function otherRemedy(reason: FailureReason): string {
  switch (reason) {
    case "certificate_untrusted":
      return ", or its issuer as ca_file";
    case "certificate_name":
      return ", or one of its names as server_name";
    default:
      return "";
  }
}

/** The line to paste into the configuration. */
export function pinOf({ sha256 }: CertificateFacts): string {
  return `fingerprint_sha256: ${sha256}`;
}

/** Subject, issuer and names of a certificate, bounded. */
export function certificateWords({ subject, issuer, names }: CertificateFacts): string {
  return `subject ${short(subject)}, issuer ${short(issuer)}, names ${shortList(names)}`;
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES_SHOWN).map(short).join(", ");
  const more = names.length - MAX_NAMES_SHOWN;
  return names.length === 0 ? "none" : more > 0 ? `${shown} and ${String(more)} more` : shown;
}

function short(text: string): string {
  return text.length > MAX_NAME_SHOWN ? `${text.slice(0, MAX_NAME_SHOWN)}…` : text;
}

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
