import { type HostPort, readHostPort } from "../lib/host-port.ts";

export type Transport = "tcp" | "udp" | "icmp";

/** The operator's `connect_to`, ready to be asked. */
export interface ConnectTo {
  /** Where this host and port really are (port null: the one that was asked for); undefined where nothing maps them. ICMP has no port: only keys without one count. */
  readonly find: (host: string, port: number, transport: Transport) => HostPort | undefined;
  /** Whether any key names this host. */
  readonly names: (host: string) => boolean;
}

/** As curl's --connect-to: `host:port` or `host` (every port, and ICMP) to `host:port` or `host`; IPv6 in brackets. */
export function readConnectTo(written: Readonly<Record<string, string>>): ConnectTo {
  const mapping = new Map<string, HostPort>();
  const hosts = new Set<string>();
  for (const [from, to] of Object.entries(written)) {
    const endpoint = readHostPort(from);
    mapping.set(keyOf(endpoint), readHostPort(to));
    hosts.add(endpoint.host.toLowerCase());
  }
  return {
    find: (host, port, transport) =>
      (transport === "icmp" ? undefined : mapping.get(keyOf({ host, port }))) ??
      mapping.get(keyOf({ host, port: null })),
    names: (host) => hosts.has(host.toLowerCase()),
  };
}

function keyOf({ host, port }: HostPort): string {
  return port === null ? host.toLowerCase() : `${host.toLowerCase()} ${port}`;
}
