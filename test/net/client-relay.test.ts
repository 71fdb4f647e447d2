import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ClientRelay } from "../../src/net/client-relay.ts";
import { dial } from "../../src/net/dial.ts";
import { LineReader } from "../../src/net/line-reader.ts";
import { observe } from "../../src/net/probe-run.ts";
import { probeContext } from "../support/probe-context.ts";

test("client relay › refuses strangers and a second client and keeps its port until released", async () => {
  const said: string[] = [];
  const server = createServer((socket) => {
    socket.on("data", (data) => said.push(data.toString()));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;

  let relayAt = { host: "", port: 0 };
  await observe(probeContext(10_000), async (run) => {
    const dialled = await dial(run, { host: "127.0.0.1", port, server: null }, { tls: null });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const relay = await ClientRelay.open(dialled.connection, new LineReader(dialled.connection), {
      greeting: "* OK ready\r\n",
      sending: () => "",
    });
    relayAt = { host: relay.host, port: relay.port };
    // Whoever connects to the port at the host's usual address is not one of its clients.
    const stranger = connect(relay.port, "127.0.0.1");
    const [refused] = (await once(stranger, "error")) as [NodeJS.ErrnoException];
    expect(refused.code).toBe("ECONNREFUSED");

    const first = connect(relay.port, relay.host);
    const [greeting] = (await once(first, "data")) as [Buffer];
    expect(greeting.toString()).toBe("* OK ready\r\n");

    const second = connect(relay.port, relay.host);
    second.on("error", () => undefined);
    let heard = "";
    second.on("data", (data) => (heard += data.toString()));
    second.write("a1 LOGIN thief x\r\n");
    await once(second, "close");
    expect(heard).toBe("");

    const thief = createServer().listen(relay.port, relay.host);
    const [error] = (await once(thief, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("EADDRINUSE");

    first.write("a1 NOOP\r\n");
    await expect.poll(() => said.join("")).toBe("a1 NOOP\r\n");
    relay.release();
    dialled.connection.close();
    return run.match("greeting", "relayed");
  });
  const late = connect(relayAt);
  const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
});
