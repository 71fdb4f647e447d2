import type { AdcService, Port } from "../model/adc-service.ts";

/** Protocols that lint recognises by port. */
export type PortProtocol =
  | ("web" | "imap" | "pop3" | "smtp" | "ldap" | "dns" | "ntp")
  | (
      "radius" | "radius_accounting" | "ftp" | "mysql" | "mssql" | "oracle" | "sip" | "snmp" | "rdp"
    );

const BY_PORT: ReadonlyMap<number, PortProtocol> = new Map([
  [80, "web"],
  [443, "web"],
  [8080, "web"],
  [8443, "web"],
  [143, "imap"],
  [993, "imap"],
  [110, "pop3"],
  [995, "pop3"],
  [25, "smtp"],
  [465, "smtp"],
  [587, "smtp"],
  [389, "ldap"],
  [636, "ldap"],
  [3268, "ldap"],
  [3269, "ldap"],
  [53, "dns"],
  [123, "ntp"],
  [1812, "radius"],
  [1645, "radius"],
  [1813, "radius_accounting"],
  [1646, "radius_accounting"],
  [21, "ftp"],
  [3306, "mysql"],
  [1433, "mssql"],
  [1521, "oracle"],
  [5060, "sip"],
  [161, "snmp"],
  [3389, "rdp"],
]);

/** Ports on which a server starts without TLS: a TLS handshake at the first byte fails there. */
const CLEAR_PORTS: ReadonlySet<number> = new Set([21, 25, 80, 110, 143, 389, 587, 3268]);

export function isClearPort(port: number): boolean {
  return CLEAR_PORTS.has(port);
}

/**
 * 465 is left out, because Exchange starts without TLS there and others with TLS; 8443, because both are common there.
 */
const TLS_PORTS: ReadonlySet<number> = new Set([443, 636, 853, 990, 993, 995, 3269, 5061]);

/** Where TLS is possible, judging by the port alone. */
export function mayBeTlsPort(port: number): boolean {
  return isTlsPort(port) || port === 465 || port === 8443;
}

/** Service types whose connection to the server uses TLS from its first byte. */
const TLS_TYPES: ReadonlySet<string> = new Set(["SSL", "SSL_TCP", "SSL_BRIDGE", "SSL_DIAMETER"]);

/** Whether the connection to the server uses TLS, by the type alone; null: the type does not say. */
export function usesTlsByType({ serviceType }: Pick<AdcService, "serviceType">): boolean | null {
  return TLS_TYPES.has(serviceType) ? true : serviceType === "HTTP" ? false : null;
}

/** Whether TLS is spoken on some of these ports and not on others, or may be. */
export function mixesTls(ports: readonly number[]): boolean {
  const kinds = ports.map((port) =>
    isTlsPort(port) ? "tls" : mayBeTlsPort(port) ? port : "clear",
  );
  return new Set(kinds).size > 1;
}

export function protocolOfPort(port: Port): PortProtocol | null {
  return port === "*" ? null : (BY_PORT.get(port) ?? null);
}

/** The distinct ports of a service's members, without `*`. */
export function portsOf(service: AdcService): number[] {
  const ports: number[] = [];
  for (const { port } of service.members) {
    if (port !== "*" && port !== ports.at(-1)) {
      ports.push(port);
    }
  }
  return ports.length < 2 ? ports : [...new Set(ports)];
}

/** Whether the server expects TLS on the ports of this service's members. Type HTTP never uses TLS. */
export function expectsTls(service: AdcService): boolean {
  const ports = portsOf(service);
  const byPort = service.serviceType !== "HTTP" && ports.length > 0 && ports.every(isTlsPort);
  return TLS_TYPES.has(service.serviceType) || byPort;
}

export function isTlsPort(port: number): boolean {
  return TLS_PORTS.has(port);
}
