import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Endpoint } from "../address-map.ts";
import type { Choice } from "../lb-runtime.ts";
import type { MemberRuntime } from "../member-runtime.ts";
import { LOOPBACK, type Front } from "./listener.ts";

/** One client's way to one server, so that answers find back. */
interface Flow {
  readonly socket: Socket;
  readonly release: () => void;
  timer: NodeJS.Timeout;
}

const FLOWS_KEPT = 1000;

/** A vserver of type UDP or DNS: each client's datagrams go to one server until it has been silent for a while. */
export async function listenForDatagrams(options: {
  readonly choose: (clientAddress: string) => Choice | null;
  readonly endpointOf: (member: MemberRuntime) => Endpoint | null;
  readonly idleTimeoutMs: number;
  /** The loopback port of a TCP vserver on the same VIP and port, so that one mapping serves both; 0 for any. */
  readonly port: number;
}): Promise<Front> {
  const flows = new Map<string, Flow>();
  const front = createSocket("udp4");
  front.on("error", () => undefined);

  function end(key: string): void {
    const flow = flows.get(key);
    if (flow !== undefined) {
      flows.delete(key);
      clearTimeout(flow.timer);
      flow.release();
      flow.socket.close();
    }
  }

  function begin(key: string, client: RemoteInfo): Flow | null {
    const choice = options.choose(client.address);
    const endpoint = choice === null ? null : options.endpointOf(choice.member);
    if (choice === null || endpoint === null || flows.size >= FLOWS_KEPT) {
      return null;
    }
    const socket = createSocket("udp4");
    const flow: Flow = {
      socket,
      release: choice.member.serve({
        flush: () => {
          end(key);
        },
      }),
      timer: setTimeout(() => {
        end(key);
      }, options.idleTimeoutMs),
    };
    socket.on("error", () => {
      end(key);
    });
    socket.on("message", (message) => {
      front.send(message, client.port, client.address);
    });
    socket.connect(endpoint.port, endpoint.host);
    flows.set(key, flow);
    return flow;
  }

  front.on("message", (message, client) => {
    const key = `${client.address}:${String(client.port)}`;
    const flow = flows.get(key) ?? begin(key, client);
    if (flow === null) {
      return;
    }
    flow.timer.refresh();
    whenConnected(flow.socket, () => {
      flow.socket.send(message);
    });
  });

  front.bind(options.port, LOOPBACK);
  await once(front, "listening");
  return {
    endpoint: { host: LOOPBACK, port: front.address().port },
    clients: () => flows.size,
    close: async () => {
      for (const key of [...flows.keys()]) {
        end(key);
      }
      const closed = once(front, "close");
      front.close();
      await closed;
    },
  };
}

function whenConnected(socket: Socket, then: () => void): void {
  try {
    socket.remoteAddress();
    then();
  } catch {
    socket.once("connect", then);
  }
}
