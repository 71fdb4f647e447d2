import type { CertificateFacts, TlsFacts, Observation } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import { verificationFailure } from "./tls-store.ts";
import type { ServerProof, TlsSettings } from "../model/tls-settings.ts";
import type { Connection } from "./connection.ts";
import type { Sealed } from "../lib/secret.ts";

/** Why no secret may be sent to a server: the reason, and a text that says what to configure. */
export interface Unproven {
  readonly reason: FailureReason;
  readonly detail: string;
}

const BY_CERTIFICATE: ServerProof = { kind: "certificate" };
/** Maximum number of certificate names to show; there may be thousands. */
const MAX_NAMES_SHOWN = 5;
const MAX_NAME_SHOWN = 80;

export function proofOf({ proof = BY_CERTIFICATE }: TlsSettings): ServerProof {
  return proof;
}

/**
 * Checks whether a handshake authenticates the server; null if it does. The certificate must verify and contain one of the
 * expected names (RFC 7817); without expected names the check fails. For a pinned certificate issuer, names and dates are not
 * checked (as with DANE-EE, RFC 7671), because the handshake proves possession of the key.
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
        ? `no secret was sent: ${proofFailureWords(reason, settings)}`
        : `no secret was sent: ${proofFailureWords(reason, settings)}; if this is the right server, write ` +
          `${pinOf(leaf)}${alternativeRemedy(reason)} (${certificateWords(leaf)})`,
  };
}

function proofFailureWords(reason: FailureReason, { expectedNames }: TlsSettings): string {
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

function alternativeRemedy(reason: FailureReason): string {
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
  return `subject ${truncated(subject)}, issuer ${truncated(issuer)}, names ${shortList(names)}`;
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES_SHOWN).map(truncated).join(", ");
  const more = names.length - MAX_NAMES_SHOWN;
  return names.length === 0 ? "none" : more > 0 ? `${shown} and ${String(more)} more` : shown;
}

function truncated(text: string): string {
  return text.length > MAX_NAME_SHOWN ? `${text.slice(0, MAX_NAME_SHOWN)}…` : text;
}

export type Disclosure =
  | { readonly kind: "disclosed"; readonly text: string }
  /** The secret is not sent; the observation is a fault at the handshake's step. */
  | { readonly kind: "withheld"; readonly observation: Observation };

/**
 * The only place that reveals a secret for sending over a connection. The server must be authenticated as the handshake's
 * settings require. Without TLS it needs `clearText`: the operator allows it, or the ADC itself runs the monitor without TLS.
 */
export function disclose(connection: Connection, secret: Sealed, clearText: boolean): Disclosure {
  const { run, secured } = connection;
  if (secured === null) {
    const detail = "credentials are sent without TLS only with allow_plaintext";
    return clearText
      ? { kind: "disclosed", text: secret.reveal() }
      : { kind: "withheld", observation: run.fault("starttls", "not_configured", detail) };
  }
  const why = unprovenServer(secured.facts, secured.settings);
  return why === null
    ? { kind: "disclosed", text: secret.reveal() }
    : { kind: "withheld", observation: run.fault(secured.step, why.reason, why.detail) };
}

/** Reveals secrets for uses without a certificate: datagrams, as the ADC sends them, and the operator's own programs. */
export function discloseWithoutProof(secret: Sealed): string {
  return secret.reveal();
}
