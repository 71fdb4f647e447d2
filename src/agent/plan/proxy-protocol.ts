import type { AdcService } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { Target } from "../../net/probe-context.ts";

/** Monitors that begin with the PROXY header of their net profile (NetScaler docs: "Proxy protocol service monitoring"). */
const ANNOUNCED_TYPES: ReadonlySet<string> = new Set([
  "HTTP",
  "HTTP-INLINE",
  "HTTP-ECV",
  "TCP-ECV",
]);

/** What a connection to a target begins with, as a part of it. */
type Announced = Pick<Target, "proxy">;

/** The header that the ADC begins with when it hands a client to this service. */
export function announcedToService(estate: Estate, { netProfile }: AdcService): Announced {
  return announcedBy(estate, netProfile);
}

/** The header that the ADC's own monitor begins with. */
export function announcedByMonitor(
  estate: Estate,
  service: AdcService,
  monitor: Monitor,
): Announced {
  return ANNOUNCED_TYPES.has(monitor.type.toUpperCase())
    ? announcedBy(estate, monitor.netProfile ?? service.netProfile)
    : {};
}

/** What is said of the header at a monitor's probe; null where there is none. */
export function announcementNote(
  estate: Estate,
  service: AdcService,
  monitor: Monitor,
): string | null {
  const { proxy } = announcedByMonitor(estate, service, monitor);
  if (proxy !== undefined) {
    const profile = monitor.netProfile ?? service.netProfile ?? "";
    return `begins with a PROXY header ${proxy} (netProfile ${profile})`;
  }
  return announcedToService(estate, service).proxy === undefined
    ? null
    : `clients' connections begin with a PROXY header, a monitor of type ${monitor.type} does not`;
}

function announcedBy({ netProfiles }: Estate, name: string | null): Announced {
  const profile = netProfiles.get(name ?? "");
  return profile?.proxyProtocol === true ? { proxy: profile.proxyVersion } : {};
}
