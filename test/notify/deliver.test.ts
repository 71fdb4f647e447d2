import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { labCa, labCertificate } from "../../lab/certificates/lab-certificate.ts";
import type { MailReceiver, Receiver, WebhookReceiver } from "../../src/config/schema.ts";
import { Secret } from "../../src/lib/secret.ts";
import { deliver } from "../../src/notify/deliver.ts";
import { testMessage, type Message } from "../../src/notify/message.ts";
import { postfixNeeds, startPostfixAs } from "../support/servers/postfix.ts";
import { debianProgram } from "../support/debian-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MESSAGE = testMessage({ agent: "dc1", externalUrl: null, now: 0 });
const never = new AbortController().signal;

const mail = (port: number, more: Partial<MailReceiver> = {}): MailReceiver => ({
  kind: "mail",
  host: "127.0.0.1",
  port,
  security: "auto",
  from: "witness@example.com",
  to: ["team@mail.example.com"],
  login: null,
  ca: null,
  serverName: null,
  verify: false,
  ...more,
});

const webhook = (url: string, more: Partial<WebhookReceiver> = {}): WebhookReceiver => ({
  kind: "webhook",
  url: new Secret(url),
  template: { kind: "json" },
  ca: null,
  verify: true,
  ...more,
});

const postfix =
  debianProgram("postconf", "postfix") === null ? "Postfix is missing" : postfixNeeds();

describe.skipIf(postfix !== null)("mail", () => {
  test("is sent in clear text, by STARTTLS and over TLS, and fails when name or issuer do not fit", async () => {
    const inbox = join(await temporaryFolder(), "inbox");
    mkdirSync(inbox);
    for (const folder of [join(inbox, ".."), inbox]) {
      chmodSync(folder, 0o777);
    }
    const server = await startPostfixAs({
      ports: ["smtp", "smtps"],
      main: `mydestination = mail.example.com
mynetworks = 127.0.0.0/8
local_transport = capture:
smtpd_reject_unlisted_recipient = no
`,
      master: (ports) => `127.0.0.1:${String(ports["smtp"] ?? 0)} inet n - n - - smtpd
  -o smtpd_tls_security_level=may
127.0.0.1:${String(ports["smtps"] ?? 0)} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
capture unix - n n - 1 pipe
  flags=F user=nobody argv=/usr/bin/tee -a ${inbox}/mail
`,
    });
    onTestFinished(() => server.stop());
    const { smtp = 0, smtps = 0 } = server.ports;
    const ca = labCa();
    const verified = { ca, verify: true, serverName: "mail.example.com" } as const;
    const tries: readonly (readonly [Receiver, "sent" | "failed" | "refused"])[] = [
      [mail(smtp), "sent"],
      [mail(smtp, { security: "none" }), "sent"],
      [mail(smtp, { security: "starttls", ...verified }), "sent"],
      [mail(smtps, { security: "implicit", ...verified }), "sent"],
      [
        mail(smtp, { security: "starttls", ...verified, serverName: "other.example.net" }),
        "failed",
      ],
      [mail(smtp, { security: "starttls", verify: true }), "failed"],
      [mail(smtp, { to: ["someone@elsewhere.example.net"], from: "nobody@[bad" }), "refused"],
    ];
    for (const [receiver, expected] of tries) {
      const delivery = await deliver(receiver, MESSAGE, never);
      expect([receiver, delivery.kind], JSON.stringify(delivery)).toEqual([receiver, expected]);
    }
    await expect
      .poll(() => readFileSync(`${inbox}/mail`, "utf8").match(/Subject: \[TEST\]/g)?.length, {
        timeout: 20_000,
      })
      .toBe(4);
    expect(readFileSync(`${inbox}/mail`, "utf8")).toMatch(/^Auto-Submitted: auto-generated$/m);
  });
});

test("mail › fails when the signal aborts while the server is silent", async () => {
  const silent = createTcpServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  onTestFinished(() => void silent.close());
  const stop = new AbortController();
  const delivery = deliver(mail((silent.address() as AddressInfo).port), MESSAGE, stop.signal);
  await once(silent, "connection");
  stop.abort();
  expect((await delivery).kind).toBe("failed");
});

describe("webhook", () => {
  test.each([
    [204, {}, { kind: "sent" }],
    [400, {}, { kind: "refused", why: "HTTP status 400" }],
    [404, {}, { kind: "failed", why: "HTTP status 404", retryAfterMs: null }],
    [429, { "retry-after": "7" }, { kind: "failed", why: "HTTP status 429", retryAfterMs: 7_000 }],
    [
      429,
      { "retry-after": "999999999" },
      { kind: "failed", why: "HTTP status 429", retryAfterMs: 3_600_000 },
    ],
    [
      302,
      { location: "http://127.0.0.1:1/" },
      { kind: "failed", why: "HTTP status 302", retryAfterMs: null },
    ],
    [
      500,
      { "retry-after": "soon" },
      { kind: "failed", why: "HTTP status 500", retryAfterMs: null },
    ],
  ] as const)(
    "gives the expected delivery on status %i with headers %j",
    async (status, headers, expected) => {
      const received: { request: IncomingMessage; body: string }[] = [];
      const server = createServer((request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString()));
        request.on("end", () => {
          received.push({ request, body });
          response.writeHead(status, headers).end("x".repeat(100_000));
        });
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${String(port)}/hook?token=s3cret`;
      expect(await deliver(webhook(url), MESSAGE, never)).toEqual(expected);
      expect(received.map(({ request, body }) => [request.method, request.url, body])).toEqual([
        ["POST", "/hook?token=s3cret", JSON.stringify(MESSAGE.data)],
      ]);
    },
  );

  const OK = "HTTP/1.1 200 OK\r\n";
  test.each([
    ["a header without end", `${OK}X: ${"x".repeat(200_000)}`, "failed"],
    ["headers without end", OK + "X: y\r\n".repeat(50_000), "failed"],
    ["a body without end", `${OK}\r\n${"x".repeat(5_000_000)}`, "sent"],
    [
      "invalid chunk sizes",
      `${OK}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
      "sent",
    ],
    ["interim responses, then nothing", "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000), "failed"],
    ["nothing", "", "failed"],
    ["text that is not HTTP", "\u001b[2K\r\nall is well\r\n", "failed"],
    ["an undefined status", "HTTP/1.1 999 \u001b[2K\r\n\r\n", "failed"],
    [
      "an overlong Retry-After",
      `HTTP/1.1 429 No\r\nRetry-After: ${"9".repeat(400)}\r\n\r\n`,
      "failed",
    ],
  ])(
    "ends and closes its connection when the receiver answers with %s",
    async (_case, text, kind) => {
      let open = 0;
      const server = createTcpServer((socket) => {
        open += 1;
        socket.on("error", () => undefined).on("close", () => (open -= 1));
        socket.once("data", () => socket.write(text));
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
      const delivery = await deliver(webhook(url), MESSAGE, AbortSignal.timeout(500));
      expect(delivery.kind).toBe(kind);
      expect(JSON.stringify(delivery)).not.toMatch(/\\u00|"retryAfterMs":\d/);
      await expect.poll(() => open).toBe(0);
    },
  );

  test("is sent over TLS only when the server proves its name", async () => {
    const { certificate, key } = labCertificate("mail");
    const server = createTlsServer({ cert: certificate, key }, (request, response) => {
      request.resume();
      response.end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}/`;
    expect((await deliver(webhook(url), MESSAGE, never)).kind).toBe("failed");
    expect((await deliver(webhook(url, { ca: labCa() }), MESSAGE, never)).kind).toBe("failed");
    expect(await deliver(webhook(url, { verify: false }), MESSAGE, never)).toEqual({
      kind: "sent",
    });
  });

  test("hides the URL when the delivery failed", async () => {
    const url = "http://127.0.0.1:1/hook?token=s3cret";
    const delivery = await deliver(webhook(url), MESSAGE, never);
    expect(delivery.kind).toBe("failed");
    expect(JSON.stringify(delivery)).not.toContain("s3cret");
  });
});

describe("command", () => {
  const script = (text: string): Receiver => ({
    kind: "command",
    command: [process.execPath, "-e", text],
  });

  test("receives the message in its environment and nothing else of the agent's", async () => {
    process.env["ADC_WITNESS_CANARY"] = "s3cret";
    onTestFinished(() => {
      delete process.env["ADC_WITNESS_CANARY"];
    });
    const checks =
      "const e = process.env; process.exit(e.ADC_WITNESS_CANARY === undefined && e.ADC_WITNESS_KIND === 'test'" +
      " && e.ADC_WITNESS_SUBJECT.startsWith('[TEST]') && e.ADC_WITNESS_TEXT.includes('test') && JSON.parse(e.ADC_WITNESS_JSON).version === 1 ? 0 : 7)";
    expect(await deliver(script(checks), MESSAGE, never)).toEqual({ kind: "sent" });
  });

  test.each([
    [
      "a status",
      "console.log('no such pager'); process.exitCode = 3",
      /^exit status 3: no such pager$/,
    ],
    ["a signal", "process.kill(process.pid, 'SIGTERM')", /^ended: SIGTERM$/],
  ])("fails with the reason on %s", async (_how, text, why) => {
    const delivery = await deliver(script(text), MESSAGE, never);
    expect(delivery).toMatchObject({ kind: "failed", why: expect.stringMatching(why) as string });
  });

  test("receives as many causes as fit when one of them has thousands of vservers", async () => {
    const cause = (name: string, count: number): Message["data"]["causes"][number] => ({
      state: "firing",
      key: name,
      adc: "prod",
      name,
      severity: "critical",
      verdicts: ["blind_monitor"],
      servers: [name],
      vservers: Array.from({ length: count }, (_, index) => `vserver-${String(index)}`),
      summary: "",
      details: [],
      advice: "",
      since: null,
    });
    const causes = [cause("ex01", 1), cause("ex02", 20_000)];
    const checks =
      "const { causes, omitted } = JSON.parse(process.env.ADC_WITNESS_JSON);" +
      " process.exit(causes.length === 1 && omitted === 1 ? 0 : 7)";
    const message = { ...MESSAGE, data: { ...MESSAGE.data, causes } };
    expect(await deliver(script(checks), message, never)).toEqual({ kind: "sent" });
  });

  test("fails when the program is missing", async () => {
    const delivery = await deliver(
      { kind: "command", command: ["/nowhere/pager"] },
      MESSAGE,
      never,
    );
    expect(delivery).toMatchObject({ kind: "failed", why: "ended: ENOENT" });
  });
});
