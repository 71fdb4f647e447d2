import { describe, expect, test } from "vitest";
import type { MaintenanceActions } from "../../src/web/sources.ts";
import {
  reportAnswer,
  windowAnswer,
  windowsAnswer,
  type WindowJson,
} from "../../src/web/api/maintenance.ts";
import { problemAnswer } from "../../src/web/api/routes.ts";
import { maintenanceHour, NOON } from "../support/live-state.ts";
import { realDeclarations } from "./real-declarations.ts";
import { IDLE_ACTIONS, serve } from "./support.ts";

const BEARER = { authorization: "Bearer t0ken" };

/** The real store in a folder of this test's own, behind a clock that a test can turn. */
async function agent(options: { token?: string | null } = {}) {
  const clock = { now: NOON };
  const maintenance: MaintenanceActions = {
    ...(await realDeclarations(clock)),
    preflight: (server, limits) =>
      Promise.resolve({
        server,
        ok: true,
        checks: [{ name: "members", ok: true, warning: false, message: JSON.stringify(limits) }],
      }),
    verify: (server, want) =>
      Promise.resolve({
        server,
        ok: false,
        checks: [{ name: want, ok: false, warning: false, message: "IMAP" }],
      }),
  };
  const web = await serve(maintenanceHour(), {
    actions: { ...IDLE_ACTIONS, maintenance },
    token: () => (options.token === undefined ? "t0ken" : options.token),
    now: () => clock.now,
  });
  const post = (body: unknown, headers: Record<string, string> = BEARER) =>
    web.ask("POST", "/api/v1/maintenance", {
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const windows = async (): Promise<readonly WindowJson[]> =>
    windowsAnswer.parse((await web.get("/api/v1/maintenance")).json).windows;
  return { ...web, clock, post, windows };
}

describe("maintenance API", () => {
  test("declares, lists and ends a window", async () => {
    const { post, windows, ask, clock } = await agent();
    const request = { name: "cu15", servers: ["ex02"], for: "2h", reason: "CU15", author: "anna" };
    const declared = await post(request);
    expect(declared.status).toBe(200);
    expect(windowAnswer.parse(declared.json).window).toEqual({
      name: "cu15",
      servers: ["ex02"],
      start: "2026-11-22T12:00:00.000Z",
      end: "2026-11-22T14:00:00.000Z",
      reason: "CU15",
      author: "anna",
      auto_end: false,
      flexible: false,
      source: "api",
      state: "open",
    });
    clock.now += 60_000;
    expect((await post(request)).json).toEqual(declared.json);
    expect(await windows()).toHaveLength(1);
    const ended = await ask("DELETE", "/api/v1/maintenance?name=cu15", { headers: BEARER });
    expect(windowAnswer.parse(ended.json).window).toMatchObject({
      state: "over",
      end: "2026-11-22T12:01:00.000Z",
    });
    expect((await ask("DELETE", "/api/v1/maintenance?name=cu15", { headers: BEARER })).status).toBe(
      404,
    );
  });

  test("accepts times with zones and windows without an end", async () => {
    const { post } = await agent();
    const fixed = await post({
      name: "move",
      servers: ["ex*"],
      start: "2026-12-01T20:00:00+01:00",
      end: "2026-12-01T23:00:00+01:00",
    });
    expect(windowAnswer.parse(fixed.json).window).toMatchObject({
      start: "2026-12-01T19:00:00.000Z",
      state: "coming",
    });
    const parked = await post({ servers: ["ex09"], end: "never" });
    expect(windowAnswer.parse(parked.json).window).toMatchObject({ name: "ex09", end: "never" });
  });

  test.each([
    ["no JSON", "{"],
    ["no servers", { servers: [], for: "2h" }],
    ["neither end nor duration", { servers: ["ex01"] }],
    ["both", { servers: ["ex01"], for: "2h", end: "never" }],
    ["a duration in words", { servers: ["ex01"], for: "two hours" }],
    ["no time at all", { servers: ["ex01"], for: "0s" }],
    ["a time without zone", { servers: ["ex01"], end: "2026-12-01T20:00:00" }],
    ["an unknown key", { servers: ["ex01"], for: "2h", silent: true }],
    ["a list", []],
  ])("refuses %s with a problem", async (_, body) => {
    const { post, windows } = await agent();
    const refused = await post(body);
    expect([refused.status, refused.headers["content-type"]]).toEqual([
      400,
      "application/problem+json",
    ]);
    expect(problemAnswer.parse(refused.json).detail).not.toBe("");
    expect(await windows()).toEqual([]);
  });

  test("refuses a write without the token, with another token, or sent as a form", async () => {
    const { post, windows } = await agent();
    const body = { servers: ["ex02"], for: "2h" };
    expect((await post(body, {})).status).toBe(401);
    expect((await post(body, { authorization: "Bearer other" })).status).toBe(403);
    expect(
      (await post("servers=ex02&for=2h", { ...BEARER, "content-type": "text/plain" })).status,
    ).toBe(400);
    expect(await windows()).toEqual([]);
    const closed = await agent({ token: null });
    expect((await closed.post(body)).status).toBe(403);
  });

  test("answers 413 when a body exceeds 64 KiB", async () => {
    const { post } = await agent();
    expect((await post({ servers: ["x".repeat(70_000)], for: "2h" })).status).toBe(413);
  });

  test("answers preflight and verify", async () => {
    const { get } = await agent();
    const before = reportAnswer.parse(
      (await get("/api/v1/maintenance/preflight?server=ex01")).json,
    );
    expect(before).toMatchObject({ server: "ex01", ok: true });
    const after = await get("/api/v1/maintenance/verify?server=ex02&want=drained");
    expect(reportAnswer.parse(after.json)).toMatchObject({ ok: false });
    expect((await get("/api/v1/maintenance/verify?server=ex02&want=gone")).status).toBe(400);
    expect((await get("/api/v1/maintenance/preflight")).status).toBe(400);
  });

  test("passes a preflight's limits on and refuses invalid ones", async () => {
    const { get } = await agent();
    const path = "/api/v1/maintenance/preflight?server=ex01";
    const limitsOf = async (query: string): Promise<unknown> =>
      JSON.parse(
        reportAnswer.parse((await get(`${path}${query}`)).json).checks[0]?.message ?? "null",
      );
    expect(await limitsOf("")).toEqual({ minCapacity: null, horizonMs: null });
    expect(await limitsOf("&min_capacity=3&horizon=90m")).toEqual({
      minCapacity: 3,
      horizonMs: 5_400_000,
    });
    for (const query of ["min_capacity=", "min_capacity=1.5", "min_capacity=99999", "horizon=9"]) {
      expect((await get(`${path}&${query}`)).status).toBe(400);
    }
  });
});

describe("maintenance forms", () => {
  const form = (fields: Record<string, string>) => ({
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
  });

  test("start and end a window with the token in the form", async () => {
    const { ask, get, windows, clock } = await agent();
    expect((await get("/maintenance?server=ex02")).text).toContain('value="ex02"');
    const fields = {
      action: "start",
      servers: "ex02, ex03",
      for: "2h",
      reason: "CU15",
      name: "",
      token: "t0ken",
    };
    const started = await ask("POST", "/maintenance", form(fields));
    expect([started.status, started.text]).toEqual([
      200,
      expect.stringContaining("Declared: ex02,ex03."),
    ]);
    expect(await windows()).toMatchObject([{ servers: ["ex02", "ex03"], state: "open" }]);
    clock.now += 60_000;
    const longer = await ask(
      "POST",
      "/maintenance",
      form({ action: "extend", name: "ex02,ex03", for: "1h", token: "t0ken" }),
    );
    expect(longer.text).toContain("Extended: ex02,ex03.");
    expect(longer.text).toContain('value="extend"');
    const [{ start = "", end = "" } = {}] = await windows();
    expect(Date.parse(end ?? "") - Date.parse(start ?? "")).toBe(3 * 3_600_000);
    const ended = await ask(
      "POST",
      "/maintenance",
      form({ action: "end", name: "ex02,ex03", token: "t0ken" }),
    );
    expect(ended.text).toContain("Ended: ex02,ex03.");
    expect(await windows()).toMatchObject([{ state: "over" }]);
  });

  test("change nothing without the token or when another site sends them", async () => {
    const { ask, windows } = await agent();
    const fields = { action: "start", servers: "ex02", for: "2h" };
    expect((await ask("POST", "/maintenance", form(fields))).status).toBe(403);
    expect((await ask("POST", "/maintenance", form({ ...fields, token: "other" }))).status).toBe(
      403,
    );
    const foreign = form({ ...fields, token: "t0ken" });
    const headers = { ...foreign.headers, origin: "https://evil.example" };
    expect((await ask("POST", "/maintenance", { ...foreign, headers })).status).toBe(403);
    expect(await windows()).toEqual([]);
  });

  test("never show the token again", async () => {
    const { ask } = await agent();
    const answer = await ask(
      "POST",
      "/maintenance",
      form({ action: "start", servers: "", for: "2h", token: "t0ken" }),
    );
    expect([answer.status, answer.text.includes("t0ken")]).toEqual([400, false]);
  });

  test("are not shown when no token is configured", async () => {
    const { get, ask } = await agent({ token: null });
    expect((await get("/maintenance")).text).not.toContain('method="post"');
    expect(
      (await ask("POST", "/maintenance", form({ action: "end", name: "x", token: "" }))).status,
    ).toBe(403);
  });
});

test("maintenance › says that the agent does not manage windows when it has no store", async () => {
  const web = await serve(maintenanceHour());
  expect((await web.get("/api/v1/maintenance")).status).toBe(404);
  expect((await web.get("/maintenance")).text).toContain("does not manage windows");
});
