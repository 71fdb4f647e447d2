import { createServer, isIP, type Server } from "node:net";
import { once } from "node:events";
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Network } from "../../src/net/network.ts";
import type { Observation } from "../../src/model/observation.ts";
import { dial, resolveTarget } from "../../src/net/dial.ts";
import { createNetwork, type NetworkOptions } from "../../src/net/dns.ts";
import { observe } from "../../src/net/probe-run.ts";
import { createTargetPolicy, isAdcItself, type TargetRules } from "../../src/net/target-policy.ts";
import { isRange } from "../../src/lib/ip.ts";
import { askUdp } from "../../src/net/udp.ts";
import { probeContext } from "../support/probe-context.ts";

const NOTHING_ALLOWED: TargetRules = { allowTargets: [], listen: [] };

describe("createTargetPolicy", () => {
  const policy = createTargetPolicy(NOTHING_ALLOWED);

  test.each([
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "::ffff:0.0.0.0",
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:a9fe:a9fe",
    "fe80::1",
    "fe80::1%lo",
    "febf::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "224.0.0.251",
    "ff02::1",
    "255.255.255.255",
    "100.100.100.200",
  ])("refuses %s", (address) => {
    expect(policy(address, 443)).toContain("allow_targets");
  });

  test.each([
    "126.255.255.255",
    "128.0.0.1",
    "1.0.0.0",
    "169.253.255.255",
    "169.255.0.1",
    "10.0.0.1",
    "192.168.1.154",
    "fe00::1",
    "fec0::1",
    "fd00:ec3::254",
    "64:ff9b::10.0.0.1",
    "223.255.255.255",
    "2001:db8::1",
    "100.100.100.201",
  ])("permits %s", (address) => {
    expect(policy(address, 443)).toBeNull();
  });

  test("permits allowed ranges in either family and nothing else", () => {
    const some = createTargetPolicy({ allowTargets: ["127.0.0.64/26", "::1"], listen: [] });
    expect(some("127.0.0.66", 1)).toBeNull();
    expect(some("::ffff:127.0.0.66", 1)).toBeNull();
    expect(some("127.0.0.1", 1)).not.toBeNull();
    expect(some("::1", 1)).toBeNull();
    expect(some("::", 1)).not.toBeNull();
  });

  test("refuses the agent's own port at every address of this machine and nowhere else", () => {
    const all = createTargetPolicy({
      allowTargets: [],
      listen: [{ host: "", port: 9743 }],
    });
    const ours = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, address }) => !internal && !address.startsWith("fe80"));
    for (const { address } of ours) {
      expect(all(address, 9743)).toContain("listens");
      expect(all(address, 443)).toBeNull();
      if (isIP(address) === 4) {
        const mapped = `0:0:0:0:0:ffff:${address}`;
        for (const form of [mapped, new URL(`http://[${mapped}]/`).hostname.slice(1, -1)]) {
          expect(all(form, 9743)).toContain("listens");
        }
      }
    }
    expect(all("192.0.2.1", 9743)).toBeNull();
  });
});

test.each([
  ["127.0.0.0/8", true],
  ["127.0.0.1", true],
  ["fe80::/10", true],
  ["::1/128", true],
  ["127.0.0.0/33", false],
  ["::1/129", false],
  ["fe80::1%eth0", false],
  ["localhost", false],
  ["127.0.0.1/8/8", false],
  ["127.0.0.1/", false],
  ["/8", false],
  ["127.0.0.1/-1", false],
])("isRange › classifies %s as %s", (text, is) => {
  expect(isRange(text)).toBe(is);
});

test.each([
  ["127.0.0.1", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["0.0.0.0", false],
  ["10.0.0.1", false],
  ["localhost", false],
])("isAdcItself › classifies %s as %s", (text, is) => {
  expect(isAdcItself(text)).toBe(is);
});

describe("target policy", () => {
  function guarded(change: Partial<NetworkOptions> = {}): Network {
    return createNetwork({
      connectTo: {},
      unmapped: "allow",
      targets: createTargetPolicy(NOTHING_ALLOWED),
      now: () => performance.now(),
      ...change,
    });
  }

  async function listening(): Promise<{ port: number; seen: () => number }> {
    let seen = 0;
    const server: Server = createServer((socket) => {
      seen += 1;
      // The probe may be gone before it has read the greeting.
      socket.on("error", () => undefined);
      socket.end("hello\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const address = server.address();
    return {
      port: typeof address === "object" ? (address?.port ?? 0) : 0,
      seen: () => seen,
    };
  }

  function reach(network: Network, host: string, port: number): Promise<Observation> {
    return observe(probeContext(2_000, { network }), async (run) => {
      const dialled = await dial(run, { host, port, server: null }, { tls: null });
      return dialled.kind === "failed"
        ? run.fail(dialled.step, dialled.why)
        : run.match("connect", "connected");
    });
  }

  test.each([
    "127.0.0.1",
    "::ffff:127.0.0.1",
    "localhost",
    // The system's resolver takes these for addresses.
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
  ])("lets dial report agent_path without a connection when the target is %s", async (host) => {
    const server = await listening();
    const seen = await reach(guarded(), host, server.port);
    expect(seen).toMatchObject({ outcome: "fault", reason: "agent_path", step: "resolve" });
    expect(seen.evidence.detail).toContain("allow_targets");
    expect(server.seen()).toBe(0);
  });

  test("lets dial report agent_path when DNS answers with a loopback address", async () => {
    const server = await listening();
    const network = guarded({ lookup: async () => [{ address: "127.0.0.1", family: 4 }] });
    expect(await reach(network, "ex01.example.com", server.port)).toMatchObject({
      outcome: "fault",
      reason: "agent_path",
    });
    expect(server.seen()).toBe(0);
  });

  test.each([
    [
      "by connect_to with a port",
      (port: number) => ({ [`127.0.0.1:${port}`]: `127.0.0.1:${port}` }),
    ],
    ["by connect_to without a port", () => ({ "127.0.0.1": "127.0.0.1" })],
  ])("lets dial connect when loopback is permitted %s", async (_, mapped) => {
    const server = await listening();
    const network = guarded({ connectTo: mapped(server.port) });
    expect(await reach(network, "127.0.0.1", server.port)).toMatchObject({ outcome: "match" });
  });

  test("lets dial connect when loopback is permitted by allow_targets", async () => {
    const server = await listening();
    const targets = createTargetPolicy({ allowTargets: ["127.0.0.0/8"], listen: [] });
    expect(await reach(guarded({ targets }), "localhost", server.port)).toMatchObject({
      outcome: "match",
    });
  });

  test("lets askUdp send no datagram to a loopback address", async () => {
    const socket = createSocket("udp4");
    let heard = 0;
    socket.on("message", () => (heard += 1));
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    onTestFinished(() => void socket.close());
    const target = { host: "127.0.0.1", port: socket.address().port, server: null };
    const seen = await observe(probeContext(1_000, { network: guarded() }), async (run) => {
      const answer = await askUdp(run, target, { payload: Buffer.from("x") });
      return answer.kind === "failed"
        ? run.fail(answer.step, answer.why)
        : run.match("response", "sent");
    });
    expect(seen).toMatchObject({ outcome: "fault", reason: "agent_path" });
    expect(heard).toBe(0);
  });

  test("lets resolveTarget refuse loopback for ICMP when only a port is mapped", async () => {
    const network = guarded({ connectTo: { "127.0.0.1:80": "127.0.0.1:80" } });
    const seen = await observe(probeContext(1_000, { network }), async (run) => {
      const target = { host: "127.0.0.1", port: 0, server: null };
      const resolved = await resolveTarget(run, target, "icmp");
      return resolved.kind === "failed"
        ? run.fail(resolved.step, resolved.why)
        : run.match("connect", "resolved");
    });
    expect(seen).toMatchObject({ outcome: "fault", reason: "agent_path" });
  });

  test("permits a loopback target that the operator wrote, and no other", async () => {
    const network = guarded();
    expect(await network.resolve("127.0.0.1", 443, "tcp", "operator")).toMatchObject({
      kind: "address",
    });
    expect(await network.resolve("127.0.0.1", 443, "tcp")).toMatchObject({ kind: "forbidden" });
  });
});
