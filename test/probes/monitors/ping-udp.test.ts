import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { pingCommand, readPing } from "../../../src/net/fping.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing } from "../../support/real-servers.ts";

const noPing = missing("ping", "iputils-ping");
describe.skipIf(noPing !== null)(`PING monitor ${noPing ?? ""}`, () => {
  test("passes when loopback replies", async () => {
    const target = { host: "127.0.0.1", port: 0, server: null };
    const { passed, observation } = await runMonitor(
      monitorSpec("PING"),
      target,
      probeContext(20_000),
    );
    expect(observation).toMatchObject({ outcome: "match", reason: "ok" });
    expect(observation.responseTimeMs).toBeLessThan(1000);
    expect(passed).toBe(true);
  });

  test("reports dns_failure when the host begins with a dash", async () => {
    const target = { host: "-f", port: 0, server: null };
    const { observation } = await runMonitor(monitorSpec("PING"), target, probeContext());
    expect(observation).toMatchObject({ outcome: "fault", reason: "dns_failure", step: "resolve" });
  });
});

describe("ping program", () => {
  const plan = { address: "192.0.2.1", family: 4, timeoutMs: 1500, localAddress: null } as const;
  test.each([
    ["linux", "ping -4 -n -c 1 -W 2 192.0.2.1"],
    ["darwin", "ping -n -c 1 -W 1500 192.0.2.1"],
    ["win32", "ping -4 -n 1 -w 1500 192.0.2.1"],
  ] as const)("is started with the options of %s", (platform, line) => {
    expect(pingCommand(platform, plan).join(" ")).toBe(line);
  });

  test.each([
    ["linux", 0, "64 bytes from 192.0.2.1: icmp_seq=1 ttl=64 time=0.045 ms", "reply"],
    ["linux", 1, "1 packets transmitted, 0 received, 100% packet loss", "timeout"],
    ["linux", 1, "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable", "named"],
    ["linux", 2, "connect: Network is unreachable", "named"],
    ["darwin", 2, "1 packets transmitted, 0 packets received", "timeout"],
    ["win32", 0, "Reply from 192.0.2.1: bytes=32 time<1ms TTL=128", "reply"],
    ["win32", 0, "Reply from 10.0.0.1: Destination host unreachable.", "named"],
    ["win32", 1, "Request timed out.", "timeout"],
  ] as const)(
    "has its output classified on %s with exit status %i: %s",
    (platform, code, output, kind) => {
      expect(readPing(platform, { kind: "exit", code, output }).kind).toBe(kind);
    },
  );
});

describe("UDP-ECV monitor", () => {
  const sockets: Socket[] = [];
  afterEach(() => sockets.splice(0).forEach((socket) => socket.close()));

  async function answer(reply: ((data: Buffer) => readonly string[]) | null): Promise<number> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    if (reply === null) {
      socket.close();
    } else {
      sockets.push(socket);
      socket.on("message", (data, from) => {
        for (const text of reply(data)) {
          socket.send(text, from.port, from.address);
        }
      });
    }
    return port;
  }
  async function run(port: number, send: string | null, recv: string | null, timeoutMs = 20_000) {
    const target = { host: "127.0.0.1", port, server: null };
    return runMonitor(monitorSpec("UDP-ECV", { send, recv }), target, probeContext(timeoutMs));
  }
  /** Long enough to see that nothing more comes. */
  const SILENCE_MS = 600;

  test("passes when any of several responses holds the pattern", async () => {
    const port = await answer((data) => ["noise", `echo ${data.toString()}`]);
    expect(await run(port, "ping", "echo ping")).toMatchObject({ passed: true });
  });
  test("reports pattern_missing when no response matches and a timeout when none comes", async () => {
    expect(await run(await answer(() => ["pong"]), "ping", "echo", SILENCE_MS)).toMatchObject({
      passed: false,
      observation: { outcome: "mismatch", reason: "pattern_missing" },
    });
    expect(await run(await answer(() => []), "ping", "echo", SILENCE_MS)).toMatchObject({
      passed: false,
      observation: { outcome: "timeout", reason: "response_timeout" },
    });
  });
  test("passes without recv when nothing answers and fails when the port is unreachable", async () => {
    const silent = await answer(() => []);
    expect(await run(silent, "ping", null, SILENCE_MS)).toMatchObject({ passed: true });
    expect(await run(await answer(null), "ping", null)).toMatchObject({
      passed: false,
      observation: { outcome: "refused", reason: "refused" },
    });
  });
  test("sends the bytes of hexadecimal escapes in send", async () => {
    const port = await answer((data) => [data.toString("hex")]);
    expect(await run(port, "\\x1b\\x00A", "1b0041")).toMatchObject({ passed: true });
  });
});
