import { isIP } from "node:net";

/** Where the operator sends what the estate names otherwise (`connect_to`). */
export interface Endpoint {
  readonly host: string;
  /** Null: whatever port was asked for. */
  readonly port: number | null;
}

export type Transport = "tcp" | "udp" | "icmp";

/** The operator's `connect_to`, ready to be asked. */
export interface ConnectTo {
  /** Where this host and port really are; undefined where nothing maps them. ICMP has no port: only keys without one count. */
  readonly find: (host: string, port: number, transport: Transport) => Endpoint | undefined;
  /** Whether any key names this host. */
  readonly names: (host: string) => boolean;
}

/** As curl's --connect-to: `host:port` or `host` (every port, and ICMP) to `host:port` or `host`; IPv6 in brackets. */
export function readConnectTo(written: Readonly<Record<string, string>>): ConnectTo {
  const mapping = new Map<string, Endpoint>();
  const hosts = new Set<string>();
  for (const [from, to] of Object.entries(written)) {
    const endpoint = parseEndpoint(from);
    mapping.set(keyOf(endpoint), parseEndpoint(to));
    hosts.add(endpoint.host.toLowerCase());
  }
  return {
    find: (host, port, transport) =>
      (transport === "icmp" ? undefined : mapping.get(keyOf({ host, port }))) ??
      mapping.get(keyOf({ host, port: null })),
    names: (host) => hosts.has(host.toLowerCase()),
  };
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address. */
export function parseEndpoint(text: string): Endpoint {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  if (bracketed?.[1] !== undefined) {
    return {
      host: bracketed[1],
      port: bracketed[2] === undefined ? null : Number(bracketed[2]),
    };
  }
  const colon = text.lastIndexOf(":");
  const portText = text.slice(colon + 1);
  if (colon === -1 || isIP(text) === 6 || !/^\d+$/.test(portText)) {
    return { host: text, port: null };
  }
  return { host: text.slice(0, colon), port: Number(portText) };
}

function keyOf({ host, port }: Endpoint): string {
  return port === null ? host.toLowerCase() : `${host.toLowerCase()} ${port}`;
}
