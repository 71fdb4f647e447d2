import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createNetwork } from "../../src/net/dns.ts";
import { ownAddressTowards } from "../../src/net/own-address.ts";
import { createTargetPolicy } from "../../src/net/target-policy.ts";
import { dial } from "../../src/net/dial.ts";
import { observe } from "../../src/net/probe-run.ts";
import { probeContext } from "../support/probe-context.ts";

function network(connectTo: Readonly<Record<string, string>>) {
  return createNetwork({
    connectTo,
    unmapped: "refuse",
    targets: createTargetPolicy({ allowTargets: [], listen: [] }),
    now: () => performance.now(),
  });
}

describe("ownAddressTowards", () => {
  test.each(["127.0.0.1", "::1"])("is the source address of a connection to %s", async (host) => {
    const server = createServer((socket) => socket.end()).listen(0, host);
    await once(server, "listening");
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const here = network({
      "192.0.2.20:25": `${host === "::1" ? "[::1]" : host}:${String(port)}`,
    });
    const connection = once(server, "connection") as Promise<[Socket]>;
    const target = { host: "192.0.2.20", port: 25, server: null };
    await observe(probeContext(2_000, { network: here }), async (run) => {
      await dial(run, target, { tls: null });
      return run.match("connect", "");
    });
    const [socket] = await connection;
    expect(await ownAddressTowards(here, target.host, target.port)).toBe(socket.remoteAddress);
  });

  test("is null when the target may not be dialled", async () => {
    expect(await ownAddressTowards(network({}), "192.0.2.20", 25)).toBeNull();
  });

  test("is null when there is no route", async () => {
    const nowhere = network({ "192.0.2.20": "[fe80::1]" });
    expect(await ownAddressTowards(nowhere, "192.0.2.20", 25)).toBeNull();
  });
});
