import { mkdtemp, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { describe, expect, onTestFinished, test } from "vitest";
import { createBasicAuth } from "../../src/web/web-config/basic-auth.ts";
import { createCredentialLimiter } from "../../src/web/http/access.ts";
import { maintenanceHour, NOON } from "../support/live-state.ts";
import { realDeclarations } from "./real-declarations.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";
import { until } from "./until.ts";

const BEARER = { authorization: "Bearer t0ken" };

function basic(name: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}` };
}

async function locked(more = "") {
  const path = join(await mkdtemp(join(tmpdir(), "credentials-")), "web.yml");
  await writeFile(path, `basic_auth_users:\n  prom: ${hashSync("right", 4)}\n${more}`);
  return serve(maintenanceHour(), { configFile: path, token: () => "t0ken" });
}

describe("password limiter", () => {
  test("basic auth › keeps a correct password cached when many wrong ones are tried", async () => {
    const auth = createBasicAuth();
    onTestFinished(auth.close);
    const users = new Map([["prom", hashSync("right", 4)]]);
    const right = { name: "prom", password: "right" };
    expect(auth.isCached(right, users)).toBe(false);
    expect(await auth.check(right, users)).toBe("in");
    for (let index = 0; index < 300; index += 1) {
      expect(await auth.check({ name: "prom", password: String(index) }, users)).toBe("out");
    }
    expect(auth.isCached(right, users)).toBe(true);
    expect(auth.isCached({ name: "prom", password: "1" }, users)).toBe(false);
  });

  test("basic auth › forgets a cached password when its hash was replaced", async () => {
    const auth = createBasicAuth();
    onTestFinished(auth.close);
    const right = { name: "prom", password: "right" };
    await auth.check(right, new Map([["prom", hashSync("right", 4)]]));
    expect(auth.isCached(right, new Map([["prom", hashSync("another", 4)]]))).toBe(false);
  });

  test("never refuses a known password when its own address sends many wrong ones", async () => {
    const web = await locked();
    expect((await web.get("/metrics", basic("prom", "right"))).status).toBe(200);
    for (let round = 0; round < 10; round += 1) {
      const guesses = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          web.get("/", basic("prom", `w${String(round * 20 + index)}`)),
        ),
      );
      expect(new Set(guesses.map(({ status }) => status > 400))).toEqual(new Set([true]));
      expect((await web.get("/metrics", basic("prom", "right"))).status).toBe(200);
    }
  });

  test("soon accepts a correct password that is not cached when its own address sends many wrong ones", async () => {
    const web = await locked();
    let guess = 0;
    await expect
      .poll(
        async () => {
          await Promise.all(
            Array.from({ length: 20 }, () => web.get("/", basic("prom", `w${String(guess++)}`))),
          );
          return (await web.get("/metrics", basic("prom", "right"))).status;
        },
        { timeout: 30_000 },
      )
      .toBe(200);
  });

  test("answers 429 with Retry-After when an address has sent ten wrong passwords", async () => {
    const web = await locked();
    const statuses: number[] = [];
    for (let index = 0; index < 15; index += 1) {
      const answer = await web.get("/", basic("prom", String(index)));
      statuses.push(answer.status);
      expect(answer.headers["retry-after"]).toBe(answer.status === 429 ? "3" : undefined);
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(2);
  });

  test("counts no guess when no password is given", async () => {
    const web = await locked();
    for (let index = 0; index < 30; index += 1) {
      expect((await web.get("/")).status).toBe(401);
    }
    expect(web.logged.some((line) => line.includes("refused"))).toBe(false);
  });

  test("lets a known user pass when strangers have used up the rate limit", async () => {
    const web = await locked("rate_limit: { interval: 1h, burst: 5 }\n");
    expect((await web.get("/metrics", basic("prom", "right"))).status).toBe(200);
    for (let index = 0; index < 8; index += 1) {
      await web.get("/", basic("prom", String(index)));
    }
    expect((await web.get("/", basic("prom", "x"))).status).toBe(429);
    expect((await web.get("/metrics", basic("prom", "right"))).status).toBe(200);
  });
});

describe("token limiter", () => {
  test("limits wrong tokens and accepts the right one", async () => {
    const web = await serve(maintenanceHour(), { token: () => "t0ken" });
    const path = "/api/v1/maintenance?name=x";
    const statuses: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      const headers = { authorization: `Bearer ${String(index)}` };
      statuses.push((await web.ask("DELETE", path, { headers })).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 403));
    expect(statuses).toContain(429);
    expect((await web.ask("DELETE", path, { headers: BEARER })).status).toBe(404);
  });

  test("limits wrong tokens in the page's form", async () => {
    const maintenance = {
      ...(await realDeclarations({ now: NOON })),
      preflight: (server: string) => Promise.resolve({ server, ok: true, checks: [] }),
      verify: (server: string) => Promise.resolve({ server, ok: true, checks: [] }),
    };
    const web = await serve(maintenanceHour(), {
      actions: { ...IDLE_ACTIONS, maintenance },
      token: () => "t0ken",
    });
    const send = async (token: string) =>
      web.ask("POST", "/maintenance", {
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `token=${token}&servers=ex01&for=1h&author=anna`,
      });
    const statuses: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      statuses.push((await send(String(index))).status);
    }
    expect(statuses[0]).toBe(403);
    expect(statuses).toContain(429);
    expect((await send("t0ken")).status).toBe(200);
    const line = web.logged.lastIndexOf("web write request");
    expect(web.fields[line]).toMatchObject({
      from: "127.0.0.1",
      method: "POST",
      path: "/maintenance",
      status: 200,
      did: "declare a maintenance window",
      servers: "ex01",
      author: "anna",
    });
  });
});

describe("access log", () => {
  test("groups wrong passwords in few lines without control characters", async () => {
    const web = await locked();
    for (let index = 0; index < 12; index += 1) {
      await web.get("/metrics", basic("\u001b[2J\u202eroot\n", String(index)));
    }
    const lines = web.fields.filter((_, index) =>
      web.logged[index]?.includes("wrong password or token rejected"),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      from: "127.0.0.1",
      what: "password",
      user: "\\u001b[2J\\u202eroot\\u000a",
      path: "/metrics",
    });
  });

  test("groups thousands of addresses in few lines and counts those left out", () => {
    const lines: Readonly<Record<string, unknown>>[] = [];
    const clock = { ms: 0 };
    const log = { debug: noted, info: noted, warn: noted, error: noted };
    function noted(fields: Readonly<Record<string, unknown>>): void {
      lines.push(fields);
    }
    const limiter = createCredentialLimiter(log, () => clock.ms);
    for (let index = 0; index < 5_000; index += 1) {
      const address = `2001:db8:${(index >> 8).toString(16)}:${(index & 255).toString(16)}::1`;
      expect(limiter.mayTry(address)).toBe(true);
      limiter.rejected(address, { what: "password", user: "x", path: "/" });
    }
    expect(lines.length).toBeLessThanOrEqual(20);
    clock.ms = 60_000;
    limiter.rejected("192.0.2.1", { what: "token", user: null, path: "/" });
    expect(lines.at(-1)).toMatchObject({ from: "192.0.2.1", suppressed: 4_980 });
  });

  test("records every write: who, what, from where, and its result", async () => {
    const maintenance = {
      ...(await realDeclarations({ now: NOON })),
      preflight: () => Promise.reject(new Error("not asked")),
      verify: () => Promise.reject(new Error("not asked")),
    };
    const web = await serve(maintenanceHour(), {
      actions: { ...IDLE_ACTIONS, maintenance },
      token: () => "t0ken",
    });
    const writes = (): readonly Readonly<Record<string, unknown>>[] =>
      web.fields.filter((_, index) => web.logged[index] === "web write request");
    await web.ask("POST", "/api/v1/maintenance", {
      headers: {
        ...BEARER,
        "content-type": "application/json",
        "x-forwarded-for": "198.51.100.7, a\tb",
      },
      body: JSON.stringify({ name: "cu15", servers: ["ex02"], for: "2h", author: "anna" }),
    });
    await web.ask("DELETE", "/api/v1/maintenance?name=nobody&author=otto", { headers: BEARER });
    await web.ask("POST", "/-/reload", { headers: BEARER });
    expect(writes()).toMatchObject([
      {
        from: "127.0.0.1",
        forwardedFor: "198.51.100.7, a\\u0009b",
        token: true,
        path: "/api/v1/maintenance",
        status: 200,
        did: "declare a maintenance window",
        window: "cu15",
        servers: "ex02",
        author: "anna",
      },
      {
        method: "DELETE",
        status: 404,
        did: "end a maintenance window",
        window: "nobody",
        author: "otto",
      },
      { method: "POST", path: "/-/reload", status: 200, token: true },
    ]);
    expect(JSON.stringify(web.fields)).not.toContain("t0ken");
  });

  test.each([
    ["a name with a control sequence", { name: "\u001b[2J", servers: ["ex01"], for: "1h" }],
    ["a server with a line end", { name: "x", servers: ["ex01\nex02"], for: "1h" }],
    ["an author with a bidi control", { name: "x", servers: ["a"], for: "1h", author: "\u202ea" }],
    ["a reason with a NUL", { name: "x", servers: ["a"], for: "1h", reason: "a\u0000" }],
    ["a name too long", { name: "x".repeat(201), servers: ["a"], for: "1h" }],
  ])("API › refuses %s", async (_, body) => {
    const maintenance = {
      ...(await realDeclarations({ now: NOON })),
      preflight: () => Promise.reject(new Error("not asked")),
      verify: () => Promise.reject(new Error("not asked")),
    };
    const web = await serve(maintenanceHour(), {
      actions: { ...IDLE_ACTIONS, maintenance },
      token: () => "t0ken",
    });
    const headers = { ...BEARER, "content-type": "application/json" };
    const answer = await web.ask("POST", "/api/v1/maintenance", {
      headers,
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    for (const query of ["name=%1b%5b2J", `name=x&author=${"a".repeat(201)}`, "name="]) {
      const path = `/api/v1/maintenance?${query}`;
      expect((await web.ask("DELETE", path, { headers: BEARER })).status).toBe(400);
    }
    for (const query of [`server=${"a".repeat(201)}`, "server=a%0ab"]) {
      expect((await web.get(`/api/v1/maintenance/preflight?${query}`)).status).toBe(400);
      expect((await web.get(`/api/v1/maintenance/verify?want=drained&${query}`)).status).toBe(400);
    }
  });
});

test.each([
  ["slow headers", "GET / HTTP/1.1\r\nHost: localhost\r\nX: "],
  ["silence", ""],
  ["slow bodies", "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"],
])("connection limit › bounds %s of one address and serves the newest visitor", async (_, text) => {
  const web = await serve(maintenanceHour());
  let open = 0;
  for (let index = 0; index < 1_200; index += 1) {
    const socket = connect(web.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => undefined).on("close", () => (open -= 1));
    socket.resume();
    await new Promise((resolve) => socket.once("connect", resolve));
    open += 1;
    socket.write(text);
    if (index % 300 === 0) {
      expect((await web.get("/-/healthy")).status).toBe(200);
    }
  }
  await until(() => open <= 256);
  expect((await web.get("/-/healthy")).status).toBe(200);
  expect(web.logged.filter((line) => line.includes("too many connections"))).toHaveLength(1);
});
