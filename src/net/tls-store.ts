import { constants, type X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { FailureReason } from "../model/reasons.ts";
import type { CertificateFacts, NameCheck, TlsFacts } from "../model/observation.ts";
import { certificateFacts, certificateFactsBytes, carriesName } from "./certificate-facts.ts";
import type { TlsSettings } from "../model/tls-settings.ts";

/** Why a handshake failed, found by trying others. */
export interface TlsDiagnosis {
  /** A better reason than the failure's own, or null. */
  readonly reason: FailureReason | null;
  /** One sentence for the evidence. */
  readonly text: string;
}

const MAX_CERTIFICATES = 4096;
const MAX_CERTIFICATE_BYTES = 16 * 1024 * 1024;
const MAX_CONTEXTS = 512;

/**
 * What handshakes share: contexts by their parameters (never sessions: every probe does the full handshake) and the
 * facts of certificates already seen. One per network, bounded.
 */
export class TlsStore {
  #contexts = new Map<string, SecureContext>();
  #bySettings = new WeakMap<TlsSettings, SecureContext>();
  #diagnoses = new Map<string, { found: Promise<TlsDiagnosis | null>; until: number }>();
  #certificates = new Map<string, CertificateFacts>();
  #certificateBytes = 0;

  /** Throws what OpenSSL throws when the parameters cannot be honoured (an unreadable CA). */
  contextFor(settings: TlsSettings): SecureContext {
    const known = this.#bySettings.get(settings);
    if (known !== undefined) {
      return known;
    }
    const { minVersion, maxVersion, legacy, ca } = settings;
    const key = `${minVersion} ${maxVersion} ${legacy} ${ca ?? ""}`;
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = createSecureContext({
        minVersion,
        maxVersion,
        ...(ca === null ? {} : { ca }),
        ...(legacy
          ? {
              ciphers: "ALL:!aNULL:!eNULL:@SECLEVEL=0",
              secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT,
            }
          : {}),
      });
      forgetOldest(this.#contexts, MAX_CONTEXTS);
      this.#contexts.set(key, context);
    }
    this.#bySettings.set(settings, context);
    return context;
  }

  /** What was found out about a failing handshake, made again when it is older than `keptMs`. */
  diagnosis(
    key: string,
    now: number,
    keptMs: number,
    make: () => Promise<TlsDiagnosis | null>,
  ): Promise<TlsDiagnosis | null> {
    const known = this.#diagnoses.get(key);
    if (known !== undefined && now < known.until) {
      return known.found;
    }
    forgetOldest(this.#diagnoses, MAX_CONTEXTS);
    const found = make();
    this.#diagnoses.set(key, { found, until: now + keptMs });
    return found;
  }

  certificate(certificate: X509Certificate): CertificateFacts {
    const key = certificate.fingerprint256;
    let facts = this.#certificates.get(key);
    if (facts === undefined) {
      facts = certificateFacts(certificate);
      this.#certificates.set(key, facts);
      this.#certificateBytes += certificateFactsBytes(facts);
      this.#boundCertificates();
    }
    return facts;
  }

  /** A server may show another certificate, as large as TLS allows, in each handshake. */
  #boundCertificates(): void {
    for (const [oldest, facts] of this.#certificates) {
      const fits =
        this.#certificates.size <= MAX_CERTIFICATES &&
        this.#certificateBytes <= MAX_CERTIFICATE_BYTES;
      if (fits) {
        return;
      }
      this.#certificates.delete(oldest);
      this.#certificateBytes -= certificateFactsBytes(facts);
    }
  }
}

function forgetOldest(map: Map<string, unknown>, most: number): void {
  if (map.size >= most) {
    const oldest = map.keys().next();
    if (oldest.done !== true) {
      map.delete(oldest.value);
    }
  }
}

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
