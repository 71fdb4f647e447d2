import type { AdcService, Estate, Monitor } from "../../src/estate/model.ts";
import { tlsRange, type TlsRange } from "./tls-range.ts";

/** Service types whose servers the ADC speaks TLS to. */
const TLS_SERVICES = new Set(["SSL", "SSL_TCP"]);

/** How the ADC speaks TLS towards a service's servers; null: it does not. */
export function serviceTls(
  service: AdcService,
  estate: Estate,
  fallback: TlsRange,
): { readonly tls: TlsRange; readonly serverName: string | null } | null {
  if (!TLS_SERVICES.has(service.serviceType)) {
    return null;
  }
  return {
    tls: rangeOf(service.tls.sslProfile, service, estate, fallback),
    serverName: serverNameOf(service),
  };
}

/** How a monitor speaks TLS: by its own profile, else as its service does; null without `-secure YES`. */
export function monitorTls(
  monitor: Monitor,
  service: AdcService,
  estate: Estate,
  fallback: TlsRange,
): { readonly tls: TlsRange | null; readonly serverName: string | null } {
  if (!monitor.secure) {
    return { tls: null, serverName: null };
  }
  const profile = estate.sslProfiles.get(monitor.sslProfile ?? "");
  const profileName = profile?.sniEnabled === true ? profile.commonName : null;
  return {
    tls: rangeOf(monitor.sslProfile ?? service.tls.sslProfile, service, estate, fallback),
    serverName: profileName ?? serverNameOf(service),
  };
}

function rangeOf(
  profile: string | null,
  service: AdcService,
  estate: Estate,
  fallback: TlsRange,
): TlsRange {
  return tlsRange(
    estate.sslProfiles.get(profile ?? "")?.versions ?? service.tls.versions,
    fallback,
  );
}

function serverNameOf({ tls }: AdcService): string | null {
  return tls.sniEnabled ? tls.commonName : null;
}
