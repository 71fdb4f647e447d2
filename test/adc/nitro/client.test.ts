import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  startNitroServer,
  type NitroServer,
  type NitroServerOptions,
} from "../../../lab/nitro/server.ts";
import {
  labCa,
  labCertificate,
  type CertificateName,
} from "../../../lab/certificates/lab-certificate.ts";
import type { NitroRequestEvent } from "../../../src/adc/nitro/client.ts";
import { judge } from "../../../src/adc/nitro/judge.ts";
import { createTransport } from "../../../src/adc/nitro/transport.ts";
import { parseNsConf } from "../../../src/adc/nsconf/import.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { until as becomes } from "../../support/contract.ts";
import { longestTurnMs } from "../../support/longest-turn.ts";
import { serve } from "../../support/scripted-server.ts";
import { CREDENTIALS, labClient } from "./lab-client.ts";
import { steadyBackend } from "./steady-backend.ts";

type Play = (socket: Socket) => unknown;

const TLS = serverTls("adc");

function serverTls(name: CertificateName): { readonly key: string; readonly cert: string } {
  const { certificate: cert, key } = labCertificate(name);
  return { key, cert };
}

async function labServer(options: Partial<NitroServerOptions> = {}): Promise<NitroServer> {
  const estate = parseNsConf("add server ex01 192.0.2.11\nadd server ex02 192.0.2.12\n", {
    adc: "prod",
  });
  const server = await startNitroServer(steadyBackend(estate), { ...CREDENTIALS, ...options });
  onTestFinished(() => server.close());
  return server;
}

const SERVERS = { kind: "config", resource: "server" } as const;

describe("client session", () => {
  test("logs in once, keeps one connection, asks one thing at a time, and logs out", async () => {
    const server = await labServer();
    const events: NitroRequestEvent[] = [];
    const client = labClient(server.url, { onRequest: (event) => events.push(event) });
    const answers = await Promise.all([
      client.get(SERVERS),
      client.get(SERVERS),
      client.get(SERVERS),
    ]);
    expect(answers.map((answer) => answer.kind)).toEqual(["rows", "rows", "rows"]);
    expect(server.openSessions()).toBe(1);
    await client.close();
    await client.close();
    expect(server.openSessions()).toBe(0);
    expect(server.openedSessions()).toBe(1);
    expect(server.connections()).toBe(1);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /nitro/v1/config/login",
      "GET /nitro/v1/config/server",
      "GET /nitro/v1/config/server",
      "GET /nitro/v1/config/server",
      "POST /nitro/v1/config/logout",
    ]);
    expect(events.map(({ resource, code }) => `${resource} ${code}`)).toEqual([
      "login 0",
      "server 0",
      "server 0",
      "server 0",
      "logout 0",
    ]);
    expect(events.every(({ node }) => node === new URL(server.url).host)).toBe(true);
    expect(JSON.stringify(events)).not.toContain(CREDENTIALS.password);
  });

  test("opens no session when nothing is asked", async () => {
    const server = await labServer();
    const client = labClient(server.url);
    await client.close();
    expect(server.requests).toEqual([]);
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "aborted" });
    expect(server.requests).toEqual([]);
  });

  test("logs in again once when the appliance has dropped the session", async () => {
    const server = await labServer();
    const client = labClient(server.url);
    await client.get(SERVERS);
    server.killSessions();
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    expect(server.openedSessions()).toBe(2);
    await client.close();
    expect(server.openSessions()).toBe(0);
  });

  test("requests its own short session time-out and logs in again when it has passed", async () => {
    let now = 1_000_000;
    const server = await labServer({ now: () => now });
    const client = labClient(server.url, { sessionTimeoutSeconds: 300 });
    await client.get(SERVERS);
    now += 299_000;
    expect(server.openSessions()).toBe(1);
    now += 1_000;
    expect(server.openSessions()).toBe(0);
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    await client.close();
  });

  test("stops after one login when the credentials are rejected, however often it is asked", async () => {
    const server = await labServer({ password: "another" });
    const client = labClient(server.url);
    const answers = [await client.get(SERVERS), await client.get(SERVERS)];
    expect(answers).toMatchObject([
      { kind: "stopped", code: "354" },
      { kind: "stopped", code: "354" },
    ]);
    expect(server.requests).toHaveLength(1);
    expect(JSON.stringify(answers)).not.toContain(CREDENTIALS.password);
    await client.close();
    expect(server.requests).toHaveLength(1);
  });

  test("waits for the login and logs out when it is closed during the login", async () => {
    let release: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = await labServer({
      faults: ({ query }) => (query.resource === "login" ? { kind: "wait", until } : null),
    });
    const client = labClient(server.url);
    const asked = client.get(SERVERS);
    await expect.poll(() => server.requests.length).toBe(1);
    const closed = client.close();
    release();
    await closed;
    expect(await asked).toMatchObject({ kind: "failed", code: "aborted" });
    expect(server.openedSessions()).toBe(1);
    expect(server.openSessions()).toBe(0);
    expect(server.requests.map(({ path }) => path)).toEqual([
      "/nitro/v1/config/login",
      "/nitro/v1/config/logout",
    ]);
  });

  test("aborts the request and logs out when it is closed while it waits for an answer", async () => {
    const server = await labServer({
      faults: ({ query }) =>
        query.resource === "server" ? { kind: "wait", until: new Promise(() => undefined) } : null,
    });
    const client = labClient(server.url);
    const asked = client.get(SERVERS);
    await expect.poll(() => server.requests.length).toBe(2);
    await client.close();
    expect(await asked).toMatchObject({ kind: "failed", code: "aborted" });
    expect(server.openSessions()).toBe(0);
  });

  test("logs out on a new connection when the appliance has cut the old one", async () => {
    let cut = true;
    const server = await labServer({
      faults: ({ query }) => {
        const fault = query.resource === "logout" && cut ? ({ kind: "reset" } as const) : null;
        cut &&= query.resource !== "logout";
        return fault;
      },
    });
    const client = labClient(server.url);
    await client.get(SERVERS);
    await client.close();
    expect(server.openSessions()).toBe(0);
  });
});

describe("client connection", () => {
  test("trusts the appliance by its CA and name", async () => {
    const server = await labServer({ tls: TLS });
    const trusting = labClient(server.url, {
      tls: { ca: labCa(), serverName: "ns1.example.com", verify: true },
    });
    expect(await trusting.get(SERVERS)).toMatchObject({ kind: "rows" });
    await trusting.close();
  });

  test.each([
    ["an unknown CA", { ca: null, serverName: "ns1.example.com", verify: true }],
    ["another name", { ca: labCa(), serverName: "ns9.example.com", verify: true }],
    [
      "another CA",
      { ca: labCertificate("self_signed").certificate, serverName: null, verify: true },
    ],
  ])("refuses %s and sends no password", async (_case, tls) => {
    const server = await labServer({ tls: TLS });
    const client = labClient(server.url, { tls });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "tls" });
    await client.close();
    expect(server.requests).toEqual([]);
  });

  test("accepts any certificate when verification is switched off", async () => {
    const server = await labServer({
      tls: serverTls("self_signed"),
    });
    const client = labClient(server.url, { tls: { ca: null, serverName: null, verify: false } });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    await client.close();
  });

  test("reaches an IPv6 address and verifies the certificate by it", async () => {
    const server = await labServer({ tls: TLS, host: "::1" });
    expect(server.url).toMatch(/^https:\/\/\[::1\]:/);
    const client = labClient(server.url, {
      tls: { ca: labCa(), serverName: null, verify: true },
    });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    await client.close();
  });

  test("goes where connect_to says and refuses addresses that are not mapped", async () => {
    const server = await labServer({ tls: TLS });
    const network = createNetwork({
      connectTo: { "ns1.example.com:443": `127.0.0.1:${String(server.port)}` },
      unmapped: "refuse",
      now: Date.now,
    });
    const tls = { ca: labCa(), serverName: null, verify: true };
    const mapped = labClient("https://ns1.example.com", { network, tls });
    expect(await mapped.get(SERVERS)).toMatchObject({ kind: "rows" });
    await mapped.close();
    const unmapped = labClient("https://ns2.example.com", { network, tls });
    expect(await unmapped.get(SERVERS)).toMatchObject({ kind: "failed", code: "forbidden" });
    await unmapped.close();
  });

  test("opens a new connection when the appliance has closed the idle one", async () => {
    const sockets = new Set<{ destroy: () => void }>();
    const server = await labServer();
    // A relay whose connections can be cut while they idle.
    const relay = createServer((socket) => {
      sockets.add(socket);
      const upstream = connect(server.port, "127.0.0.1");
      socket.pipe(upstream).pipe(socket);
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      relay.close();
    });
    const client = labClient(`http://127.0.0.1:${String((relay.address() as AddressInfo).port)}`);
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    for (const socket of sockets) {
      socket.destroy();
    }
    expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
    await client.close();
    expect(server.openedSessions()).toBe(1);
    expect(server.openSessions()).toBe(0);
  });
});

describe("resource names", () => {
  test.each(["a b", "a/b", "a?b", 'a"b', "a'b", "a%2Fb", "ü", "a#b", "a&b=c", "a+b", ".."])(
    "%s is sent as one path segment",
    async (name) => {
      const quoted = JSON.stringify(name);
      const estate = parseNsConf(`add server ${quoted} 192.0.2.11\n`, { adc: "prod" });
      const server = await startNitroServer(steadyBackend(estate), CREDENTIALS);
      onTestFinished(() => server.close());
      const client = labClient(server.url);
      const answer = await client.get({ ...SERVERS, name });
      expect(answer).toMatchObject({ kind: "rows", rows: [{ name }] });
      await client.close();
    },
  );
});

test("client › keeps its session when a name holds half a character and when an observer throws", async () => {
  const server = await labServer();
  const client = labClient(server.url, {
    onRequest: () => {
      throw new Error("a broken observer");
    },
  });
  expect(await client.get({ ...SERVERS, name: "a\ud800" })).toMatchObject({ kind: "refused" });
  expect(await client.get(SERVERS)).toMatchObject({ kind: "rows" });
  expect(server.openSessions()).toBe(1);
  await client.close();
  expect(server.openSessions()).toBe(0);
});

describe("client limits", () => {
  test("end a request at the time-out", async () => {
    const server = await labServer({
      faults: ({ query }) =>
        query.resource === "server" ? { kind: "wait", until: new Promise(() => undefined) } : null,
    });
    const client = labClient(server.url, { timeoutMs: 1_000 });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "timeout" });
    await client.close();
    expect(server.openSessions()).toBe(0);
  });

  test("count an answer that came while our own event loop stalled as in time", async () => {
    const server = createHttpServer((_request, response) => {
      response.end('{"errorcode": 0, "message": "Done"}');
      // The answer is on its way, and the time-out over before anybody can read it.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const transport = createTransport({
      url: new URL(`http://127.0.0.1:${String(port)}`),
      tls: { ca: null, serverName: null, verify: true },
      network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
      localAddress: null,
      connectTimeoutMs: 200,
      maxBytes: 1_000,
    });
    onTestFinished(async () => {
      transport.disconnect();
      await new Promise((resolve) => server.close(resolve));
    });
    const exchange = {
      method: "GET",
      path: "/",
      cookie: null,
      body: null,
      timeoutMs: 200,
    } as const;
    expect(await transport.exchange(exchange)).toMatchObject({ kind: "answer", status: 200 });
  });

  test("end an answer that is too large", async () => {
    const server = await labServer({
      faults: ({ query }) => (query.resource === "server" ? { kind: "endless" } : null),
    });
    const client = labClient(server.url, { maxBytes: 2_000_000 });
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code: "too_large" });
    await client.close();
    expect(server.openSessions()).toBe(0);
  });

  test.each([
    ["a web page", { kind: "answer", status: 200, body: "<html>It works!</html>" }, "not_nitro"],
    ["nothing", { kind: "answer", status: 200, body: "" }, "not_nitro"],
    ["a JSON array", { kind: "answer", status: 200, body: "[]" }, "not_nitro"],
    ["JSON without an error code", { kind: "answer", status: 200, body: "{}" }, "not_nitro"],
    ["half an answer", { kind: "cut", body: '{"errorcode": 0, "server": [{"name": "ex' }, "reset"],
    ["a cut connection", { kind: "reset" }, "reset"],
    ["a gateway's error", { kind: "answer", status: 502, body: "Bad Gateway" }, "http_5xx"],
    ["an overloaded web server", { kind: "answer", status: 503, body: "" }, "http_503"],
    ["a conflict", { kind: "answer", status: 409, body: "" }, "http_409"],
  ] as const)("reject %s in place of NITRO's JSON", async (_case, fault, code) => {
    const server = await labServer({
      faults: ({ query }) => (query.resource === "server" ? fault : null),
    });
    const client = labClient(server.url);
    expect(await client.get(SERVERS)).toMatchObject({ kind: "failed", code });
    await client.close();
    expect(server.openSessions()).toBe(0);
  });

  const OK = "HTTP/1.1 200 OK\r\n";
  const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
  const ROWS = '{"errorcode":0,"server":[';
  const body = (text: string | Buffer, header = ""): Play => {
    const length = `Content-Length: ${String(text.length)}\r\n`;
    return (socket) =>
      socket.end(Buffer.concat([Buffer.from(`${OK}${header}${length}\r\n`), Buffer.from(text)]));
  };
  const endless = (head: string, block: string): Play => {
    const large = Buffer.from(block.repeat(Math.ceil(65_536 / block.length)));
    return (socket) => {
      socket.write(head);
      (function more(): void {
        if (!socket.destroyed) {
          socket.write(large, () => setImmediate(more));
        }
      })();
    };
  };
  /** Small packets, one after the other. */
  const drip = (head: string, piece: string, everyMs: number): Play => {
    return (socket) => {
      socket.setNoDelay(true).write(head);
      const timer = setInterval(() => socket.write(piece), everyMs);
      socket.on("close", () => {
        clearInterval(timer);
      });
    };
  };
  test.each<readonly [string, Play, string]>([
    ["a byte a second", drip(`${OK}\r\n`, "{", 100), "timeout"],
    ["a header a second", drip(OK, "X: y\r\n", 100), "timeout"],
    ["chunks of one byte without end", endless(CHUNKED, "1\r\n \r\n"), "timeout|too_large"],
    ["trailers without end", endless(`${CHUNKED}0\r\n`, "X: y\r\n"), "not_nitro|reset"],
    ["interim answers without end", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), "timeout"],
    ["empty rows without end", endless(`${OK}\r\n${ROWS}`, "{},"), "timeout|too_large"],
    ["lists in a row without end", endless(`${OK}\r\n${ROWS}{"a":[`, "[],"), "not_nitro|too_large"],
    [
      "lists in many rows",
      endless(`${OK}\r\n${ROWS}`, `{"a":[${"[],".repeat(9_999)}[]]},`),
      "timeout|too_large",
    ],
    ["white space without end", endless(`${OK}\r\n`, " "), "timeout|too_large"],
    [
      "a string without end in small packets",
      drip(`${OK}\r\n${ROWS}{"a":"`, "x".repeat(500), 1),
      "timeout|not_nitro",
    ],
    [
      "a row of 100,000 fields",
      body(`${ROWS}{${Array.from({ length: 100_000 }, (_, at) => `"k${String(at)}":1`).join()}}]}`),
      "not_nitro",
    ],
    [
      "10,000 resources",
      body(
        `{"errorcode":0,${Array.from({ length: 10_000 }, (_, at) => `"k${String(at)}":[{}]`).join()}}`,
      ),
      "not_nitro",
    ],
    ["JSON nested 100,000 deep", body(`${ROWS}${'{"a":'.repeat(100_000)}`), "not_nitro"],
    [
      "a bomb of gzip",
      body(gzipSync(Buffer.alloc(16_000_000, " ")), "Content-Encoding: gzip\r\n"),
      "not_nitro",
    ],
    [
      "100 MB announced and not sent",
      (socket) => socket.end(`${OK}Content-Length: 104857600\r\n\r\n{`),
      "reset",
    ],
    [
      "a length beyond the number range",
      (socket) => socket.end(`${OK}Content-Length: ${"9".repeat(40)}\r\n\r\n{}`),
      "not_nitro",
    ],
    [
      "two lengths",
      (socket) => socket.end(`${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`),
      "not_nitro",
    ],
    ["infinite numbers", body('{"errorcode":1e999,"server":[]}'), "not_nitro"],
  ])("end a hostile answer, with bounded memory, of %s", async (_case, play, code) => {
    const server = await serve((socket) => {
      socket.once("data", () => play(socket));
    });
    const transport = createTransport({
      url: new URL(`http://127.0.0.1:${String(server.port)}`),
      tls: { ca: null, serverName: null, verify: true },
      network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
      localAddress: null,
      connectTimeoutMs: 1_000,
      maxBytes: 8_000_000,
    });
    onTestFinished(async () => {
      transport.disconnect();
      await server.close();
    });
    const before = process.memoryUsage().heapUsed;
    const codes = new Set<string>();
    const ask = async (): Promise<void> => {
      const exchange = {
        method: "GET",
        path: "/",
        cookie: null,
        body: null,
        timeoutMs: 300,
      } as const;
      const judged = judge(await transport.exchange(exchange), "server");
      codes.add(judged.code);
    };
    const turnMs = await longestTurnMs(ask);
    // A collection of garbage may fall into one turn, not into each.
    expect(turnMs > 50 ? await longestTurnMs(ask) : turnMs).toBeLessThan(50);
    expect([...codes].filter((each) => !code.split("|").includes(each))).toEqual([]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1_048_576);
    await becomes(() => server.open() === 0);
  });
});
