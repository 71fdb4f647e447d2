import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MonitorParameters } from "../../../src/model/monitor.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { startNginx } from "../../support/servers/nginx.ts";

const noNginx = missing("nginx", "nginx");
describe.skipIf(noNginx !== null)(
  `HTTP, HTTP-ECV and TCP-ECV monitors against nginx ${noNginx ?? ""}`,
  () => {
    let nginx: RealServer;
    beforeAll(async () => {
      nginx = await startNginx();
    });
    afterAll(() => nginx.stop());

    function run(port: string, spec: MonitorSpec, timeoutMs = 10_000) {
      const target = { host: "127.0.0.1", port: nginx.ports[port] ?? 0, server: null };
      return runMonitor(spec, target, probeContext(timeoutMs));
    }

    type Case = readonly [
      name: string,
      type: string,
      parameters: Partial<MonitorParameters>,
      passed: boolean,
      reason: string,
    ];
    const codes = (...ranges: [number, number][]): Partial<MonitorParameters> => ({
      respCodes: ranges.map(([from, to]) => ({ from, to })),
    });
    test.each<Case>([
      ["the default HEAD /", "HTTP", {}, true, "ok"],
      ["a page", "HTTP", { httpRequest: "GET /late.txt" }, true, "ok"],
      ["404 is not 200", "HTTP", { httpRequest: "GET /nowhere" }, false, "bad_status"],
      [
        "404 in a range",
        "HTTP",
        { httpRequest: "GET /x", ...codes([200, 200], [400, 404]) },
        true,
        "ok",
      ],
      ["a redirect is not followed", "HTTP", { httpRequest: "GET /moved" }, false, "bad_status"],
      [
        "a redirect that is expected",
        "HTTP",
        { httpRequest: "HEAD /moved", ...codes([301, 302]) },
        true,
        "ok",
      ],
      ["the body does not matter", "HTTP", { httpRequest: "GET /broken" }, false, "bad_status"],
      [
        "aborted without an answer",
        "HTTP",
        { httpRequest: "GET /dropped" },
        false,
        "closed_without_data",
      ],
      [
        "the health page",
        "HTTP-ECV",
        { send: "GET /owa/healthcheck.htm", recv: "200 OK" },
        true,
        "ok",
      ],
      [
        "the status line is no body",
        "HTTP-ECV",
        { send: "GET /", recv: "HTTP/1.1" },
        false,
        "pattern_missing",
      ],
      ["200 in an error page", "HTTP-ECV", { send: "GET /broken", recv: "200" }, true, "ok"],
      [
        "letter case counts",
        "HTTP-ECV",
        { send: "GET /owa/healthcheck.htm", recv: "200 ok" },
        false,
        "pattern_missing",
      ],
      [
        "beyond 24 KB",
        "HTTP-ECV",
        { send: "GET /late.txt", recv: "needle" },
        false,
        "pattern_missing",
      ],
      [
        "within 24 KB of a long page",
        "HTTP-ECV",
        { send: "GET /early.txt", recv: "needle" },
        true,
        "ok",
      ],
      ["any answer without recv", "HTTP-ECV", { send: "GET /nowhere", recv: "" }, true, "ok"],
      [
        "HEAD has no body",
        "HTTP-ECV",
        { send: "HEAD /broken", recv: "200" },
        false,
        "pattern_missing",
      ],
      [
        "the raw stream has the status line",
        "TCP-ECV",
        { send: "GET / HTTP/1.0\r\n\r\n", recv: "200 OK" },
        true,
        "ok",
      ],
      [
        "a request without its end",
        "TCP-ECV",
        { send: "GET / HTTP/1.1", recv: "200 OK" },
        false,
        "response_timeout",
      ],
      [
        "Host is the member's address",
        "HTTP-ECV",
        { send: "GET /host", recv: "host=127.0.0.1 agent= " },
        false,
        "pattern_missing",
      ],
      [
        "Host is the member's address, no agent is named",
        "HTTP-ECV",
        { send: "GET /host", recv: "host=127.0.0.1 agent=" },
        true,
        "ok",
      ],
      [
        "customHeaders override Host",
        "HTTP-ECV",
        {
          send: "GET /host",
          recv: "host=mail.example.com ",
          customHeaders: "host:mail.example.com\r\nUser-Agent: adc\r\n",
        },
        true,
        "ok",
      ],
      [
        "a complete request is sent unchanged",
        "HTTP-ECV",
        {
          send: "GET /host HTTP/1.1\r\nHost: whole.example.com\r\nConnection: close\r\n\r\n",
          recv: "host=whole.example.com",
        },
        true,
        "ok",
      ],
    ])("give the expected result: %s", async (_name, type, parameters, passed, reason) => {
      const timeoutMs = reason === "response_timeout" ? 1_000 : 10_000;
      const result = await run("http", monitorSpec(type, parameters), timeoutMs);
      expect(result).toMatchObject({ passed, observation: { reason } });
    });

    test("report TLS facts and the serving host and send no SNI when secure", async () => {
      const spec = monitorSpec(
        "HTTP-ECV",
        { send: "GET /owa/healthcheck.htm", recv: "200 OK" },
        { tls: PLAIN_TLS },
      );
      const { observation, passed } = await run("https", spec);
      expect(passed).toBe(true);
      expect(observation).toMatchObject({
        servedBy: "ex01.example.com",
        exchangeSeen: true,
        tls: { protocol: "TLSv1.3", serverName: null, verification: "untrusted" },
      });
      for (const phase of ["connect", "tls", "first_byte", "transfer"] as const) {
        expect(observation.phases[phase], phase).toBeGreaterThanOrEqual(0);
      }
      expect(observation.responseTimeMs).toBeGreaterThan(0);
    });

    test("take the front end from X-FEServer when the status does not match", async () => {
      const { observation } = await run("http", monitorSpec("HTTP", { httpRequest: "GET /front" }));
      expect(observation).toMatchObject({
        servedBy: "ex02",
        exchangeSeen: true,
        outcome: "mismatch",
      });
    });

    test("use the policy's path and host at a VIP", async () => {
      const viaVip = { host: "vip.example.com", path: "/host" };
      const { passed } = await run(
        "http",
        monitorSpec("HTTP-ECV", { send: "GET /x", recv: "host=vip.example.com" }, { viaVip }),
      );
      expect(passed).toBe(true);
      const raw = {
        send: "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        recv: "host=vip.example.com",
      };
      expect((await run("http", monitorSpec("TCP-ECV", raw, { viaVip }))).passed).toBe(true);
    });

    test("report maintenance when trofsCode or trofsString matches", async () => {
      const code = monitorSpec("HTTP", { httpRequest: "GET /broken", trofsCode: 500 });
      expect(await run("http", code)).toMatchObject({
        passed: true,
        observation: { outcome: "maintenance" },
      });
      for (const type of ["HTTP-ECV", "TCP-ECV"]) {
        const send = type === "TCP-ECV" ? "GET /broken HTTP/1.0\r\n\r\n" : "GET /broken";
        const string = monitorSpec(type, { send, recv: "200", trofsString: "of an error" });
        expect(await run("http", string)).toMatchObject({
          observation: { outcome: "maintenance" },
        });
      }
    });

    test("fail when TLS meets a clear-text port or clear text a TLS port", async () => {
      expect(await run("http", monitorSpec("TCP", {}, { tls: PLAIN_TLS }))).toMatchObject({
        passed: false,
        observation: { outcome: "failed", step: "tls" },
      });
      expect(await run("https", monitorSpec("HTTP"))).toMatchObject({
        passed: false,
        observation: { reason: "bad_status" },
      });
    });

    test("report tls_protocol when the version ranges do not overlap", async () => {
      const old = {
        ...PLAIN_TLS,
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        legacy: true,
      } as const;
      expect(await run("https12", monitorSpec("TCP", {}, { tls: old }))).toMatchObject({
        observation: { outcome: "failed", reason: "tls_protocol", step: "tls" },
      });
      const modern = { ...PLAIN_TLS, minVersion: "TLSv1.3" } as const;
      expect(await run("https12", monitorSpec("TCP", {}, { tls: modern }))).toMatchObject({
        observation: { outcome: "failed", reason: "tls_protocol" },
      });
    });
  },
);
