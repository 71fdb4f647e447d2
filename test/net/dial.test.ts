import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../src/model/observation.ts";
import type { ProbeContext } from "../../src/net/probe-context.ts";
import { dial } from "../../src/net/dial.ts";
import { exchangeHttp } from "../../src/probes/protocols/http-exchange.ts";
import { LineReader } from "../../src/net/line-reader.ts";
import { createNetwork } from "../../src/net/dns.ts";
import { observe } from "../../src/net/probe-run.ts";

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
});

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    onSocket(socket);
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function context(timeoutMs = 2000): ProbeContext {
  return {
    network: createNetwork({ connectTo: {}, unmapped: "allow", now: Date.now }),
    signal: new AbortController().signal,
    timeoutMs,
    localAddress: null,
    vantage: "backend",
    now: Date.now,
    monotonic: () => performance.now(),
  };
}

function greet(port: number, timeoutMs = 2000, bypassStreams = false): Promise<Observation> {
  return observe(context(timeoutMs), async (run) => {
    const target = { host: "127.0.0.1", port, server: null };
    const dialled = await dial(run, target, { tls: null, bypassStreams });
    if (dialled.kind === "failed") {
      return run.fail(dialled.step, dialled.why);
    }
    const line = await new LineReader(dialled.connection).line();
    run.phase("banner");
    return line.kind === "line" ? run.match("banner", line.text) : run.fail("banner", line);
  });
}

describe.each([false, true])("dial (bypassing Node's streams: %s)", (bypassStreams) => {
  const greeted = (port: number, timeoutMs?: number) => greet(port, timeoutMs, bypassStreams);

  test("joins a line when it is split over two packets", async () => {
    const port = await listen((socket) => {
      socket.write("* OK he", () => setImmediate(() => socket.write("llo\r\n* more")));
    });
    const seen = await greeted(port);
    expect(seen).toMatchObject({ outcome: "match", step: "banner" });
    expect(seen.evidence.detail).toBe("* OK hello");
    expect(seen.phases.connect).toBeGreaterThan(0);
    expect(seen.phases.banner).toBeGreaterThan(0);
  });

  test("reports refused when the port is closed", async () => {
    const port = await listen(() => undefined);
    servers.splice(0).forEach((server) => server.close());
    expect(await greeted(port)).toMatchObject({
      outcome: "refused",
      reason: "refused",
      step: "connect",
    });
  });

  test("reports closed_without_data when closed without a byte", async () => {
    const port = await listen((socket) => socket.end());
    expect(await greeted(port)).toMatchObject({
      outcome: "failed",
      reason: "closed_without_data",
      step: "banner",
    });
  });

  test("reports reset when the server resets", async () => {
    const port = await listen((socket) => socket.resetAndDestroy());
    expect(await greeted(port)).toMatchObject({ outcome: "failed", reason: "reset" });
  });

  test("keeps large responses apart when probes read concurrently", async () => {
    const sizes = [1, 70_000, 300_000];
    const port = await listen((socket) => {
      socket.once("data", (wish) => {
        const letter = wish.toString();
        socket.end(letter.repeat(sizes[Number(letter)] ?? 0));
      });
    });
    const seen = await Promise.all(
      sizes.map((_, letter) =>
        observe(context(), async (run) => {
          const target = { host: "127.0.0.1", port, server: null };
          const dialled = await dial(run, target, { tls: null, bypassStreams });
          if (dialled.kind === "failed") {
            return run.fail(dialled.step, dialled.why);
          }
          const { connection } = dialled;
          connection.write(String(letter));
          // What came is read late: it waits meanwhile, and beyond some of it the server waits.
          await new Promise((resolve) => setImmediate(resolve));
          const parts: Buffer[] = [];
          let next = await connection.read();
          for (; next.kind === "data"; next = await connection.read()) {
            parts.push(next.data);
            await new Promise((resolve) => setImmediate(resolve));
          }
          const text = Buffer.concat(parts).toString();
          const foreign = text.replaceAll(String(letter), "").length;
          return run.match("response", `${next.kind} ${text.length} ${foreign}`);
        }),
      ),
    );
    expect(seen.map(({ evidence }) => evidence.detail)).toEqual(
      sizes.map((size) => `closed ${size} 0`),
    );
  });

  test("reports banner_timeout when the server sends nothing", async () => {
    const port = await listen(() => undefined);
    expect(await greeted(port, 100)).toMatchObject({
      outcome: "timeout",
      reason: "banner_timeout",
      step: "banner",
    });
  });

  test("reads a chunked HTTP response when it is split at any byte", async () => {
    const text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-FEServer: EX01\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";
    for (let cut = 1; cut < text.length; cut += 7) {
      const port = await listen((socket) => {
        socket.write(text.slice(0, cut), () => setImmediate(() => socket.write(text.slice(cut))));
      });
      const seen = await observe(context(), async (run) => {
        const target = { host: "127.0.0.1", port, server: null };
        const dialled = await dial(run, target, { tls: null, bypassStreams });
        if (dialled.kind === "failed") {
          return run.fail(dialled.step, dialled.why);
        }
        const answer = await exchangeHttp(
          dialled.connection,
          { method: "GET", path: "/", headers: [["Host", "a"]] },
          { bodyWindowBytes: 1024, toTheEnd: true },
        );
        return answer.kind === "answer"
          ? run.match("response", `${answer.status} ${answer.body.toString()} ${answer.complete}`)
          : run.fail("response", answer);
      });
      expect(seen.evidence.detail).toBe("200 hello world true");
    }
  });
});
