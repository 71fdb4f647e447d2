import type { AdcService, Member, Port } from "../src/model/adc-service.ts";
import type { Estate, Server } from "../src/model/estate.ts";
import { parseUrl } from "../src/lib/host-port.ts";
import type { AddressMap, Endpoint } from "./adc/address-map.ts";

/** A loopback port without a listener; opening one requires privileges. */
const NOBODY = { host: "127.0.0.1", port: 1 };

/**
 * Ports on which an Exchange server listens by default; any other port that a TCP monitor probes is a static RPC port.
 */
const WELL_KNOWN = new Set([25, 80, 110, 135, 143, 443, 465, 587, 717, 993, 995, 2525]);

/** Ports of the guides' supporting servers. */
const DIRECTORY_PORTS: ReadonlySet<Port> = new Set<Port>([53, 123, 389, 636]);

/** The kind of server that the members of an ns.conf's server need. */
export interface ServerRole {
  readonly server: Server;
  /** A domain controller if only names, time and the directory are requested from it. */
  readonly kind: "exchange" | "directory";
  /** 2010 where its RPC port is balanced: later versions have none. */
  readonly version: "2010" | "2016";
  readonly rpcPort: number | null;
}

/** The servers that an estate balances, and what each must be. */
export function serverRoles(estate: Estate): ServerRole[] {
  const ports = new Map<string, Set<Port>>();
  const rpcPorts = new Map<string, number>();
  for (const service of estate.services.values()) {
    const pinned = pinnedPort(service, estate);
    for (const { server, port } of service.members) {
      ports.set(server, (ports.get(server) ?? new Set()).add(port));
      if (pinned !== null && port === "*") {
        rpcPorts.set(server, pinned);
      }
    }
  }
  return [...estate.servers.values()].flatMap((server) => {
    const own = ports.get(server.name);
    const rpcPort = rpcPorts.get(server.name) ?? null;
    return own === undefined
      ? []
      : {
          server,
          kind: [...own].every((port) => DIRECTORY_PORTS.has(port)) ? "directory" : "exchange",
          version: rpcPort === null ? "2016" : "2010",
          rpcPort,
        };
  });
}

/** The destPort of a monitor in front of a wildcard service (NetScaler guide for Exchange 2010: RPC Client Access). */
function pinnedPort(service: AdcService, estate: Estate): number | null {
  const asked = service.monitors.map(
    ({ monitor }) => estate.monitors.get(monitor)?.destPort ?? null,
  );
  return asked.find((port) => port !== null && !WELL_KNOWN.has(port)) ?? null;
}

/** A server of the lab: its well-known ports and their real endpoints. */
export interface Listening {
  readonly ports: readonly number[];
  endpoint(port: number): Endpoint | null;
}

/** Maps a server's ports, under its address or domain name, to where they really are. */
export function mapServer(server: Server, listening: Listening, addresses: AddressMap): void {
  for (const port of listening.ports) {
    const endpoint = listening.endpoint(port);
    if (endpoint !== null) {
      addresses.add(hostOf(server), port, endpoint);
    }
  }
}

/** Everything else in the ns.conf is refused: the lab must never reach the user's own network. */
export function mapTheRest(estate: Estate, addresses: AddressMap): void {
  const refuse = (host: string, port: number | "*"): void => {
    if (port !== "*" && addresses.find(host, port) === null) {
      addresses.add(host, port, NOBODY);
    }
  };
  for (const service of estate.services.values()) {
    for (const member of service.members) {
      refuse(hostOfMember(member), member.port);
      for (const { monitor } of service.monitors) {
        const { destIp = null, destPort = null } = estate.monitors.get(monitor) ?? {};
        refuse(destIp ?? hostOfMember(member), destPort ?? member.port);
      }
    }
  }
}

/** Hosts that a bound monitor pings. */
export function pingedHosts(estate: Estate): string[] {
  const hosts = [...estate.services.values()].flatMap((service) =>
    service.monitors.some(({ monitor }) => estate.monitors.get(monitor)?.type === "PING")
      ? service.members.map(hostOfMember)
      : [],
  );
  return [...new Set(hosts)];
}

/** Names that clients type for the web VIP: hosts of switching rules, of the AAA login and of redirects. */
export function clientNames(estate: Estate): string[] {
  const rules = [...estate.policies.values()].flatMap(({ literals }) =>
    literals.hosts.filter(({ operator, negated }) => operator === "EQ" && !negated),
  );
  const logins = [...estate.lbVservers.values(), ...estate.csVservers.values()].flatMap(
    ({ authentication }) => authentication.host ?? [],
  );
  const redirects = [...estate.lbVservers.values()].flatMap(
    ({ redirectUrl }) => parseUrl(redirectUrl ?? "")?.hostname ?? [],
  );
  return [...new Set([...rules.map(({ value }) => value), ...logins, ...redirects])];
}

export function hostOf(server: Server): string {
  return server.address ?? server.domain ?? server.name;
}

function hostOfMember(member: Member): string {
  return member.address ?? member.domain ?? member.server;
}
