import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import {
  closedPort,
  conversation,
  serve,
  serveInSingleBytes,
  type Behaviour,
  type ScriptedServer,
} from "../../support/scripted-server.ts";
import { startHaproxy, type HaproxyState } from "../../support/servers/haproxy.ts";

const TIMEOUT_MS = 700;
/** What ends well by itself may take its time on a busy machine. */
const PATIENCE_MS = 10_000;

/** The same check in both languages. */
interface Check {
  readonly spec: MonitorSpec;
  readonly directives: readonly string[];
}
const checks = {
  tcp: { spec: monitorSpec("TCP"), directives: [] },
  tcps: { spec: monitorSpec("TCP", {}, { tls: PLAIN_TLS }), directives: [] },
  http: {
    spec: monitorSpec("HTTP", { httpRequest: "GET /health" }),
    directives: ["option httpchk GET /health", "http-check expect status 200"],
  },
  httpEcv: {
    spec: monitorSpec("HTTP-ECV", { send: "GET /owa/healthcheck.htm", recv: "200 OK" }),
    directives: ["option httpchk GET /owa/healthcheck.htm", 'http-check expect string "200 OK"'],
  },
  httpsEcv: {
    spec: monitorSpec("HTTP-ECV", { send: "GET /x", recv: "200 OK" }, { tls: PLAIN_TLS }),
    directives: ["option httpchk GET /x", 'http-check expect string "200 OK"'],
  },
  imapEcv: {
    spec: monitorSpec("TCP-ECV", { send: null, recv: "IMAP4 service is ready." }),
    directives: ["option tcp-check", 'tcp-check expect string "IMAP4 service is ready."'],
  },
  imapsEcv: {
    spec: monitorSpec(
      "TCP-ECV",
      { send: null, recv: "IMAP4 service is ready." },
      { tls: PLAIN_TLS },
    ),
    directives: ["option tcp-check", 'tcp-check expect string "IMAP4 service is ready."'],
  },
  askEcv: {
    spec: monitorSpec("TCP-ECV", { send: "PING\r\n", recv: "+PONG" }),
    directives: ["option tcp-check", "tcp-check send PING\\r\\n", "tcp-check expect string +PONG"],
  },
  smtp: { spec: monitorSpec("SMTP"), directives: ["option smtpchk EHLO witness.example.com"] },
} satisfies Record<string, Check>;

const { certificate: cert, key } = labCertificate("mail");
const greeting = "* OK The Microsoft Exchange IMAP4 service is ready.\r\n";
const silent: Behaviour = () => undefined;
const closing: Behaviour = (socket) => socket.end();
const resetting: Behaviour = (socket) => socket.resetAndDestroy();
const says =
  (text: string): Behaviour =>
  (socket) =>
    socket.write(text);
const page =
  (status: string, body: string, head = ""): Behaviour =>
  (socket) =>
    socket.once("data", () =>
      socket.end(`HTTP/1.1 ${status}\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`),
    );
const smtp = (hello: string, banner = "220 ex01.example.com ready\r\n"): Behaviour =>
  conversation(banner, [
    [/^(EHLO|HELO)/, hello],
    [/^QUIT/, "221 bye\r\n"],
  ]);

interface Case {
  readonly name: string;
  readonly check: keyof typeof checks;
  /** "nobody": nothing listens. */
  readonly server: Behaviour | "nobody";
  readonly tls?: boolean;
  readonly inSingleBytes?: boolean;
  readonly up: boolean;
  /** HAProxy's opinion where it differs; the name then gives the reason. */
  readonly haproxyUp?: boolean;
}
const cases: readonly Case[] = [
  { name: "TCP: open port", check: "tcp", server: silent, up: true },
  { name: "TCP: closed port", check: "tcp", server: "nobody", up: false },
  {
    name: "TCP: accepted, then closed (both pass a server in maintenance)",
    check: "tcp",
    server: closing,
    up: true,
  },
  { name: "TCP with TLS", check: "tcps", server: silent, tls: true, up: true },
  {
    name: "TCP with TLS: clear text on the port",
    check: "tcps",
    server: says("* BYE closed. 14\r\n"),
    up: false,
  },
  { name: "TCP with TLS: accepted, then closed", check: "tcps", server: closing, up: false },
  { name: "TCP with TLS: silence", check: "tcps", server: silent, up: false },
  { name: "HTTP: 200", check: "http", server: page("200 OK", "fine"), up: true },
  {
    name: "HTTP: 503",
    check: "http",
    server: page("503 Service Unavailable", "200 OK"),
    up: false,
  },
  {
    name: "HTTP: 301 is not followed",
    check: "http",
    server: page("301 Moved", "", "Location: /\r\n"),
    up: false,
  },
  {
    name: "HTTP: aborted without a status line",
    check: "http",
    server: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    up: false,
  },
  {
    name: "HTTP: another protocol answers",
    check: "http",
    server: says("220 mail\r\n"),
    up: false,
  },
  { name: "HTTP: silence", check: "http", server: silent, up: false },
  {
    name: "HTTP: a byte at a time",
    check: "http",
    server: page("200 OK", "fine"),
    inSingleBytes: true,
    up: true,
  },
  {
    name: "HTTP-ECV: the health page",
    check: "httpEcv",
    server: page("200 OK", "200 OK<br/>EX01"),
    up: true,
  },
  { name: "HTTP-ECV: another page", check: "httpEcv", server: page("200 OK", "logon"), up: false },
  {
    name: "HTTP-ECV: the pattern in an error page passes",
    check: "httpEcv",
    server: page("500 Oops", "not 200 OK"),
    up: true,
  },
  {
    name: "HTTP-ECV: the status line alone is not the body",
    check: "httpEcv",
    server: page("200 OK", ""),
    up: false,
  },
  {
    name: "HTTP-ECV: the pattern after 20 KB (differs: HAProxy looks at 16 KB, NetScaler at 24 KB)",
    check: "httpEcv",
    server: page("200 OK", `${"x".repeat(20_000)}200 OK`),
    up: true,
    haproxyUp: false,
  },
  {
    name: "HTTP-ECV: the pattern after 30 KB",
    check: "httpEcv",
    server: page("200 OK", `${"x".repeat(30_000)}200 OK`),
    up: false,
  },
  {
    name: "HTTP-ECV over TLS",
    check: "httpsEcv",
    server: page("200 OK", "200 OK"),
    tls: true,
    up: true,
  },
  {
    name: "HTTP-ECV over TLS: clear text on the port",
    check: "httpsEcv",
    server: page("200 OK", "200 OK"),
    up: false,
  },
  { name: "TCP-ECV: the banner", check: "imapEcv", server: says(greeting), up: true },
  {
    name: "TCP-ECV: the banner a byte at a time",
    check: "imapEcv",
    server: says(greeting),
    inSingleBytes: true,
    up: true,
  },
  {
    name: "TCP-ECV: a customised banner",
    check: "imapEcv",
    server: says("* OK Contoso mail\r\n"),
    up: false,
  },
  { name: "TCP-ECV: accepted, then closed", check: "imapEcv", server: closing, up: false },
  { name: "TCP-ECV: accepted, then reset", check: "imapEcv", server: resetting, up: false },
  { name: "TCP-ECV: silence", check: "imapEcv", server: silent, up: false },
  { name: "TCP-ECV: closed port", check: "imapEcv", server: "nobody", up: false },
  {
    name: "TCP-ECV: banner, then closed (both look no further)",
    check: "imapEcv",
    server: (socket) => socket.end(greeting),
    up: true,
  },
  { name: "TCP-ECV over TLS", check: "imapsEcv", server: says(greeting), tls: true, up: true },
  {
    name: "TCP-ECV over TLS: TLS works, no banner",
    check: "imapsEcv",
    server: silent,
    tls: true,
    up: false,
  },
  {
    name: "TCP-ECV that asks",
    check: "askEcv",
    server: conversation("", [[/^PING/, "+PONG\r\n"]]),
    up: true,
  },
  {
    name: "TCP-ECV that asks: another answer",
    check: "askEcv",
    server: conversation("", [[/^PING/, "-ERR\r\n"]]),
    up: false,
  },
  { name: "SMTP: greets and answers", check: "smtp", server: smtp("250 hello\r\n"), up: true },
  {
    name: "SMTP: lines of extensions",
    check: "smtp",
    server: smtp("250-hello\r\n250 SIZE\r\n"),
    up: true,
  },
  {
    name: "SMTP: 421 at connect",
    check: "smtp",
    server: smtp("", "421 4.3.2 Service not available\r\n"),
    up: false,
  },
  {
    name: "SMTP: 421 after EHLO",
    check: "smtp",
    server: smtp("421 4.3.2 Service not available\r\n"),
    up: false,
  },
  { name: "SMTP: a greeting and then silence", check: "smtp", server: smtp(""), up: false },
  { name: "SMTP: accepted, then closed", check: "smtp", server: closing, up: false },
  {
    name: "SMTP: EHLO unknown, HELO known (differs: HAProxy sends EHLO alone, Net::SMTP and the replica fall back)",
    check: "smtp",
    server: conversation("220 old\r\n", [
      [/^EHLO/, "500 what?\r\n"],
      [/^HELO/, "250 hello\r\n"],
      [/^QUIT/, "221 bye\r\n"],
    ]),
    up: true,
    haproxyUp: false,
  },
];

const noHaproxy = missing("haproxy", "haproxy");
describe.skipIf(noHaproxy !== null)(`monitor replica against HAProxy ${noHaproxy ?? ""}`, () => {
  const servers: ScriptedServer[] = [];
  const ports = new Map<string, number>();
  let haproxy: RealServer & { states(): Promise<ReadonlyMap<string, HaproxyState>> };
  let states: ReadonlyMap<string, HaproxyState>;

  beforeAll(async () => {
    for (const { name, server, tls, inSingleBytes } of cases) {
      ports.set(name, await start(server, tls === true, inSingleBytes === true));
    }
    haproxy = await startHaproxy(
      cases.map(({ name, check, up }, at) => ({
        name: `case${at}`,
        port: ports.get(name) ?? 0,
        directives: [
          ...(up ? [`timeout check ${PATIENCE_MS}ms`, `timeout connect ${PATIENCE_MS}ms`] : []),
          ...checks[check].directives,
        ],
        tls: checks[check].spec.tls !== null,
      })),
      TIMEOUT_MS,
    );
    states = await settled();
  });
  afterAll(async () => {
    await haproxy.stop();
    await Promise.all(servers.map((server) => server.close()));
  });

  async function start(
    behaviour: Behaviour | "nobody",
    tls: boolean,
    slow: boolean,
  ): Promise<number> {
    if (behaviour === "nobody") {
      return closedPort();
    }
    const server = await serve(behaviour, tls ? { cert, key } : null);
    servers.push(server);
    if (!slow) {
      return server.port;
    }
    const relay = await serveInSingleBytes(server.port);
    servers.push(relay);
    return relay.port;
  }

  /** Every server has had at least one whole check. */
  async function settled(): Promise<ReadonlyMap<string, HaproxyState>> {
    const deadline = performance.now() + 40_000;
    for (;;) {
      const seen = await haproxy.states();
      const done = [...seen.values()].filter(({ checkStatus }) =>
        /^(?:\* )?(?:L[467]|SOCKERR)/.test(checkStatus),
      );
      if (done.length === cases.length) {
        return seen;
      }
      if (performance.now() > deadline) {
        throw new Error(`HAProxy did not finish its checks\n${haproxy.output()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  test.each(cases.map((each, at) => [each.name, each, at] as const))(
    "gives the expected result and compares as expected with HAProxy: %s",
    async (name, each, at) => {
      const target = { host: "127.0.0.1", port: ports.get(name) ?? 0, server: null };
      const { passed } = await runMonitor(
        checks[each.check].spec,
        target,
        probeContext(each.up ? PATIENCE_MS : TIMEOUT_MS),
      );
      const state = states.get(`case${at}`);
      expect(passed, "the replica").toBe(each.up);
      expect(state?.up, `HAProxy says ${state?.checkStatus}`).toBe(each.haproxyUp ?? each.up);
    },
  );
});
