import { createSocket, type BindOptions } from "node:dgram";
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";

/** What a probe needs of a datagram socket. */
export interface UdpSocket {
  on(event: "message", listener: (data: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  bind(options: BindOptions, then: () => void): unknown;
  connect(port: number, address: string, then: () => void): void;
  send(data: Buffer, then: (error: Error | null) => void): void;
  close(): unknown;
}

/** Who opens sockets: the operating system, unless a network says otherwise. */
export interface Sockets {
  readonly tcp: (options: TcpNetConnectOpts) => Socket;
  readonly udp: (family: 4 | 6) => UdpSocket;
}

export const SYSTEM_SOCKETS: Sockets = {
  tcp: connect,
  udp: (family) => createSocket(family === 6 ? "udp6" : "udp4"),
};
