import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import type { CertificateFacts, TlsFacts } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import type { TlsStore } from "./tls-store.ts";

const LONGEST_CHAIN = 8;

/**
 * Facts of a handshake. Must be read inside `secureConnect` or before the socket is destroyed: afterwards Node no longer
 * knows the peer's certificate. Verification is judged here in full, whatever the settings do with the judgement.
 */
export function tlsFacts(
  socket: TLSSocket,
  settings: TlsSettings,
  store: TlsStore,
  now: number,
  leaf: X509Certificate | undefined = socket.getPeerX509Certificate(),
): TlsFacts {
  const chain = leaf === undefined ? [] : chainOf(leaf, store);
  return {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    chain,
    verification: leaf === undefined ? "unverified" : verify(socket, leaf, chain, settings, now),
    serverName: settings.serverName,
    ephemeralKey: ephemeralKey(socket),
  };
}

function chainOf(leaf: X509Certificate, store: TlsStore): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  let current: X509Certificate | undefined = leaf;
  let before = "";
  while (current !== undefined && chain.length < LONGEST_CHAIN) {
    const facts = store.certificate(current);
    if (facts.sha256 === before) {
      break;
    }
    before = facts.sha256;
    chain.push(facts);
    current = current.issuerCertificate;
  }
  return chain;
}

/** Dates first, since they have their own reasons and their own remedy; then the chain, then the name. */
function verify(
  socket: TLSSocket,
  leaf: X509Certificate,
  chain: readonly CertificateFacts[],
  settings: TlsSettings,
  now: number,
): TlsFacts["verification"] {
  for (const { notBefore, notAfter } of chain) {
    if (now > notAfter) {
      return "expired";
    }
    if (now < notBefore) {
      return "not_yet_valid";
    }
  }
  if (!socket.authorized) {
    return "untrusted";
  }
  const named =
    settings.expectedNames.length === 0 ||
    settings.expectedNames.some((name) => carriesName(leaf, name));
  return named ? "ok" : "name";
}

function carriesName(leaf: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? leaf.checkHost(name) : leaf.checkIP(name)) !== undefined;
}

function ephemeralKey(socket: TLSSocket): string | null {
  const info = socket.getEphemeralKeyInfo();
  if (info === null || !("type" in info)) {
    return null;
  }
  return [info.type, "name" in info ? info.name : null, info.size].filter(Boolean).join(" ");
}

/** The reason a verifying probe fails with; null when the certificate is as it should be. */
export function verificationFailure(facts: TlsFacts): FailureReason | null {
  switch (facts.verification) {
    case "ok":
      return null;
    case "expired":
      return "certificate_expired";
    case "not_yet_valid":
      return "certificate_not_yet_valid";
    case "name":
      return "certificate_name";
    case "untrusted":
    case "unverified":
      return "certificate_untrusted";
  }
}
