import { createSocket } from "node:dgram";
import { isIP } from "../lib/ip.ts";
import type { Network } from "./network.ts";

/**
 * The local source address for connections to a target, by the routing table; null without a route or permission. Uses a
 * connected datagram socket, which sends nothing.
 */
export async function ownAddressTowards(
  network: Pick<Network, "resolve">,
  host: string,
  port: number,
): Promise<string | null> {
  const resolved = await network.resolve(host, port, "tcp");
  if (resolved.kind !== "address" || isIP(resolved.address) === 0) {
    return null;
  }
  const { address, family } = resolved;
  return new Promise((resolve) => {
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    const end = (own: string | null): void => {
      socket.removeAllListeners("error").on("error", () => undefined);
      socket.close();
      resolve(own);
    };
    socket.on("error", () => end(null));
    socket.on("connect", () => end(socket.address().address));
    socket.connect(resolved.port, address);
  });
}
