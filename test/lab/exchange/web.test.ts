import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExchangeServer } from "../../../lab/exchange/exchange-server.ts";
import {
  hasProgram,
  httpsRequest,
  newOrganisation,
  portOf,
  rawExchange,
  run,
  startServer,
} from "./support.ts";

const VIRTUAL_DIRECTORIES = [
  "/owa",
  "/ecp",
  "/EWS",
  "/Microsoft-Server-ActiveSync",
  "/mapi",
  "/rpc",
  "/OAB",
  "/Autodiscover",
  "/PowerShell",
];

let server: ExchangeServer;
let https: number;

beforeEach(async () => {
  server = await startServer({ organisation: newOrganisation() });
  https = portOf(server, 443);
});

afterEach(() => server.close());

function get(path: string, method = "GET") {
  return httpsRequest(https, path, { method });
}

describe("lab health page", () => {
  it.each(VIRTUAL_DIRECTORIES)("of %s names the server", async (directory) => {
    const { status, body } = await get(`${directory}/healthcheck.htm`);
    expect({ status, body }).toEqual({ status: 200, body: "200 OK<br/>EX01.LAB.EXAMPLE.COM" });
  });

  it("is found by its ending in any letter case, and only by GET", async () => {
    expect((await get("/OWA/x/HEALTHCHECK.HTM")).body).toBe("200 OK<br/>EX01.LAB.EXAMPLE.COM");
    expect((await get("/owa/healthcheck.htm", "HEAD")).status).toBe(440);
    expect((await get("/ews/healthcheck.htm", "HEAD")).status).toBe(401);
  });

  it("is reset when the server is in maintenance while other pages are served", async () => {
    await server.set("all", { kind: "maintenance" });
    for (const directory of VIRTUAL_DIRECTORIES) {
      await expect(get(`${directory}/healthcheck.htm`)).rejects.toMatchObject({
        code: "ECONNRESET",
      });
    }
    expect((await get("/owa/")).status).toBe(302);
    expect((await get("/EWS/Exchange.asmx")).status).toBe(401);
    await server.set("all", { kind: "healthy" });
    expect((await get("/owa/healthcheck.htm")).status).toBe(200);
  });

  it("is reset for one component in maintenance and served for a draining one", async () => {
    await server.set("ews", { kind: "maintenance" });
    await server.set("owa", { kind: "draining" });
    await expect(get("/ews/healthcheck.htm")).rejects.toThrow();
    expect((await get("/owa/healthcheck.htm")).status).toBe(200);
    expect((await get("/mapi/healthcheck.htm")).status).toBe(200);
  });

  it("changes only when its cache expires", async () => {
    const slow = await startServer({ organisation: newOrganisation(), healthCacheMs: 60_000 });
    try {
      const port = portOf(slow, 443);
      expect((await httpsRequest(port, "/owa/healthcheck.htm")).status).toBe(200);
      await slow.set("all", { kind: "maintenance" });
      expect((await httpsRequest(port, "/owa/healthcheck.htm")).status).toBe(200);
      await expect(httpsRequest(port, "/ews/healthcheck.htm")).rejects.toThrow();
    } finally {
      await slow.close();
    }
  });

  it("does not exist on 2010", async () => {
    const old = await startServer({ organisation: newOrganisation(), version: "2010" });
    try {
      const answer = await httpsRequest(portOf(old, 443), "/owa/healthcheck.htm");
      expect(answer.status).toBe(302);
      expect(answer.headers["location"]).toContain("/owa/auth/logon.aspx");
    } finally {
      await old.close();
    }
  });
});

describe("lab web server without authentication", () => {
  it("redirects the root to OWA", async () => {
    const { status, headers } = await get("/");
    expect(status).toBe(302);
    expect(headers["location"]).toBe("https://mail.example.com/owa/");
    expect(headers["x-feserver"]).toBe("EX01");
  });

  it("redirects OWA to its form and answers other methods with 440", async () => {
    const { status, headers } = await get("/owa/");
    expect(status).toBe(302);
    expect(headers["location"]).toBe(
      "https://mail.example.com/owa/auth/logon.aspx?url=https%3A%2F%2Fmail.example.com%2Fowa%2F&reason=0",
    );
    expect(headers["x-feserver"]).toBe("EX01");
    expect((await get("/owa/", "HEAD")).status).toBe(440);
    const post = await get("/owa/", "POST");
    expect([post.status, post.body]).toEqual([440, "440 Login Timeout"]);
    const form = await get("/owa/auth/logon.aspx?url=x&reason=0");
    expect(form.status).toBe(200);
    expect(form.body).toContain('name="password"');
    expect((await get("/ecp/")).headers["location"]).toContain("replaceCurrent=1");
  });

  it.each([
    ["/EWS/Exchange.asmx", "Negotiate, NTLM"],
    ["/mapi/emsmdb/", "Negotiate, NTLM"],
    ["/OAB/", "Negotiate, NTLM"],
    ["/Microsoft-Server-ActiveSync", 'Basic realm="mail.example.com"'],
    ["/rpc/rpcproxy.dll", 'Basic realm="mail.example.com", NTLM, Negotiate'],
    ["/Autodiscover/Autodiscover.xml", 'Basic realm="mail.example.com", NTLM, Negotiate'],
    ["/PowerShell/", "Negotiate"],
  ])("challenges %s with %s", async (path, schemes) => {
    const { status, headers } = await get(path);
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toBe(schemes);
    expect(headers["x-feserver"]).toBe("EX01");
    expect(headers["request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("challenges with other schemes when set", async () => {
    await server.set("ews", { kind: "auth_schemes", schemes: ["Basic"] });
    expect((await get("/ews/exchange.asmx")).headers["www-authenticate"]).toMatch(/^Basic/);
  });

  it("answers Autodiscover version 2", async () => {
    const path =
      "/autodiscover/autodiscover.json?Email=probe-a@lab.example.com&Protocol=ActiveSync";
    expect(JSON.parse((await get(path)).body)).toEqual({
      Protocol: "ActiveSync",
      Url: "https://mail.example.com/Microsoft-Server-ActiveSync",
    });
  });
});

describe("lab web server on port 80", () => {
  const request =
    "GET /owa/healthcheck.htm HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n";

  it("answers 403 when SSL is required", async () => {
    const { received } = await rawExchange(portOf(server, 80), { send: request });
    expect(received).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(received).toMatch(/\r\nContent-Length: 0\r\n/);
  });

  it("serves when the ADC offloads TLS", async () => {
    const offloaded = await startServer({ organisation: newOrganisation(), sslOffloaded: true });
    try {
      const { received } = await rawExchange(portOf(offloaded, 80), { send: request });
      expect(received).toMatch(
        /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n200 OK<br\/>EX01\.LAB\.EXAMPLE\.COM$/,
      );
    } finally {
      await offloaded.close();
    }
  });
});

describe("lab web server condition", () => {
  it("app_pool_stopped answers 503 from http.sys", async () => {
    await server.set("owa", { kind: "app_pool_stopped" });
    const { status, headers } = await get("/owa/healthcheck.htm");
    expect(status).toBe(503);
    expect(headers["server"]).toBe("Microsoft-HTTPAPI/2.0");
    expect(headers["x-feserver"]).toBeUndefined();
    expect((await get("/ews/healthcheck.htm")).status).toBe(200);
  });

  it("http_answer replaces every page, including the health page", async () => {
    await server.set("https", { kind: "http_answer", status: 503, body: "error 200 of 300" });
    const { status, body } = await get("/owa/healthcheck.htm");
    expect([status, body]).toEqual([503, "error 200 of 300"]);
  });

  it("health_always_up answers 200 in maintenance", async () => {
    await server.set("owa", [{ kind: "maintenance" }, { kind: "health_always_up" }]);
    expect((await get("/owa/healthcheck.htm")).status).toBe(200);
  });

  it("slow delays each response", async () => {
    await server.set("https", { kind: "slow", delayMs: 150 });
    const start = performance.now();
    expect((await get("/owa/healthcheck.htm")).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(140);
  });
});

describe.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_http", "monitoring-plugins"))(
  "lab web server with check_http",
  () => {
    const check = (...args: string[]) =>
      run("/usr/lib/nagios/plugins/check_http", [
        ...["-I", "127.0.0.1", "-p", String(https), "-S", "--sni", "-H", "mail.example.com"],
        ...args,
      ]);
    const healthPage = ["-u", "/owa/healthcheck.htm", "-e", "200 OK", "-s", "200 OK<br/>"];

    it("is OK with the health page and not OK in maintenance", async () => {
      expect((await check(...healthPage)).status).toBe(0);
      await server.set("all", { kind: "maintenance" });
      expect((await check(...healthPage)).status).not.toBe(0);
      expect((await check("-u", "/owa/", "-e", "302")).status).toBe(0);
    });

    it("is critical when the certificate is expired", async () => {
      const certificate = ["-C", "30"];
      expect((await check(...certificate)).status).toBe(0);
      await server.set("https", { kind: "certificate", name: "expired" });
      const { status, output } = await check(...certificate);
      expect([status, output.includes("expired on")]).toEqual([2, true]);
    });
  },
);

describe.skipIf(!hasProgram("curl", "curl"))("lab web server with curl", () => {
  it("gives exit status 52 or 56 when the health page is reset", async () => {
    const args = ["--silent", "--insecure", `https://127.0.0.1:${https}/owa/healthcheck.htm`];
    expect(await run("curl", args)).toEqual({
      status: 0,
      output: "200 OK<br/>EX01.LAB.EXAMPLE.COM",
    });
    await server.set("all", { kind: "maintenance" });
    expect([52, 56]).toContain((await run("curl", args)).status);
  });
});
