import { isTcpBased } from "./built-in-monitors.ts";
import type { AdcService, Port } from "./adc-service.ts";
import type { Diagnostic, Estate } from "./model.ts";
import type { SourceLine } from "./source-line.ts";

/** One address and port used by two vservers, by two services, or twice in one service group. */
export function endpointDiagnostics(estate: Estate): Diagnostic[] {
  const vservers: Endpoint[] = [...estate.lbVservers.values(), ...estate.csVservers.values()]
    .filter((vserver) => vserver.address !== null && vserver.port !== null)
    .map((vserver) => ({
      object: vserver.name,
      line: vserver.line,
      key: endpointKey(vserver.trafficDomain, vserver.serviceType, vserver.address, vserver.port),
      place: `${String(vserver.address)}:${String(vserver.port)}`,
    }));
  const services: Endpoint[] = [...estate.services.values()].flatMap((service) =>
    service.members
      .filter((member) => member.address !== null)
      .map((member) => ({
        object: service.name,
        line: member.line,
        key:
          groupScope(service) +
          endpointKey(service.trafficDomain, service.serviceType, member.address, member.port),
        place: `${String(member.address)}:${String(member.port)}`,
      })),
  );
  return [
    ...repeated(vservers, "duplicate_vserver_endpoint", "listens on"),
    ...repeated(services, "duplicate_service_endpoint", "stands for"),
  ];
}

/** A server rightly stands in several groups (one per virtual directory, each with its own monitor). */
function groupScope(service: AdcService): string {
  return service.kind === "serviceGroup" ? `${service.name}|` : "|";
}

interface Endpoint {
  readonly object: string;
  readonly line: SourceLine;
  readonly key: string;
  readonly place: string;
}

function repeated(endpoints: readonly Endpoint[], rule: string, verb: string): Diagnostic[] {
  const first = new Map<string, Endpoint>();
  const found: Diagnostic[] = [];
  for (const endpoint of endpoints) {
    const earlier = first.get(endpoint.key);
    if (earlier === undefined) {
      first.set(endpoint.key, endpoint);
    } else {
      found.push({
        severity: "warning",
        rule,
        line: endpoint.line,
        object: endpoint.object,
        message: `${endpoint.object} ${verb} ${endpoint.place}, and so does ${earlier.object === endpoint.object ? "another member" : earlier.object}.`,
      });
    }
  }
  return found;
}

function endpointKey(
  trafficDomain: number,
  serviceType: string,
  address: string | null,
  port: Port | null,
): string {
  const transport = isTcpBased(serviceType) ? "tcp" : serviceType === "ANY" ? "any" : "udp";
  return [trafficDomain, transport, address, port].map(String).join("|");
}
