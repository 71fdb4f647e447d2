import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { HttpTimeouts } from "../../src/web/http/listener.ts";
import { aLargeEstate, maintenanceHour } from "../support/live-state.ts";
import { longestTurnMs } from "../support/longest-turn.ts";
import { serve } from "./support.ts";
import { until } from "./until.ts";

/** Clients and server share this process: generous, and still below the shortest time-out of a probe. */
const MAX_TURN_MS = 1_000;
const IMPATIENT: HttpTimeouts = { headersMs: 400, requestMs: 600, idleMs: 1_500, replyMs: 1_500 };

interface Visitor {
  readonly socket: Socket;
  readonly heard: () => string;
  readonly gone: () => boolean;
}

async function visit(port: number, text: string): Promise<Visitor> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  let gone = false;
  socket.on("data", (data) => (heard = (heard + data.toString("latin1")).slice(-4_000)));
  socket.on("error", () => undefined);
  socket.on("close", () => (gone = true));
  onTestFinished(() => {
    socket.destroy();
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(text);
  return { socket, heard: () => heard, gone: () => gone };
}

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

describe("slow client", () => {
  test("is cut off when its header never ends", async () => {
    const web = await serve(maintenanceHour(), { timeouts: IMPATIENT });
    const slow = await visit(web.port, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    const drip = setInterval(() => slow.socket.write("x"), 50);
    await until(() => slow.gone());
    clearInterval(drip);
    expect((await web.get("/-/healthy")).status).toBe(200);
  });

  test("is cut off when its body never ends", async () => {
    const web = await serve(maintenanceHour(), { timeouts: IMPATIENT, token: () => "t" });
    const slow = await visit(
      web.port,
      "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
    );
    const drip = setInterval(() => slow.socket.write("x"), 50);
    await until(() => slow.gone());
    clearInterval(drip);
  });

  test("is cut off when it is silent", async () => {
    const web = await serve(maintenanceHour(), { timeouts: IMPATIENT });
    const silent = await visit(web.port, "");
    await until(() => silent.gone());
  });

  test("is cut off when it does not read its answer", async () => {
    const estate = aLargeEstate({ members: 5_000, monitors: 2 });
    const whole = (await (await serve(estate)).get("/metrics")).body.length;
    const web = await serve(estate, { timeouts: IMPATIENT });
    const greedy = await Promise.all(
      Array.from({ length: 10 }, () => visit(web.port, GET("/metrics"))),
    );
    for (const { socket } of greedy) {
      socket.pause();
    }
    const cut = (): number =>
      web.logged.filter((line) => line.includes("did not read the response in time")).length;
    await until(() => cut() === greedy.length);
    for (const { socket } of greedy) {
      socket.resume();
    }
    await until(() => greedy.every((one) => one.gone()));
    for (const { socket } of greedy) {
      expect(socket.bytesRead).toBeLessThan(whole);
    }
  });
});

describe("oversized request", () => {
  test("is refused by its Content-Length when its body has 100 MB", async () => {
    const web = await serve(maintenanceHour(), { token: () => "t" });
    const flood = await visit(
      web.port,
      "POST /api/v1/maintenance HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\n" +
        "Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n",
    );
    await until(() => flood.heard().includes("413"));
    expect(flood.heard()).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("is refused at 64 KiB when it has no Content-Length", async () => {
    const web = await serve(maintenanceHour(), { token: () => "t" });
    const flood = await visit(
      web.port,
      "POST /api/v1/maintenance HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer t\r\n" +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
    for (let index = 0; index < 64 && !flood.gone(); index += 1) {
      flood.socket.write(chunk);
    }
    await until(() => flood.heard().includes("413") || flood.gone());
    const heap = process.memoryUsage().heapUsed;
    expect(heap).toBeLessThan(1024 ** 3);
    expect((await web.get("/-/healthy")).status).toBe(200);
  });

  test("is refused when its header exceeds 16 KiB or is not HTTP", async () => {
    const web = await serve(maintenanceHour());
    const big = await visit(
      web.port,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    );
    await until(() => big.gone());
    expect(big.heard()).toMatch(/^HTTP\/1\.1 431 /);
    const nonsense = await visit(web.port, "\u0016\u0003\u0001 is no request\r\n\r\n");
    await until(() => nonsense.gone());
    expect(nonsense.heard()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await web.get("/-/healthy")).status).toBe(200);
  });
});

describe("many clients", () => {
  test("do not stall the event loop when a thousand event streams are open, and each gets the change", async () => {
    let live = maintenanceHour();
    const web = await serve(() => live);
    const streams: Visitor[] = [];
    const longest = await longestTurnMs(async () => {
      for (let index = 0; index < 1_000; index += 1) {
        streams.push(await visit(web.port, GET("/api/v1/events")));
      }
      await until(() => streams.every((stream) => stream.heard().includes("event: hello")), 20_000);
      live = {
        ...live,
        members: live.members.map((member) => ({ ...member, verdict: "unknown" as const })),
      };
      await until(
        () => streams.every((stream) => stream.heard().includes('"verdict":"unknown"')),
        20_000,
      );
    });
    expect(longest).toBeLessThan(MAX_TURN_MS);
    const answering = await longestTurnMs(async () => {
      expect((await web.get("/-/healthy")).status).toBe(200);
    });
    expect(answering).toBeLessThan(MAX_TURN_MS);
  });

  test("do not stall the event loop when they scrape a large estate", async () => {
    const web = await serve(aLargeEstate({ members: 3_000, monitors: 2 }));
    const longest = await longestTurnMs(async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => web.get("/metrics", { "accept-encoding": "gzip" })),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });
    expect(longest).toBeLessThan(MAX_TURN_MS);
  });
});
