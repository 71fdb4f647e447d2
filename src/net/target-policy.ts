import { isIP, type BlockList } from "node:net";
import { networkInterfaces } from "node:os";
import { rangesOf, rangeTest } from "../lib/ip.ts";
import { type HostPort, readHostPort } from "../lib/host-port.ts";

/** The configuration of allowed addresses of imported targets, as plain data. */
export interface TargetRules {
  /** Addresses or CIDR ranges of the agent's own host that may be dialled (`allow_targets`). */
  readonly allowTargets: readonly string[];
  /** The agent's listening addresses; no host: all addresses. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
}

/** Why a probe may not connect to this address; null if it may. ICMP ignores the port. */
export type TargetPolicy = (address: string, port: number) => string | null;

/** Addresses of the host itself, its link, or its hypervisor: never a server behind an ADC. */
const OWN_HOST: readonly (readonly [range: string, words: string])[] = [
  ["127.0.0.0/8", "a loopback address"],
  ["::1/128", "a loopback address"],
  // Linux connects 0.0.0.0 and :: to the machine itself.
  ["0.0.0.0/8", "an unspecified address"],
  ["::/96", "an unspecified address"],
  ["169.254.0.0/16", "a link-local address"],
  ["fe80::/10", "a link-local address"],
  // The same addresses through NAT64.
  ["64:ff9b::7f00:0/104", "a loopback address"],
  ["64:ff9b::a9fe:0/112", "a link-local address"],
  // Multicast also reaches this host.
  ["224.0.0.0/4", "a multicast address"],
  ["ff00::/8", "a multicast address"],
  ["255.255.255.255/32", "a broadcast address"],
  // Instance metadata where it is not link-local: AWS, Google, Alibaba, Oracle, Azure.
  ["fd00:ec2::/96", "a cloud's metadata address"],
  ["fd20:ce::254/128", "a cloud's metadata address"],
  ["100.100.100.200/32", "a cloud's metadata address"],
  ["192.0.0.192/32", "a cloud's metadata address"],
  ["168.63.129.16/32", "a cloud's metadata address"],
];

/**
 * The policy for addresses from an ADC or from DNS. Others control them, so a monitor could otherwise send arbitrary bytes to
 * services that trust this host (server-side request forgery). Addresses configured by the operator are not checked.
 */
export function createTargetPolicy({ allowTargets, listen }: TargetRules): TargetPolicy {
  const allowed = rangesOf(allowTargets);
  // Called for every address of a large plan, so the range is determined only on a match.
  const isAnyOwn = rangeTest(OWN_HOST.map(([range]) => range));
  const own = OWN_HOST.map(([range, words]) => ({ range: rangesOf([range]), words }));
  const ownPorts = new Set(listen.map(({ port }) => port));
  return (address, port) => {
    const isIn = (range: BlockList): boolean =>
      range.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
    const range = isAnyOwn(address) ? own.find((one) => isIn(one.range)) : undefined;
    const words =
      range?.words ??
      (ownPorts.has(port) && isLocal(address) ? "where this agent itself listens" : undefined);
    return words === undefined || isIn(allowed) ? null : `${address} is ${words}: ${REMEDY}`;
  };
}

const REMEDY = "an imported target may lead there only by connect_to or allow_targets";

/** Called only for the agent's own ports, and not cached, so that new addresses count at once. */
function isLocal(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return rangesOf(own.map((one) => one.address)).check(
    address,
    isIP(address) === 6 ? "ipv6" : "ipv4",
  );
}

/** Non-internal addresses of this host: the source of connections if none is configured. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0)
    .map(({ address }) => address);
}

/** Whether it addresses the ADC itself: `-destIP 127.0.0.1` of a monitor is the appliance's loopback. */
export function isAdcItself(destIp: string): boolean {
  return isIP(destIp) !== 0 && LOOPBACK.check(destIp, isIP(destIp) === 6 ? "ipv6" : "ipv4");
}

const LOOPBACK = rangesOf(["127.0.0.0/8", "::1/128"]);

export type Transport = "tcp" | "udp" | "icmp";

/** The parsed `connect_to` of the configuration. */
export interface ConnectTo {
  /**
   * Real host and port (null: unchanged) of this host and port; undefined if not mapped. For ICMP only keys without a port
   * match.
   */
  readonly find: (host: string, port: number, transport: Transport) => HostPort | undefined;
  /** Whether any key maps this host. */
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
      mapping.size === 0
        ? undefined
        : ((transport === "icmp" ? undefined : mapping.get(keyOf({ host, port }))) ??
          mapping.get(keyOf({ host, port: null }))),
    names: (host) => hosts.has(host.toLowerCase()),
  };
}

function keyOf({ host, port }: HostPort): string {
  return port === null ? host.toLowerCase() : `${host.toLowerCase()} ${port}`;
}
