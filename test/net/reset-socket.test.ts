import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { resetSocket } from "../../src/net/reset-socket.ts";

/** Both ends of a new connection over loopback. */
async function pair(): Promise<{ readonly client: Socket; readonly server: Socket }> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = connect((listener.address() as AddressInfo).port, "127.0.0.1");
  const [[server]] = (await Promise.all([
    once(listener, "connection"),
    once(client, "connect"),
  ])) as unknown as [[Socket]];
  listener.close();
  for (const socket of [client, server]) {
    socket.on("error", () => undefined);
    onTestFinished(() => {
      socket.destroy();
    });
  }
  return { client, server };
}

async function openDescriptors(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

const closed = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.once("close", resolve));

const errorsOf = (socket: Socket): string[] => {
  const codes: string[] = [];
  socket.on("error", ({ code }: NodeJS.ErrnoException) => codes.push(code ?? ""));
  return codes;
};

describe("resetSocket", () => {
  test("sends a reset when nothing else is in progress", async () => {
    const { client, server } = await pair();
    const seen = errorsOf(server);
    resetSocket(client);
    await closed(server);
    expect(seen).toEqual(["ECONNRESET"]);
  });

  test
    .runIf(process.platform === "linux")
    .each<readonly [string, (client: Socket, server: Socket) => Promise<unknown>]>([
      [
        "while a FIN is being sent",
        (client, server) => {
          client.end("QUIT\r\n");
          resetSocket(client);
          server.destroy();
          return Promise.resolve();
        },
      ],
      [
        "at the moment when the peer closes",
        async (client, server) => {
          const hungUp = once(client.resume(), "end");
          server.end();
          server.resume();
          await hungUp;
          resetSocket(client);
        },
      ],
    ])("closes its descriptor %s", async (_when, reset) => {
    const before = await openDescriptors();
    for (let each = 0; each < 20; each += 1) {
      const { client, server } = await pair();
      const failures = errorsOf(client);
      const gone = Promise.all([closed(client), closed(server)]);
      await reset(client, server);
      await gone;
      expect(failures).toEqual([]);
    }
    expect(await openDescriptors()).toBeLessThan(before + 10);
  });
});
