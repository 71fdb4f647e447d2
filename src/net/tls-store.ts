import { constants, type X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import type { FailureReason } from "../model/reasons.ts";
import type { CertificateFacts } from "../model/observation.ts";
import { certificateFacts, certificateFactsBytes } from "./certificate-facts.ts";
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
