import { constants, type X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import type { FailureReason } from "../model/reasons.ts";
import type { CertificateFacts, NameCheck, TlsFacts } from "../model/observation.ts";
import { certificateFacts, certificateFactsBytes, hasName } from "./certificate-facts.ts";
import type { TlsSettings } from "../model/tls-settings.ts";

/** Why a handshake failed, found by trying other settings. */
export interface TlsDiagnosis {
  /** A more specific reason, or null. */
  readonly reason: FailureReason | null;
  /** One sentence for the evidence. */
  readonly text: string;
}

const MAX_CERTIFICATES = 4096;
const MAX_CERTIFICATE_BYTES = 16 * 1024 * 1024;
const MAX_CONTEXTS = 512;

/**
 * Cache of TLS contexts by their parameters, and of the facts of certificates. Sessions are not cached: every probe makes a
 * full handshake. One per network, bounded.
 */
export class TlsStore {
  #contexts = new Map<string, SecureContext>();
  #bySettings = new WeakMap<TlsSettings, SecureContext>();
  #diagnoses = new Map<string, { found: Promise<TlsDiagnosis | null>; until: number }>();
  #certificates = new Map<string, CertificateFacts>();
  #certificateBytes = 0;

  /** Throws OpenSSL's error for invalid parameters (an unreadable CA). */
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
      evictOldest(this.#contexts, MAX_CONTEXTS);
      this.#contexts.set(key, context);
    }
    this.#bySettings.set(settings, context);
    return context;
  }

  /** Cached diagnosis of a failing handshake; repeated when older than `keptMs`. */
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
    evictOldest(this.#diagnoses, MAX_CONTEXTS);
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

  /** A server may present a different, large certificate in each handshake. */
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

function evictOldest(map: Map<string, unknown>, most: number): void {
  if (map.size >= most) {
    const oldest = map.keys().next();
    if (oldest.done !== true) {
      map.delete(oldest.value);
    }
  }
}

const MAX_CHAIN = 8;
/**
 * Facts of a handshake. Call it in `secureConnect` or before the socket is destroyed: afterwards Node has no peer certificate.
 * Verification is always complete; the settings decide only what follows from it.
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
 * Checks dates first, since they have their own reasons and fix; then the chain, then the name. If the chain verifies, other
 * certificates sent with it are ignored, such as an expired cross-signature.
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
  return names.map((name) => ({ name, carried: hasName(leaf, name) }));
}
function ephemeralKey(socket: TLSSocket): string | null {
  const info = socket.getEphemeralKeyInfo();
  if (info === null || !("type" in info)) {
    return null;
  }
  return [info.type, "name" in info ? info.name : null, info.size].filter(Boolean).join(" ");
}
/** The reason with which a verifying probe fails; null if the certificate is valid. */
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
