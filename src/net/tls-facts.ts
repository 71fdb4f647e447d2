import type { TLSSocket } from "node:tls";
import type { X509Certificate } from "node:crypto";
import type { CertificateFacts, NameCheck, TlsFacts } from "../model/observation.ts";
import type { FailureReason } from "../model/reasons.ts";
import { carriesName } from "./certificate-facts.ts";
import type { TlsSettings } from "../model/tls-settings.ts";
import type { TlsStore } from "./tls-store.ts";

const MAX_CHAIN = 8;
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
  const nameChecks = leaf === undefined ? [] : checkNames(leaf, settings);
  const unneeded = socket.authorized ? chain.slice(1).filter((each) => !isCurrent(each, now)) : [];
  return {
    protocol: socket.getProtocol(),
    cipher: socket.getCipher()?.standardName ?? null,
    chain,
    ...(unneeded.length === 0 ? {} : { unneeded: unneeded.map(({ sha256 }) => sha256) }),
    verification:
      leaf === undefined ? "unverified" : verify(socket, chain, settings, nameChecks, now),
    serverName: settings.serverName,
    nameChecks,
    ephemeralKey: ephemeralKey(socket),
  };
}
function chainOf(leaf: X509Certificate, store: TlsStore): CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  let current: X509Certificate | undefined = leaf;
  let before = "";
  while (current !== undefined && chain.length < MAX_CHAIN) {
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
function isCurrent({ notBefore, notAfter }: CertificateFacts, now: number): boolean {
  return now >= notBefore && now <= notAfter;
}
/**
 * Dates first, since they have their own reasons and their own remedy; then the chain, then the name. Where a chain
 * verifies, what else was sent with it is nobody's concern: an expired cross-signature beside a trusted root, say.
 */
function verify(
  socket: TLSSocket,
  chain: readonly CertificateFacts[],
  { expectedNames }: TlsSettings,
  nameChecks: readonly NameCheck[],
  now: number,
): TlsFacts["verification"] {
  for (const { notBefore, notAfter } of socket.authorized ? chain.slice(0, 1) : chain) {
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
    expectedNames.length === 0 ||
    nameChecks.some(({ name, carried }) => carried && expectedNames.includes(name));
  return named ? "ok" : "name";
}

function checkNames(
  leaf: X509Certificate,
  { expectedNames, checkedNames = [] }: TlsSettings,
): NameCheck[] {
  const names = [...new Set([...expectedNames, ...checkedNames])];
  return names.map((name) => ({ name, carried: carriesName(leaf, name) }));
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
