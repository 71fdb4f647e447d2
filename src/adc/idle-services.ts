import type { AdcService } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import { isLoopback } from "./vserver-graph.ts";
import type { LbVserver, Vserver } from "../model/vserver.ts";

/**
 * Why a service is not judged by its monitors: `own_address`: it is the ADC itself, to which no monitor can be bound
 * (NITRO error 2135); `no_protocol`: type ANY, or a type whose servers never respond; `always_up`: a dummy that keeps a
 * redirecting vserver UP.
 */
export type IdleReason = "own_address" | "no_protocol" | "always_up";

/** Whether an address is the ADC itself: its NSIP, a SNIP or a loopback address. A VIP has services behind it. */
export function adcItself({ nsip, snips }: Estate): (address: string) => boolean {
  const selves = new Set([nsip, ...snips]);
  return (address) => selves.has(address) || isLoopback(address);
}

export function idleReason(estate: Estate): (service: AdcService) => IdleReason | null {
  const redirecting = servicesOfRedirects(estate);
  const unserving = servesNoClients(estate, redirecting);
  const isSelf = adcItself(estate);
  return (service) => {
    const { members, serviceType } = service;
    if (
      serviceType.startsWith("ADNS") ||
      (members.length > 0 && members.every(({ address }) => address !== null && isSelf(address)))
    ) {
      return "own_address";
    }
    if (redirecting.has(service.name) || unserving(service) || isDummy(service)) {
      return "always_up";
    }
    return UNANSWERED.has(serviceType) || members.some(({ port }) => isOneWay(serviceType, port))
      ? "no_protocol"
      : null;
  };

  /** Its monitors check the ADC itself, or its name says that it is a dummy. */
  function isDummy(service: AdcService): boolean {
    const asked = service.monitors.flatMap(({ monitor, synthesised }) => {
      const found = estate.monitors.get(monitor);
      return found === undefined || synthesised ? [] : [found];
    });
    const probesAdcItself =
      asked.length > 0 && asked.every(({ destIp }) => destIp !== null && isSelf(destIp));
    return probesAdcItself || isNamedDummy(service);
  }
}

/** Whether a service is disabled, itself or in all its members, so that nothing is probed. */
export function isOff({ enabled, members }: AdcService): boolean {
  return !enabled || (members.length > 0 && members.every((member) => !member.enabled));
}

function isNamedDummy({ name }: AdcService): boolean {
  return /always[ _.-]?(up|on)([^a-z]|$)|dummy/i.test(name);
}

/**
 * Whether a service serves no clients: all its members have addresses that belong to no server, and it exists only for
 * its state, as its redirecting vservers, its name or `-healthMonitor NO` show.
 */
export function servesNoClients(
  estate: Estate,
  redirecting = servicesOfRedirects(estate),
): (service: AdcService) => boolean {
  const redirectingWhenDown = servicesOfVservers(estate, ({ redirectUrl, httpsRedirectUrl }) =>
    [redirectUrl, httpsRedirectUrl].some((url) => url !== null),
  );
  // Some labs and plants do use the addresses for examples: if an application is monitored there, it exists.
  const checksNoApplication = ({ monitors }: AdcService): boolean =>
    monitors.every(({ monitor }) =>
      ["PING", "TCP"].includes(estate.monitors.get(monitor)?.type ?? "TCP"),
    );
  return (service) => {
    const { name, members, healthMonitor } = service;
    const isIn = (places: readonly RegExp[]): boolean =>
      members.length > 0 &&
      members.every(({ address }) => places.some((place) => place.test(address ?? "")));
    return (
      ((redirecting.has(name) || isNamedDummy(service)) &&
        isIn(checksNoApplication(service) ? [PLACEHOLDERS, EXAMPLES] : [PLACEHOLDERS])) ||
      ((!healthMonitor || redirectingWhenDown.has(name)) && isIn([PLACEHOLDERS]))
    );
  };
}

/** `1.1.1.1`, `1.2.3.4`, `0.0.0.1`, `127.0.0.1`: placeholders for a required address. */
const PLACEHOLDERS = /^(?:(\d)(?:\.\1){3}|1\.2\.3\.4|0\.\d+\.\d+\.\d+|127\..*|::1?)$/;

/** Networks for documentation (RFC 5737, RFC 3849). */
const EXAMPLES = /^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$|^2001:0?db8:/i;

const UNANSWERED: ReadonlySet<string> = new Set(["ANY", "SYSLOGUDP", "GRE", "DHCPRA", "IPFIX"]);

/** UDP ports whose servers never respond: SNMP traps, syslog, flow records. */
const ONE_WAY_PORTS: ReadonlySet<number> = new Set([162, 514, 2055, 4739, 6343, 9995, 9996]);

function isOneWay(serviceType: string, port: number | "*"): boolean {
  return serviceType === "UDP" && typeof port === "number" && ONE_WAY_PORTS.has(port);
}

/** Services whose vservers all answer every request themselves. */
function servicesOfRedirects(estate: Estate): ReadonlySet<string> {
  return servicesOfVservers(estate, (vserver) => answersAll(estate, vserver));
}

/** Services that are bound only to vservers that meet the condition. */
function servicesOfVservers(
  estate: Estate,
  isSuch: (vserver: LbVserver) => boolean,
): ReadonlySet<string> {
  const such = new Set<string>();
  const others = new Set<string>();
  for (const vserver of estate.lbVservers.values()) {
    const into = isSuch(vserver) ? such : others;
    for (const { service } of vserver.services) {
      into.add(service);
    }
  }
  return new Set([...such].filter((name) => !others.has(name)));
}

/** Whether a responder policy that always matches redirects or responds. */
export function answersAll(estate: Estate, vserver: Vserver): boolean {
  return vserver.policies.some(({ policy }) => {
    const found = estate.policies.get(policy);
    const action = estate.actions.get(found?.action ?? "");
    return (
      found?.feature === "responder" &&
      isAlwaysTrue(found.rule, vserver) &&
      (action?.type === "redirect" || action?.type.startsWith("respondwith") === true)
    );
  });
}

/** Rules that match every request of this vserver, as commonly written to redirect to TLS. */
function isAlwaysTrue(rule: string, { serviceType, port }: Vserver): boolean {
  const text = rule.replace(/\s+/g, "").toLowerCase();
  const inClear = serviceType === "HTTP";
  return (
    /^\(?(?:true|ns_true|http\.req\.is_valid|http\.req\.url(?:\.path)?\.(?:startswith|contains)\("\/"\))\)?$/.test(
      text,
    ) ||
    (inClear && /^(?:!client\.ssl\.is_ssl|client\.ssl\.is_ssl\.not)$/.test(text)) ||
    text === `client.tcp.dstport.eq(${String(port)})`
  );
}
