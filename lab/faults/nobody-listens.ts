import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";

/**
 * A loopback port without a listener until it is closed: it is the local end of an open connection. The system could assign
 * a port that was only released to another process.
 */
export async function startNobody(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer((far) => far.unref().resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // Bound before it is connected, so that no connection is made from this port either, not even one to itself.
  const near = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.1" }).unref();
  await Promise.all([once(near, "connect"), once(server, "connection")]);
  server.close();
  return {
    port: (near.address() as AddressInfo).port,
    close: async () => {
      near.destroy();
      await once(near, "close");
    },
  };
}
