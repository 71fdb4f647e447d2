import type { Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { runnerOf } from "../../../lab/adc/monitors/registry.ts";
import type { MonitorResult } from "../../../lab/adc/monitors/result.ts";
import {
  MODERN_RANGE,
  TLS10_ONLY,
  tlsVersionOptions,
  type TlsRange,
} from "../../../lab/adc/tls-range.ts";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { closedPort, serve, type ScriptedServer } from "../../support/scripted-server.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((each) => each.close()));
});

async function server(behaviour: (socket: Socket) => void, tls = false): Promise<number> {
  const { key, certificate } = labCertificate("mail");
  const started = await serve(
    behaviour,
    tls ? { key, cert: certificate, minVersion: "TLSv1.2" } : null,
  );
  servers.push(started);
  return started.port;
}

/** Long enough to see that nothing comes. */
const SILENCE_MS = 400;

/** Runs a monitor as ns.conf writes it against a port. */
function probe(
  statement: string,
  port: number,
  options: {
    tls?: TlsRange;
    password?: string;
    answersPing?: boolean;
    /** Default: so long that an answer that comes is never missed. */
    timeoutMs?: number;
  } = {},
): Promise<MonitorResult> {
  const monitor = parseNsConf(`add lb monitor m ${statement}`, { adc: "test" }).monitors.get("m");
  const run = monitor === undefined ? null : runnerOf(monitor);
  if (monitor === undefined || run === null) {
    throw new Error(`not runnable: ${statement}`);
  }
  return run({
    monitor,
    endpoint: { host: "127.0.0.1", port },
    address: "198.51.100.11",
    tls: monitor.secure
      ? createSecureContext(tlsVersionOptions(options.tls ?? MODERN_RANGE))
      : null,
    serverName: null,
    timeoutMs: options.timeoutMs ?? 20_000,
    password: options.password ?? null,
    answersPing: options.answersPing ?? false,
  });
}

function says(...lines: readonly string[]): (socket: Socket) => void {
  return (socket) => {
    const rest = [...lines];
    socket.write(rest.shift() ?? "");
    socket.on("data", () => {
      socket.write(rest.shift() ?? "");
    });
  };
}

const http =
  (status: number, body: string) =>
  (socket: Socket): void => {
    socket.once("data", () => {
      socket.end(
        `HTTP/1.1 ${String(status)} X\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`,
      );
    });
  };

describe("lab ADC monitors", () => {
  test.each([
    ["TCP", says(), "match", "Success - TCP syn+ack received."],
    [
      "TCP-ECV -recv ready",
      says("* OK The service is ready.\r\n"),
      "match",
      "Success - Pattern found in response.",
    ],
    [
      "TCP-ECV -recv ready",
      says("* OK Hello\r\n"),
      "timeout",
      "Failure - TCP connection successful, but application timed out",
    ],
    [
      "TCP-ECV -recv ready",
      (socket: Socket) => socket.end(),
      "mismatch",
      "Failure - Pattern not found in response",
    ],
    ["HTTP", http(200, ""), "match", "Success - HTTP response code 200 received."],
    ["HTTP", http(302, ""), "mismatch", "Failure - HTTP response code 302 received"],
    [
      "HTTP -respCode 200 300-302",
      http(302, ""),
      "match",
      "Success - HTTP response code 302 received.",
    ],
    [
      'HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK"',
      http(503, "200 OK<br/>EX01"),
      "match",
      "Success - Pattern found in response.",
    ],
    [
      'HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK"',
      http(200, "fine"),
      "mismatch",
      "Failure - Pattern not found in response",
    ],
    [
      'HTTP-ECV -send "GET /owa/healthcheck.htm" -recv "200 OK"',
      (socket: Socket) => socket.destroy(),
      "mismatch",
      "Failure - TCP connection successful, but application timed out",
    ],
    [
      "SMTP",
      says("220 ex01 ready\r\n", "250-ex01\r\n250 SIZE\r\n", "221 Bye\r\n"),
      "match",
      "Success - Probe succeeded.",
    ],
    ["SMTP", says("421 4.3.2 Service not available\r\n"), "mismatch", "Failure - Probe failed."],
  ] as const)(
    "give the expected outcome and response for %s (%#)",
    async (statement, behaviour, outcome, response) => {
      const limits = outcome === "timeout" ? { timeoutMs: SILENCE_MS } : {};
      const result = await probe(statement, await server(behaviour), limits);
      expect(result).toMatchObject({ outcome, response });
    },
  );

  test("report a received reset when the connection is refused", async () => {
    expect(await probe("TCP", await closedPort())).toMatchObject({
      outcome: "refused",
      response: "Failure - TCP syn sent, reset received.",
    });
  });

  test("log in with POP3 by the password that ns.conf holds encrypted", async () => {
    const statement = "POP3 -userName itest -password 1a2b -encrypted";
    const behaviour = (socket: Socket): void => {
      socket.write("+OK ready\r\n");
      socket.on("data", (data) => {
        const line = data.toString();
        socket.write(
          line.startsWith("PASS") && line !== "PASS secret\r\n" ? "-ERR\r\n" : "+OK\r\n",
        );
      });
    };
    const port = await server(behaviour);
    expect((await probe(statement, port, { password: "secret" })).outcome).toBe("match");
    expect((await probe(statement, port, { password: "wrong" })).outcome).toBe("mismatch");
  });

  test("send the server's address as Host unless customHeaders set another", async () => {
    const started = await serve(http(200, ""));
    servers.push(started);
    await probe("HTTP", started.port);
    await probe('HTTP -customHeaders "Host: mail.example.com\\r\\n"', started.port);
    expect(started.received()).toBe(
      "HEAD / HTTP/1.1\r\nHost: 198.51.100.11\r\nConnection: close\r\n\r\n" +
        "HEAD / HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n",
    );
  });

  test("fail a secure monitor when the server speaks no common TLS version", async () => {
    const port = await server(() => undefined, true);
    expect((await probe("TCP -secure YES", port)).response).toBe(
      "Success - SSL handshake completed.",
    );
    expect(await probe("TCP -secure YES", port, { tls: TLS10_ONLY })).toMatchObject({
      outcome: "mismatch",
      response: "Failure - Time out during SSL handshake stage",
    });
  });

  test("fail UDP-ECV without recv only when the port is unreachable", async () => {
    const silent = createSocket("udp4");
    silent.bind(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address();
    const limits = { timeoutMs: SILENCE_MS };
    expect((await probe("UDP-ECV -send x", port, limits)).outcome).toBe("match");
    expect((await probe("UDP-ECV -send x -recv y", port, limits)).outcome).toBe("timeout");
    silent.close();
    await once(silent, "close");
    expect((await probe("UDP-ECV -send x", port)).outcome).toBe("refused");
  });

  test("pass PING for a host that is powered on", async () => {
    expect((await probe("PING", 1, { answersPing: true })).outcome).toBe("match");
    expect((await probe("PING", 1, { timeoutMs: SILENCE_MS })).outcome).toBe("timeout");
  });
});
