import type { AdcService } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import { isLoopback } from "../adc/vserver-graph.ts";
import type { Vserver } from "../model/vserver.ts";

/**
 * Why a service is not judged by its monitors: `own_address`: it is the ADC itself, to which no monitor can be bound
 * (NITRO error 2135); `no_protocol`: type ANY or one to which nothing is ever answered; `always_up`: a dummy that exists
 * so that a vserver which redirects is UP.
 */
export type IdleReason = "own_address" | "no_protocol" | "always_up";

export function idleReason(estate: Estate): (service: AdcService) => IdleReason | null {
  const redirecting = servicesOfRedirects(estate);
  const selves = new Set([estate.nsip, ...estate.snips].filter((address) => address !== null));
  return (service) => {
    const { members, serviceType } = service;
    if (
      serviceType.startsWith("ADNS") ||
      (members.length > 0 && members.every(({ address }) => address !== null && isSelf(address)))
    ) {
      return "own_address";
    }
    if (redirecting.has(service.name) || isDummy(service)) {
      return "always_up";
    }
    return UNANSWERED.has(serviceType) || members.some(({ port }) => isOneWay(serviceType, port))
      ? "no_protocol"
      : null;
  };

  function isSelf(address: string): boolean {
    return selves.has(address) || isLoopback(address);
  }

  /** Its monitors ask the ADC itself, or its name says what it is for. */
  function isDummy(service: AdcService): boolean {
    const asked = service.monitors.flatMap(({ monitor, synthesised }) => {
      const found = estate.monitors.get(monitor);
      return found === undefined || synthesised ? [] : [found];
    });
    const asksSelf =
      asked.length > 0 && asked.every(({ destIp }) => destIp !== null && isSelf(destIp));
    return (
      asksSelf ||
      standsForNothing(service) ||
      /always[ _.-]?(up|on)([^a-z]|$)|dummy/i.test(service.name)
    );
  }
}

/** `1.1.1.1` or `1.2.3.4` with health monitoring off: the way to write a service that is always UP. */
function standsForNothing({ healthMonitor, members }: AdcService): boolean {
  return (
    !healthMonitor &&
    members.length > 0 &&
    members.every(({ address }) => /^(?:(\d)(?:\.\1){3}|1\.2\.3\.4)$/.test(address ?? ""))
  );
}

const UNANSWERED: ReadonlySet<string> = new Set(["ANY", "SYSLOGUDP", "GRE", "DHCPRA", "IPFIX"]);

/** UDP ports whose servers never answer: SNMP traps, syslog, flow records. */
const ONE_WAY_PORTS: ReadonlySet<number> = new Set([162, 514, 2055, 4739, 6343, 9995, 9996]);

function isOneWay(serviceType: string, port: number | "*"): boolean {
  return serviceType === "UDP" && typeof port === "number" && ONE_WAY_PORTS.has(port);
}

/** Services of which every vserver answers every request itself. */
function servicesOfRedirects(estate: Estate): ReadonlySet<string> {
  const redirects = new Set<string>();
  const others = new Set<string>();
  for (const vserver of estate.lbVservers.values()) {
    const into = answersAll(estate, vserver) ? redirects : others;
    for (const { service } of vserver.services) {
      into.add(service);
    }
  }
  return new Set([...redirects].filter((name) => !others.has(name)));
}

/** A responder policy that is always true redirects or answers. */
export function answersAll(estate: Estate, vserver: Vserver): boolean {
  return vserver.policies.some(({ policy }) => {
    const found = estate.policies.get(policy);
    const action = estate.actions.get(found?.action ?? "");
    return (
      found?.feature === "responder" &&
      /^\s*(true|ns_true|http\.req\.is_valid)\s*$/i.test(found.rule) &&
      (action?.type === "redirect" || action?.type.startsWith("respondwith") === true)
    );
  });
}
