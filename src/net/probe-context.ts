import { isIP } from "node:net";
import { addressBytes } from "../lib/ip.ts";
import type { Network } from "./network.ts";
import type { Vantage } from "../model/observation.ts";

/** Version of the PROXY protocol, as NetScaler writes it (`-proxyProtocolTxVersion`). */
export type ProxyVersion = "V1" | "V2";

/** One end of a connection. */
export interface ProxyEnd {
  readonly address: string;
  readonly port: number;
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");
const VERSION_2_LOCAL = 0x20;
const VERSION_2_PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/**
 * The PROXY header of a connection from `source` to `destination`, sent before everything else, TLS included. Endpoints of
 * different or unknown families are sent as UNKNOWN (V1) or LOCAL (V2), which a receiver must accept. Source: HAProxy, "The
 * PROXY protocol", versions 1 and 2.
 */
export function proxyHeader(
  version: ProxyVersion,
  source: ProxyEnd,
  destination: ProxyEnd,
): Buffer {
  const [from, to] = [plain(source), plain(destination)];
  const family = isIP(from.address);
  const isKnown = family !== 0 && family === isIP(to.address);
  if (version === "V1") {
    return Buffer.from(
      isKnown
        ? `PROXY TCP${String(family)} ${from.address} ${to.address} ${String(from.port)} ${String(to.port)}\r\n`
        : "PROXY UNKNOWN\r\n",
      "latin1",
    );
  }
  const ends = isKnown
    ? Buffer.concat([addressBytes(from.address), addressBytes(to.address), portsOf(from, to)])
    : Buffer.alloc(0);
  const head = Buffer.alloc(4);
  head.writeUInt8(isKnown ? VERSION_2_PROXY : VERSION_2_LOCAL, 0);
  head.writeUInt8(isKnown ? (family === 6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4) : 0, 1);
  head.writeUInt16BE(ends.length, 2);
  return Buffer.concat([SIGNATURE, head, ends]);
}

/** Turns an IPv4-mapped IPv6 address into IPv4, and removes the zone. */
function plain({ address, port }: ProxyEnd): ProxyEnd {
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address)?.[1];
  return { address: mapped ?? address.split("%", 1)[0] ?? "", port };
}

function portsOf(source: ProxyEnd, destination: ProxyEnd): Buffer {
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return ports;
}

/** Where a probe goes, as the estate names it; `connect_to` is applied by the network, not by the probe. */
export interface Target {
  /** IP literal or host name. */
  readonly host: string;
  readonly port: number;
  /** The estate's name of the server, to identify who answered; null at a VIP. */
  readonly server: string | null;
  /** Address family that the ADC resolves; absent: any. */
  readonly family?: 4 | 6;
  /** The PROXY header to send first, if the server expects one; absent: none. */
  readonly proxy?: ProxyVersion;
}
export interface ProbeContext {
  readonly network: Network;
  /** Aborted when the agent stops or the round is abandoned; the probe then ends as `agent_fault`. */
  readonly signal: AbortSignal;
  /** Total timeout of the probe in milliseconds. */
  readonly timeoutMs: number;
  /** Local address to probe from, or null for the system's choice. */
  readonly localAddress: string | null;
  readonly vantage: Vantage;
  /** False: a failure counts even if an event-loop stall could have caused it. Default: true. */
  readonly excuseStalls?: boolean | undefined;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Monotonic clock in milliseconds, for durations. */
  readonly monotonic: () => number;
}
