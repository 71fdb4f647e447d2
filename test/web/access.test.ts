import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMetrics } from "../../src/exporters/prometheus/metrics.ts";
import { createHistory, HISTORY_BYTES } from "../../src/web/history/history.ts";
import { startWeb } from "../../src/web/server.ts";
import { checkAccess, checkHost, type RequestInfo } from "../../src/web/http/access.ts";
import { maintenanceHour } from "../support/live-state.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";

const LOCAL: RequestInfo = {
  method: "GET",
  headers: {},
  localAddress: "127.0.0.1",
  remoteAddress: "127.0.0.1",
  secure: false,
};
const SETTINGS = { hosts: ["witness.example.com"], machineNames: ["probe1"], token: "t0ken" };

describe("Host header", () => {
  test.each([
    "127.0.0.1:9743",
    "localhost",
    "LOCALHOST:9743",
    "[::1]:9743",
    "192.0.2.7:9743",
    "witness.example.com",
    "Witness.Example.Com.:443",
    "probe1:9743",
  ])("%s is accepted", (host) => {
    expect(checkHost({ ...LOCAL, headers: { host } }, SETTINGS)).toBeNull();
  });

  test.each([
    "evil.example",
    "witness.example.com.evil.example",
    "a b",
    "",
    ":80",
    "[::1",
    "127.1.evil:1",
  ])("%s is refused with 421", (host) => {
    expect(checkHost({ ...LOCAL, headers: { host } }, SETTINGS)).toMatchObject({ status: 421 });
  });

  test("may be any name over TLS, where the certificate proves it", () => {
    const visitor = { ...LOCAL, secure: true, headers: { host: "any.example" } };
    expect(checkHost(visitor, SETTINGS)).toBeNull();
  });

  test("gets 421 and no data when another site's name points here", async () => {
    const web = await serve(maintenanceHour());
    for (const path of ["/", "/metrics", "/api/v1/verdicts", "/config"]) {
      const answer = await web.get(path, { host: "rebound.example" });
      expect(answer.status).toBe(421);
      expect(answer.text).not.toContain("ex02");
    }
  });
});

describe("write access", () => {
  const write = (
    headers: Record<string, string>,
    remoteAddress = "192.0.2.9",
    token: string | null = "t0ken",
  ) =>
    checkAccess(
      "write",
      { ...LOCAL, method: "POST", headers, remoteAddress },
      { ...SETTINGS, token },
    );

  test("needs the token, also from this machine", () => {
    expect(write({ authorization: "Bearer t0ken" })).toBeNull();
    expect(write({ "x-adc-witness-token": "t0ken" })).toBeNull();
    expect(write({}, "127.0.0.1")).toMatchObject({ status: 401 });
    expect(write({ authorization: "Bearer t0ke" })).toMatchObject({ status: 403 });
    expect(write({ authorization: "Basic dDBrZW46dDBrZW4=" })).toMatchObject({ status: 401 });
  });

  test("is refused when no token is configured", () => {
    expect(write({ authorization: "Bearer " }, "127.0.0.1", null)).toMatchObject({ status: 403 });
    expect(write({ authorization: "Bearer null" }, "127.0.0.1", null)).toMatchObject({
      status: 403,
    });
  });

  test("lets a reload pass from this machine, but not through a proxy on it, when no token is configured", () => {
    const reload = (visitor: Partial<RequestInfo>) =>
      checkAccess("reload", { ...LOCAL, method: "POST", ...visitor }, { ...SETTINGS, token: null });
    expect(reload({})).toBeNull();
    expect(reload({ remoteAddress: "::ffff:127.0.0.1" })).toBeNull();
    expect(reload({ headers: { "x-forwarded-for": "192.0.2.9" } })).toMatchObject({ status: 403 });
    expect(reload({ remoteAddress: "192.0.2.9" })).toMatchObject({ status: 403 });
  });

  test("needs the token for a reload when one is configured, also from this machine", () => {
    const reload = (visitor: Partial<RequestInfo>) =>
      checkAccess("reload", { ...LOCAL, method: "POST", ...visitor }, SETTINGS);
    expect(reload({})).toMatchObject({ status: 401 });
    expect(reload({ headers: { authorization: "Bearer other" } })).toMatchObject({ status: 403 });
    expect(reload({ headers: { authorization: "Bearer t0ken" } })).toBeNull();
    expect(
      reload({ remoteAddress: "192.0.2.9", headers: { authorization: "Bearer t0ken" } }),
    ).toBeNull();
  });
});

describe("reload over HTTP", () => {
  test("answers with the agent's result", async () => {
    let good = true;
    const reload = () =>
      Promise.resolve(
        good ? { ok: true as const } : { ok: false as const, message: "line 3: adcs" },
      );
    const web = await serve(maintenanceHour(), { actions: { ...IDLE_ACTIONS, reload } });
    expect((await web.ask("POST", "/-/reload")).status).toBe(200);
    good = false;
    const refused = await web.ask("POST", "/-/reload");
    expect(refused.status).toBe(500);
    expect(refused.json).toMatchObject({ status: 500, detail: "line 3: adcs" });
  });

  test("is rate-limited when no token is configured", async () => {
    let reloads = 0;
    const reload = () => {
      reloads += 1;
      return Promise.resolve({ ok: true as const });
    };
    const web = await serve(maintenanceHour(), { actions: { ...IDLE_ACTIONS, reload } });
    const statuses: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      statuses.push((await web.ask("POST", "/-/reload")).status);
    }
    expect(statuses.slice(0, 3)).toEqual([200, 200, 200]);
    expect(statuses.slice(4)).toEqual(Array(6).fill(429));
    expect(reloads).toBe(statuses.filter((status) => status === 200).length);
  });

  test("is not rate-limited when the token is given", async () => {
    const web = await serve(maintenanceHour(), { token: () => "t0ken" });
    const headers = { authorization: "Bearer t0ken" };
    for (let count = 0; count < 10; count += 1) {
      expect((await web.ask("POST", "/-/reload", { headers })).status).toBe(200);
    }
  });

  test("is refused when another site's page asks for it or by GET", async () => {
    let reloads = 0;
    const reload = () => {
      reloads += 1;
      return Promise.resolve({ ok: true as const });
    };
    const web = await serve(maintenanceHour(), { actions: { ...IDLE_ACTIONS, reload } });
    const cases = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ];
    for (const headers of cases) {
      expect((await web.ask("POST", "/-/reload", { headers })).status).toBe(403);
    }
    const byGet = await web.get("/-/reload");
    expect([byGet.status, byGet.headers.allow]).toEqual([405, "POST"]);
    expect(reloads).toBe(0);
    const own = { origin: web.url, "sec-fetch-site": "same-origin" };
    expect((await web.ask("POST", "/-/reload", { headers: own })).status).toBe(200);
  });
});

describe("every answer", () => {
  test("forbids framing, foreign scripts and sniffing, and sets no cookie", async () => {
    const web = await serve(maintenanceHour());
    for (const path of ["/", "/metrics", "/api/v1/verdicts", "/nowhere", "/-/ready"]) {
      const { headers } = await web.get(path);
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["set-cookie"]).toBeUndefined();
      expect(headers["x-powered-by"]).toBeUndefined();
    }
  });

  test("is a problem in JSON for an unknown path, a wrong method and an internal error", async () => {
    const web = await serve(() => {
      throw new Error("secret detail of a bug");
    });
    const unknown = await web.get("/../../etc/passwd");
    expect([unknown.status, unknown.headers["content-type"]]).toEqual([
      404,
      "application/problem+json",
    ]);
    expect((await web.ask("DELETE", "/metrics")).status).toBe(405);
    const bug = await web.get("/api/v1/verdicts");
    expect(bug.status).toBe(500);
    expect(bug.text).not.toContain("secret detail");
    expect(web.logged).toEqual(["request failed"]);
    expect((await web.get("/-/healthy")).status).toBe(200);
  });

  test("to HEAD is that to GET without its body", async () => {
    const web = await serve(maintenanceHour());
    const head = await web.ask("HEAD", "/api/v1/verdicts");
    const whole = await web.get("/api/v1/verdicts");
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers["content-length"]).toBe(whole.headers["content-length"]);
  });
});

describe("web server", () => {
  test("listens on several addresses at once, IPv6 too", async () => {
    const web = await start(["127.0.0.1:0", "[::1]:0"]);
    expect(web.kind === "listening" && web.addresses).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^http:\/\/\[::1\]:\d+$/),
    ]);
  });

  test("fails with a message and leaves no address open when one cannot be bound", async () => {
    const first = await start(["127.0.0.1:0"]);
    const taken = first.kind === "listening" ? (first.addresses[0] ?? "") : "";
    const second = await start(["127.0.0.1:0", taken.replace("http://", "")]);
    expect(second).toEqual({
      kind: "failed",
      message: expect.stringContaining("EADDRINUSE") as string,
    });
    expect(await start(["nonsense:port"])).toMatchObject({ kind: "failed" });
  });

  test("logs a warning when it accepts writes over plain HTTP from the network", async () => {
    const warnings: string[] = [];
    const everywhere = Object.values(networkInterfaces()).flat();
    expect(everywhere.length).toBeGreaterThan(0);
    await start([":0"], warnings);
    expect(warnings).toEqual([expect.stringContaining("plain HTTP from the network")]);
  });

  test("closes open connections when it is closed", async () => {
    const web = await serve(maintenanceHour(), {});
    const socket = await opened(web.port);
    const closed = new Promise((resolve) => socket.on("close", resolve));
    const second = await start(["127.0.0.1:0"]);
    expect(second.kind).toBe("listening");
    const idle = second.kind === "listening" ? await opened(portOf(second.addresses[0])) : socket;
    const idleClosed = new Promise((resolve) => idle.on("close", resolve));
    if (second.kind === "listening") {
      await second.close();
    }
    await idleClosed;
    socket.destroy();
    await closed;
  });
});

async function start(listen: string[], warnings: string[] = []) {
  const metrics = createMetrics({ version: "0", revision: "0", phases: false });
  const say = (_fields: unknown, message: string) => warnings.push(message);
  const web = await startWeb({
    listen,
    hosts: [],
    token: () => "t0ken",
    live: maintenanceHour,
    estates: () => [],
    metrics,
    history: createHistory({ maxBytes: HISTORY_BYTES, now: Date.now }),
    actions: IDLE_ACTIONS,
    lintIgnore: () => [],
    configMasked: () => "",
    version: "0",
    now: Date.now,
    log: { debug: say, info: say, warn: say, error: say },
  });
  onTestFinished(async () => {
    metrics.close();
    if (web.kind === "listening") {
      await web.close();
    }
  });
  return web;
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      resolve(socket);
    });
    socket.on("error", reject);
  });
}

function portOf(url: string | undefined): number {
  return Number(new URL(url ?? "http://unknown").port);
}
