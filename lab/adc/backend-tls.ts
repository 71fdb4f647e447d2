import type { AdcService } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import { createSecureContext, type SecureContext } from "node:tls";
import { tlsRange, tlsVersionOptions, type TlsRange } from "./tls-range.ts";

/** The ADC's TLS towards its servers: one context for each range of versions, for making one is dearer than using it. */
export class BackendContexts {
  /** Versions if the configuration does not set them. */
  fallback: TlsRange;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(fallback: TlsRange) {
    this.fallback = fallback;
  }

  of(range: TlsRange): SecureContext {
    const key = `${range.min} ${range.max}`;
    const known = this.#contexts.get(key);
    if (known !== undefined) {
      return known;
    }
    const made = createSecureContext(tlsVersionOptions(range));
    this.#contexts.set(key, made);
    return made;
  }
}

/** How one connection to a server speaks TLS. */
export interface ConnectionTls {
  /** Null: not at all. */
  readonly tls: SecureContext | null;
  readonly serverName: string | null;
}

/** Service types whose servers the ADC speaks TLS to. */
const TLS_SERVICES = new Set(["SSL", "SSL_TCP"]);

/** How the ADC speaks TLS towards a service's servers. */
export function serviceTls(
  service: AdcService,
  estate: Estate,
  contexts: BackendContexts,
): ConnectionTls {
  if (!TLS_SERVICES.has(service.serviceType)) {
    return { tls: null, serverName: null };
  }
  return {
    tls: contexts.of(rangeOf(service.tls.sslProfile, service, estate, contexts)),
    serverName: serverNameOf(service),
  };
}

/** How a monitor speaks TLS: by its own profile, else as its service does; null without `-secure YES`. */
export function monitorTls(
  monitor: Monitor,
  service: AdcService,
  estate: Estate,
  contexts: BackendContexts,
): ConnectionTls {
  if (!monitor.secure) {
    return { tls: null, serverName: null };
  }
  const profile = estate.sslProfiles.get(monitor.sslProfile ?? "");
  const profileName = profile?.sniEnabled === true ? profile.commonName : null;
  return {
    tls: contexts.of(
      rangeOf(monitor.sslProfile ?? service.tls.sslProfile, service, estate, contexts),
    ),
    serverName: profileName ?? serverNameOf(service),
  };
}

function rangeOf(
  profile: string | null,
  service: AdcService,
  estate: Estate,
  contexts: BackendContexts,
): TlsRange {
  return tlsRange(
    estate.sslProfiles.get(profile ?? "")?.versions ?? service.tls.versions,
    contexts.fallback,
  );
}

function serverNameOf({ tls }: AdcService): string | null {
  return tls.sniEnabled ? tls.commonName : null;
}
