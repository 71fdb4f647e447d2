import { createSocket } from "node:dgram";

/** Whether someone listens: a datagram draws no ICMP port-unreachable within a moment. */
export function listensOnUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const wait = setTimeout(() => finish(true), 100);
    socket.on("error", () => finish(false));
    socket.connect(port, "127.0.0.1", () => socket.send("?"));
    function finish(listening: boolean): void {
      clearTimeout(wait);
      socket.close();
      resolve(listening);
    }
  });
}
