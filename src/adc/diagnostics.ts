import { isSameAddress, sameForm, withPort } from "../lib/ip.ts";
import type { Diagnostic, Estate } from "../model/estate.ts";
import type { SourceLine } from "../model/source-line.ts";
import { isTcpBased, MONITOR_TYPES, SCRIPT_OF_TYPE } from "./monitor-defaults.ts";
import type { AdcService, Port } from "../model/adc-service.ts";
import { isIntendedDestination, ownAddresses } from "./vserver-graph.ts";
import type { Monitor } from "../model/monitor.ts";
import { gslbUsersOfMonitors } from "./gslb-fields.ts";
import { isPlaceholder } from "./placeholders.ts";
import { type Reading, listed } from "./missing-names.ts";
import { meantMonitors, referenceDiagnostics } from "./references.ts";

/** Services that are not monitored: without members there is nothing to probe, without monitors nothing to repeat. */
function coverageDiagnostics(estate: Estate): Diagnostic[] {
  return [...estate.services.values()].flatMap((service): Diagnostic[] => {
    const about = { line: service.line, object: service.name, severity: "info" as const };
    if (service.members.length === 0) {
      const message = `${service.name} has no members, so there is nothing to probe.`;
      return [{ ...about, rule: "service_without_member", message }];
    }
    if (service.monitors.length === 0) {
      const message = `${service.name} has no monitor, so the ADC always reports its members UP.`;
      return [{ ...about, rule: "service_without_monitor", message }];
    }
    return [];
  });
}

/** One address and port used by two vservers, by two services, or twice in one service group. */
function endpointDiagnostics(estate: Estate): Diagnostic[] {
  if (estate.extent === "excerpt") {
    // It may cover two sites with the same addresses, or show two ways of doing the same.
    return [];
  }
  const vservers: Endpoint[] = [...estate.lbVservers.values(), ...estate.csVservers.values()]
    // Listen policies share an address between vservers; one without takes what is left (lowest priority by default).
    .filter(
      ({ address, port, listenPolicy }) =>
        address !== null && port !== null && listenPolicy === null,
    )
    .map((vserver) => ({
      object: vserver.name,
      line: vserver.line,
      key: endpointKey(vserver.trafficDomain, vserver.serviceType, vserver.address, vserver.port),
      address: vserver.address,
      port: vserver.port,
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
        address: member.address,
        port: member.port,
      })),
  );
  return [
    ...repeated(vservers, "duplicate_vserver_endpoint", "listens on"),
    ...repeated(services, "duplicate_service_endpoint", "uses"),
  ];
}

/** A server may belong to several groups (one per virtual directory, each with its own monitor). */
function groupScope(service: AdcService): string {
  return service.kind === "serviceGroup" ? `${service.name}|` : "|";
}

interface Endpoint {
  readonly object: string;
  readonly line: SourceLine;
  readonly key: string;
  readonly address: string | null;
  readonly port: Port | null;
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
        message: `${endpoint.object} ${verb} ${withPort(String(endpoint.address), String(endpoint.port))}, and so does ${earlier.object === endpoint.object ? "another member" : earlier.object}.`,
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
  const same = address === null ? null : sameForm(address);
  return `${String(trafficDomain)}|${transport}|${String(same)}|${String(port)}`;
}

/** Over NITRO: an appliance refuses a reference to a profile or vserver that it does not have. */
const NOTHING_MORE: Reading = {
  monitorsUsedElsewhere: new Set(),
  unreadNames: new Set(),
  namedElsewhere: new Set(),
  profiles: { uses: [], tcpProfiles: new Map(), httpProfiles: new Map() },
  otherVservers: null,
  unreadDefinitions: new Set(),
  leftOut: [],
};

/**
 * Diagnostics for any estate, however it was read: fixed destinations, unused monitors, secrets that only the ADC can
 * decrypt, dangling references or references to the wrong kind, one address and port used twice, unknown types.
 * Importers append these to their own `diagnostics`.
 */
export function estateDiagnostics(estate: Estate, reading: Reading = NOTHING_MORE): Diagnostic[] {
  const { monitorsUsedElsewhere } = reading;
  const users = usersOfMonitors(estate);
  const own = ownAddresses(estate);
  const usedByGslb = gslbUsersOfMonitors(estate.gslb);
  // Bound to a server by mistake, which is reported for the group.
  const boundAsServers = new Set(
    [...estate.services.values()].flatMap(({ members }) => members.map(({ server }) => server)),
  );
  const meant = meantMonitors(estate);
  const meantNames = new Set(meant.values());
  return [
    ...[...estate.monitors.values()].flatMap((monitor) =>
      monitorDiagnostics(
        estate,
        monitor,
        users.get(monitor.name) ?? [],
        [monitorsUsedElsewhere, usedByGslb, boundAsServers, meantNames].some((names) =>
          names.has(monitor.name),
        ),
        own,
      ),
    ),
    ...referenceDiagnostics(estate, reading, meant),
    ...endpointDiagnostics(estate),
    ...coverageDiagnostics(estate),
  ];
}

function usersOfMonitors(estate: Estate): Map<string, AdcService[]> {
  const users = new Map<string, AdcService[]>();
  for (const service of estate.services.values()) {
    for (const { monitor } of service.monitors) {
      const known = users.get(monitor);
      if (known === undefined) {
        users.set(monitor, [service]);
      } else if (known.at(-1) !== service) {
        known.push(service);
      }
    }
  }
  return users;
}

function monitorDiagnostics(
  estate: Estate,
  monitor: Monitor,
  users: readonly AdcService[],
  usedElsewhere: boolean,
  own: ReadonlySet<string>,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const about = { line: monitor.line, object: monitor.name };
  if (!isIntendedDestination(own, monitor)) {
    const isOfMember = users.some(({ members }) =>
      members.some(({ address }) => isSameAddress(address ?? "", monitor.destIp ?? "")),
    );
    const alone = users.filter(
      (service) => isOfMember || !isCheckedItself(estate, service, monitor),
    );
    found.push(...pinnedDestination(monitor, alone));
  }
  const isUsed = users.length > 0 || usedElsewhere || monitor.builtIn;
  if (!isUsed && !isPlaceholder(monitor.name)) {
    found.push({
      ...about,
      severity: "info",
      rule: "unused_monitor",
      message: UNUSED[estate.extent ?? "whole"],
    });
  }
  if (needsPassword(monitor) && monitor.parameters.password === "encrypted") {
    found.push({
      ...about,
      severity: "info",
      rule: "encrypted_password",
      message:
        `The password of monitor ${monitor.name} is encrypted in ns.conf; ` +
        "to repeat the monitor, set its account in the configuration.",
    });
  }
  if (!MONITOR_TYPES.has(monitor.type) && !monitor.builtIn && !isPlaceholder(monitor.type)) {
    found.push({
      ...about,
      severity: "warning",
      rule: "unknown_monitor_type",
      message: `Monitor ${monitor.name} is of type ${monitor.type}, which no NetScaler firmware documents.`,
    });
  }
  return found;
}

const BOUND_ELSEWHERE =
  "Nothing in this text uses the monitor; the rest of the configuration may bind it.";

const UNUSED: Readonly<Record<NonNullable<Estate["extent"]> | "whole", string>> = {
  whole: "The monitor is not bound to any service, route or GSLB service, so nothing uses it.",
  paste: BOUND_ELSEWHERE,
  excerpt: BOUND_ELSEWHERE,
  objects: "The monitor is not bound to any service or GSLB service; a route may use it.",
};

/** Besides what it depends on (a database elsewhere), another monitor that must pass probes each member's own address. */
function isCheckedItself(estate: Estate, service: AdcService, pinned: Monitor): boolean {
  return (
    service.monThreshold === 0 &&
    service.monitors.some((binding) => {
      const monitor = estate.monitors.get(binding.monitor);
      return (
        binding.enabled &&
        monitor !== undefined &&
        monitor !== pinned &&
        monitor.enabled &&
        monitor.destIp === null &&
        !monitor.reverse
      );
    })
  );
}

/** One fixed destination decides for all members, although it says nothing about them. */
function pinnedDestination(
  { name, line, destIp }: Monitor,
  users: readonly AdcService[],
): Diagnostic[] {
  const others = users.flatMap((service) =>
    service.members.flatMap(({ address }) =>
      address !== null && destIp !== null && !isSameAddress(address, destIp) ? [address] : [],
    ),
  );
  return others.length === 0
    ? []
    : [
        {
          rule: "pinned_dest_ip",
          line,
          object: name,
          severity: "error",
          message:
            `${String(destIp)} is the only address probed, yet it decides for members at other addresses ` +
            `(${listed([...new Set(others)])}): failures of those members are not detected.`,
        },
      ];
}

function needsPassword(monitor: Monitor): boolean {
  return (
    SCRIPT_OF_TYPE.has(monitor.type) ||
    ["RADIUS", "FTP", "MYSQL-ECV", "MSSQL-ECV", "ORACLE-ECV", "USER"].includes(monitor.type)
  );
}
