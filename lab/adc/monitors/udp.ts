import { createSocket } from "node:dgram";
import type { Endpoint } from "../address-map.ts";

/** The result of one datagram. */
export type DatagramAnswer =
  | { readonly kind: "answer"; readonly bytes: Buffer }
  | { readonly kind: "unreachable" }
  | { readonly kind: "silence" };

/**
 * Sends one datagram from a connected socket, so that ICMP "port unreachable" is received, and uses the first response.
 */
export function askByDatagram(
  endpoint: Endpoint | null,
  bytes: Buffer,
  timeoutMs: number,
): Promise<DatagramAnswer> {
  if (endpoint === null) {
    return Promise.resolve({ kind: "unreachable" });
  }
  return new Promise((resolve) => {
    const socket = createSocket(endpoint.host.includes(":") ? "udp6" : "udp4");
    const timer = setTimeout(() => {
      end({ kind: "silence" });
    }, timeoutMs);
    let over = false;
    function end(answer: DatagramAnswer): void {
      if (!over) {
        over = true;
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      }
    }
    socket.on("error", () => {
      end({ kind: "unreachable" });
    });
    socket.on("message", (message) => {
      end({ kind: "answer", bytes: message });
    });
    socket.connect(endpoint.port, endpoint.host, (error?: Error) => {
      if (error === undefined && !over) {
        socket.send(bytes);
      }
    });
  });
}
