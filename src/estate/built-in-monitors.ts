import type { Port } from "./adc-service.ts";
import type { Monitor } from "./monitor.ts";
import { monitorWithDefaults } from "./monitor-defaults.ts";

/**
 * The monitor that every NetScaler has under this name, or null when there is none. Names are compared without regard
 * to case, as saved configurations in the wild bind `HTTP` and `http` alike; the result carries the firmware's own
 * spelling. The `-ecv` built-ins send and expect nothing until `set lb monitor` gives them strings.
 * Source: NetScaler docs, "Built-in monitors".
 */
export function builtInMonitor(name: string): Monitor | null {
  const lower = name.toLowerCase();
  const found = BUILT_IN.get(lower);
  if (found === undefined) {
    return null;
  }
  const empty = found.type.endsWith("-ECV") ? { parameters: { send: null, recv: null } } : {};
  return monitorWithDefaults({
    name: lower,
    type: found.type,
    builtIn: true,
    secure: found.secure ?? false,
    lrtm: false,
    ...empty,
  });
}

/**
 * The monitor that the ADC binds by itself to a service that has no other, and that ns.conf never shows: `tcp-default`
 * for TCP-based types, `ping-default` for others and for services on port `*`.
 */
export function defaultMonitorFor(serviceType: string, port: Port): "tcp-default" | "ping-default" {
  return port !== "*" && TCP_BASED.has(serviceType.toUpperCase()) ? "tcp-default" : "ping-default";
}

/** Whether clients reach a service of this type over TCP. */
export function isTcpBased(serviceType: string): boolean {
  return TCP_BASED.has(serviceType.toUpperCase());
}

interface BuiltIn {
  readonly type: string;
  readonly secure?: boolean;
}

const BUILT_IN: ReadonlyMap<string, BuiltIn> = new Map<string, BuiltIn>([
  ["ping", { type: "PING" }],
  ["tcp", { type: "TCP" }],
  ["http", { type: "HTTP" }],
  ["tcp-ecv", { type: "TCP-ECV" }],
  ["http-ecv", { type: "HTTP-ECV" }],
  ["udp-ecv", { type: "UDP-ECV" }],
  ["dns", { type: "DNS" }],
  ["ftp", { type: "FTP" }],
  ["tcps", { type: "TCP", secure: true }],
  ["https", { type: "HTTP", secure: true }],
  ["tcps-ecv", { type: "TCP-ECV", secure: true }],
  ["https-ecv", { type: "HTTP-ECV", secure: true }],
  ["arp", { type: "ARP" }],
  ["ldns-ping", { type: "LDNS-PING" }],
  ["ldns-tcp", { type: "LDNS-TCP" }],
  ["ldns-dns", { type: "LDNS-DNS" }],
  ["xdm", { type: "CITRIX-XDM" }],
  ["xnc", { type: "CITRIX-XNC-ECV" }],
  ["sta", { type: "CITRIX-STA-SERVICE" }],
  ["stasecure", { type: "CITRIX-STA-SERVICE", secure: true }],
  ["citrix-xml-service", { type: "CITRIX-XML-SERVICE" }],
  ["http2direct", { type: "HTTP2" }],
  ["http2ssl", { type: "HTTP2", secure: true }],
  ["tcp-default", { type: "TCP" }],
  ["ping-default", { type: "PING" }],
]);

const TCP_BASED: ReadonlySet<string> = new Set([
  ..."HTTP SSL SSL_BRIDGE SSL_TCP TCP FTP NNTP DNS_TCP ADNS_TCP RPCSVR RTSP RDP MYSQL MSSQL".split(
    " ",
  ),
  ..."ORACLE SIP_TCP SIP_SSL DIAMETER SSL_DIAMETER SMPP SYSLOGTCP FIX SSL_FIX PPTP USER_TCP".split(
    " ",
  ),
  ..."USER_SSL_TCP MONGO MONGO_TLS MQTT MQTT_TLS".split(" "),
]);
