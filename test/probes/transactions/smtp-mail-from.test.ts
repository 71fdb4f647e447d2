import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionSpec } from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContract } from "../../support/contract.ts";
import { probeContext } from "../../support/probe-context.ts";
import {
  conversation,
  serve,
  type Behaviour,
  type ScriptedServer,
  type Turn,
} from "../../support/scripted-server.ts";
import type { CertificateName } from "../../../lab/certificates/lab-certificate.ts";
import { readSigns } from "../../../src/verdict/detection.ts";
import { startTlsConversation } from "../../support/starttls-conversation.ts";
import { CLIENT_TLS, serverTls, transactionSpec } from "./transaction-spec.ts";

const BANNER =
  "220 EX01.lab.example.com Microsoft ESMTP MAIL Service ready at Sun, 22 Nov 2026 01:00:00 +0000\r\n";
const EHLO: Turn = [
  /^EHLO \[127\.0\.0\.1\]$/,
  [
    "250-EX01.lab.example.com Hello [127.0.0.1]",
    "250-SIZE 37748736",
    "250-PIPELINING",
    "250-X-ANONYMOUSTLS",
    "250-AUTH NTLM",
    "250 CHUNKING\r\n",
  ].join("\r\n"),
];
const MAIL: Turn = [/^MAIL FROM:<>$/, "250 2.1.0 Sender OK\r\n"];
const TURNS: readonly Turn[] = [
  EHLO,
  MAIL,
  [/^RSET$/, "250 2.0.0 Resetting\r\n"],
  [/^QUIT$/, "221 2.0.0 Service closing transmission channel\r\n"],
];
const healthy = conversation(BANNER, TURNS);

probeContract("smtp_mail_from", {
  run: (target, context) => runTransaction(transactionSpec("smtp_mail_from"), target, context),
  healthy,
});

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Look {
  readonly change?: Partial<TransactionSpec>;
  /** The port the estate names; the network maps it to the scripted server. */
  readonly port?: number;
  readonly timeoutMs?: number;
  readonly tls?: boolean;
}

async function look(
  behaviour: Behaviour,
  { change = {}, port = 25, timeoutMs = 1500, tls = false }: Look = {},
): Promise<Observation & { readonly server: ScriptedServer }> {
  const server = await serve(behaviour, tls ? serverTls() : null);
  servers.push(server);
  const network = createNetwork({
    connectTo: { [`192.0.2.1:${String(port)}`]: `127.0.0.1:${String(server.port)}` },
    unmapped: "refuse",
    now: () => performance.now(),
  });
  const seen = await runTransaction(
    transactionSpec("smtp_mail_from", change),
    { host: "192.0.2.1", port, server: "ex01" },
    probeContext(timeoutMs, { network }),
  );
  return { ...seen, server };
}

/** The healthy conversation, with the answer to one command changed. */
function answering(command: RegExp, answer: string): Behaviour {
  return conversation(BANNER, [[command, answer], ...TURNS]);
}

describe("smtp_mail_from", () => {
  test("sends MAIL FROM, RSET and QUIT, but no RCPT and no DATA", async () => {
    const seen = await look(healthy);
    expect(seen).toMatchObject({
      outcome: "match",
      step: "mail_from",
      servedBy: "ex01.lab.example.com",
      exchangeSeen: true,
    });
    expect(seen.server.received()).toBe("EHLO [127.0.0.1]\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n");
    expect(seen.evidence.detail).toBe("250 2.1.0 Sender OK; the server sees 127.0.0.1");
  });

  test.each([
    ["127.0.0.1", { seenAs: "127.0.0.1", own: true }],
    ["192.0.2.200", { seenAs: "192.0.2.200", own: false }],
    ["IPv6:2001:DB8::1", { seenAs: "2001:db8::1", own: false }],
    ['"} 1 <b>', undefined],
  ])(
    "reports the client address that the server sees when it greets [%s]",
    async (greeted, told) => {
      const seen = await look(
        answering(/^EHLO/, `250-ex01.lab.example.com Hello [${greeted}]\r\n250 SIZE\r\n`),
      );
      expect(seen.outcome).toBe("match");
      expect(seen.clientAddress).toEqual(told);
    },
  );

  test.each([
    ["421 4.3.2 Service not available\r\n", "service_not_active"],
    ["421 Service not available\r\n", "service_not_active"],
    ["421 4.3.2 Service not active\r\n", "service_not_active"],
    [
      "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel\r\n",
      "throttled",
    ],
    [
      "421 4.3.2 The maximum number of concurrent connections has exceeded a limit per source, closing transmission channel\r\n",
      "source_limit",
    ],
    ["421 4.7.0 mx Error: too many connections from 192.0.2.7\r\n", "source_limit"],
    ["452 4.3.1 Insufficient system resources\r\n", "back_pressure"],
    ["554 5.7.1 go away\r\n", "policy_refused"],
    ["* OK IMAP\r\n", "protocol_error"],
  ])("reports the refusal at step banner when greeted with %j: %s", async (banner, reason) => {
    const seen = await look((socket) => socket.end(banner));
    expect(seen).toMatchObject({ step: "banner", reason });
    // A refusal of this client alone says nothing about the server.
    const ofThisClient = ["source_limit", "policy_refused"].includes(reason);
    expect(ofThisClient ? ["fault"] : ["mismatch", "failed"]).toContain(seen.outcome);
  });

  test.each([
    ["421 4.3.2 Service not active\r\n", "service_not_active"],
    ["421 4.3.2 Service not available\r\n", "service_not_active"],
    ["452 4.3.1 Insufficient system resources\r\n", "back_pressure"],
    ["421 4.4.1 Connection timed out\r\n", "bad_status"],
    ["451 4.7.1 Greylisted, try again later\r\n", "policy_refused"],
    ["421 4.3.2 too many connections from this source\r\n", "source_limit"],
    ["451 4.7.0 Temporary server error. Please try again later.\r\n", "bad_status"],
    ["nonsense\r\n", "protocol_error"],
  ])(
    "reports the refusal at step mail_from when port 25 answers %j: %s",
    async (answer, reason) => {
      const seen = await look(answering(/^MAIL/, answer));
      expect(seen).toMatchObject({ step: "mail_from", reason });
      expect(seen.outcome === "fault").toBe(["policy_refused", "source_limit"].includes(reason));
    },
  );

  test.each([
    "530 5.7.1 Not authenticated\r\n",
    "530 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM\r\n",
    "530 5.7.0 Must issue a STARTTLS command first\r\n",
    "550 5.7.1 Client does not have permissions to send as this sender\r\n",
    "550 5.7.1 Sender denied as sender's email address is on SenderFilterConfig list\r\n",
    "554 5.7.1 Client host blocked\r\n",
  ])("matches when port 25 refuses MAIL FROM to this client with %j", async (answer) => {
    const seen = await look(answering(/^MAIL/, answer));
    expect(seen).toMatchObject({ outcome: "match", step: "mail_from", reason: "ok" });
    expect(seen.evidence.detail).toContain(answer.trim());
  });

  test.each([500, 502, 504, 550])(
    "falls back to HELO when EHLO is answered with %i",
    async (code) => {
      const seen = await look(
        conversation(BANNER, [
          [/^EHLO/, `${String(code)} 5.3.3 Unrecognized command\r\n`],
          [/^HELO \[127\.0\.0\.1\]$/, "250 EX01.lab.example.com\r\n"],
          ...TURNS,
        ]),
      );
      expect(seen).toMatchObject({ outcome: "match", step: "mail_from" });
    },
  );

  test("reports service_not_active when HELO is answered with 421", async () => {
    const seen = await look(
      conversation(BANNER, [
        [/^EHLO/, "500 unknown\r\n"],
        [/^HELO/, "421 4.3.2 Service not active\r\n"],
      ]),
    );
    expect(seen).toMatchObject({ step: "greeting", reason: "service_not_active" });
  });

  test("reports slow when greeted after more than half of the time", async () => {
    const late: Behaviour = (socket) => {
      setTimeout(() => healthy(socket), 600);
    };
    const seen = await look(late, { timeoutMs: 1_000 });
    expect(seen).toMatchObject({ outcome: "fault", step: "banner", reason: "slow" });
    const never = await look(() => undefined, { timeoutMs: 300 });
    expect(never).toMatchObject({ outcome: "timeout", reason: "banner_timeout" });
  });

  test.each([
    [587, "530 5.7.1 Not authenticated\r\n"],
    [587, "530 5.7.57 Client was not authenticated to send mail\r\n"],
    [587, "550 5.7.1 Client does not have permissions to submit to this server\r\n"],
    [465, "530 5.7.1 Not authenticated\r\n"],
  ])("matches when port %i refuses MAIL FROM with %j", async (port, answer) => {
    const seen = await look(answering(/^MAIL/, answer), { port });
    expect(seen).toMatchObject({ outcome: "match", step: "mail_from" });
    expect(seen.server.received()).not.toContain("RSET");
  });

  test("reports service_not_active when port 587 answers MAIL FROM with 421", async () => {
    const seen = await look(answering(/^MAIL/, "421 4.3.2 Service not active\r\n"), { port: 587 });
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "service_not_active" });
  });

  test("matches with expect: blocked only when the outside recipient is refused, and sends no DATA", async () => {
    const change = {
      expect: "blocked",
      options: { outside_address: "somebody@example.net" },
    } as const;
    const rcpt = (answer: string): Behaviour =>
      answering(/^RCPT TO:<somebody@example\.net>$/, answer);
    const closed = await look(rcpt("550 5.7.1 Unable to relay\r\n"), { change });
    expect(closed).toMatchObject({ outcome: "match", step: "mail_from" });
    const open = await look(rcpt("250 2.1.5 Recipient OK\r\n"), { change });
    expect(open).toMatchObject({ outcome: "mismatch", step: "transaction", reason: "bad_status" });
    for (const seen of [closed, open]) {
      expect(seen.server.received()).toContain("RSET\r\nQUIT\r\n");
      expect(seen.server.received()).not.toContain("DATA");
    }
    const injected = { ...change, options: { outside_address: "a@b>\r\nDATA" } };
    expect(await look(healthy, { change: injected })).toMatchObject({ reason: "not_configured" });
  });

  test("reports bad_status when EHLO and HELO are refused", async () => {
    const seen = await look(answering(/^(?:EHLO|HELO)/, "502 5.5.1 not implemented\r\n"));
    expect(seen).toMatchObject({ outcome: "mismatch", step: "greeting", reason: "bad_status" });
  });

  test("times out at step mail_from when the server hangs there", async () => {
    const seen = await look(conversation(BANNER, [EHLO]), { timeoutMs: 1_000 });
    expect(seen).toMatchObject({
      outcome: "timeout",
      step: "mail_from",
      reason: "response_timeout",
    });
  });

  test("does not recognise Exchange when a gateway masks EHLO", async () => {
    const seen = await look(
      conversation("220 gateway.example.com ready\r\n", [
        [/^EHLO/, "250-gateway.example.com\r\n250 XXXXXXXA\r\n"],
        ...TURNS.slice(1),
      ]),
    );
    expect(seen).toMatchObject({
      outcome: "match",
      servedBy: "gateway.example.com",
      exchangeSeen: false,
    });
  });

  test("reports tls_handshake when STARTTLS is required but not offered", async () => {
    const seen = await look(healthy, { change: { security: "starttls", tls: CLIENT_TLS } });
    expect(seen).toMatchObject({ step: "starttls", reason: "tls_handshake" });
  });

  test("reports bad_status when STARTTLS is refused temporarily", async () => {
    const seen = await look(
      conversation(BANNER, [
        [/^EHLO/, "250-EX01.lab.example.com Hello [127.0.0.1]\r\n250 STARTTLS\r\n"],
        [/^STARTTLS$/, "454 4.7.0 TLS not available\r\n"],
      ]),
      { change: { security: "starttls", tls: CLIENT_TLS } },
    );
    expect(seen).toMatchObject({ outcome: "mismatch", step: "starttls", reason: "bad_status" });
  });

  describe("optional STARTTLS", () => {
    const change = { security: "starttls_if_offered", tls: CLIENT_TLS } as const;
    const OFFER: Turn = [/^EHLO/, "250-EX01.lab.example.com Hello\r\n250 STARTTLS\r\n"];
    const refusing = (answer: string): Behaviour =>
      conversation(BANNER, [OFFER, [/^STARTTLS$/, answer], ...TURNS.slice(1)]);
    function securing(heard: string[], certificate: CertificateName, mail = MAIL[1]): Behaviour {
      return startTlsConversation({
        greeting: BANNER,
        clear: [OFFER],
        begins: [/^STARTTLS$/, "220 2.0.0 SMTP server ready\r\n"],
        tls: serverTls(certificate),
        secured: [EHLO, [/^MAIL FROM:<>$/, mail], ...TURNS.slice(2)],
        heard: (line) => heard.push(line),
      });
    }

    test.each([
      ["mail", "ok"],
      ["expired", "expired"],
      ["wrong_name", "name"],
      ["self_signed", "untrusted"],
    ] as const)(
      "sends MAIL FROM behind TLS when the certificate is %s and records verification %s",
      async (certificate, verification) => {
        const heard: string[] = [];
        const seen = await look(securing(heard, certificate), { change });
        expect(seen).toMatchObject({
          outcome: "match",
          step: "mail_from",
          tls: { verification },
          evidence: { detail: "250 2.1.0 Sender OK; the server sees 127.0.0.1" },
        });
        expect(seen.tls?.chain).not.toEqual([]);
        expect(heard.join("")).toBe("EHLO [127.0.0.1]\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n");
        expect(seen.server.received()).toMatch(/^EHLO \[127\.0\.0\.1\]\r\nSTARTTLS\r\n/);
        expect(Object.keys(seen.phases)).toContain("starttls");
      },
    );

    test("stays in clear text when STARTTLS is not offered", async () => {
      expect(await look(healthy, { change })).toMatchObject({ outcome: "match", tls: null });
    });

    test("reports maintenance that shows behind TLS", async () => {
      const seen = await look(securing([], "mail", "421 4.3.2 Service not active\r\n"), { change });
      expect(seen).toMatchObject({ step: "mail_from", reason: "service_not_active" });
      expect(readSigns(seen, "smtp")).toEqual({ sign: "smtp_not_active", smtpGreeted: true });
    });

    test("continues in clear text with a note when port 25 refuses STARTTLS with 454", async () => {
      const seen = await look(refusing("454 4.7.0 TLS not available\r\n"), { change });
      expect(seen).toMatchObject({ outcome: "match", step: "mail_from", tls: null });
      expect(seen.evidence.detail).toContain(
        "STARTTLS is offered, but fails: 454 4.7.0 TLS not available",
      );
    });

    test.each([
      [587, "454 4.7.0 TLS not available\r\n"],
      [25, "501 5.5.4 no\r\n"],
      [587, "502 5.5.1 not implemented\r\n"],
    ])("fails when port %i refuses STARTTLS with %j", async (port, answer) => {
      const seen = await look(refusing(answer), { change, port });
      expect(seen).toMatchObject({ outcome: "mismatch", step: "starttls", reason: "bad_status" });
    });

    test("fails at step starttls when the handshake breaks", async () => {
      const noise = refusing("220 go on\r\n");
      const garbage = await look(
        (socket) => {
          noise(socket);
          socket.on("data", (data) => data[0] === 0x16 && socket.write("500 what?\r\n"));
        },
        { change },
      );
      expect(garbage).toMatchObject({ step: "starttls", reason: "plaintext_on_tls_port" });
      const closed = await look(
        (socket) => {
          noise(socket);
          socket.on("data", (data) => data[0] === 0x16 && socket.end());
        },
        { change },
      );
      expect(closed).toMatchObject({ step: "starttls", reason: "tls_handshake" });
      const silent = await look(noise, { change, timeoutMs: 1_000 });
      expect(silent).toMatchObject({ outcome: "timeout", step: "starttls" });
    });

    test("is used when port 465 greets in clear text", async () => {
      const seen = await look(securing([], "mail"), {
        port: 465,
        change: { security: "implicit", tls: CLIENT_TLS },
      });
      expect(seen).toMatchObject({ outcome: "match", tls: { verification: "ok" } });
    });
  });

  test("reports protocol_error when reply lines do not end", async () => {
    const seen = await look((socket) => {
      const more = (): void => {
        if (!socket.destroyed) {
          socket.write("220-welcome\r\n".repeat(2000), () => setImmediate(more));
        }
      };
      more();
    });
    expect(seen).toMatchObject({ outcome: "failed", step: "banner", reason: "protocol_error" });
  });
});

describe("smtp_mail_from on port 465", () => {
  const onlyWhereTls = { security: "implicit", tls: CLIENT_TLS } as const;

  test("stays in clear text when the server greets in clear text", async () => {
    const seen = await look(healthy, { port: 465, change: onlyWhereTls });
    expect(seen).toMatchObject({ outcome: "match", tls: null });
    expect(seen.server.accepted()).toBe(1);
  });

  test("begins TLS when the server waits for it", async () => {
    // A third of it goes into waiting for a greeting; a busy machine needs the rest.
    const timeoutMs = 6_000;
    const seen = await look(healthy, { port: 465, change: onlyWhereTls, tls: true, timeoutMs });
    expect(seen).toMatchObject({ outcome: "match", tls: { verification: "ok" } });
  });

  test("reports closed_without_data when the server closes at once", async () => {
    const server = createServer((socket) => socket.end());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const network = createNetwork({
      connectTo: { "192.0.2.1:465": `127.0.0.1:${String(port)}` },
      unmapped: "refuse",
      now: () => performance.now(),
    });
    const seen = await runTransaction(
      transactionSpec("smtp_mail_from", onlyWhereTls),
      { host: "192.0.2.1", port: 465, server: null },
      probeContext(10_000, { network }),
    );
    server.close();
    expect(seen).toMatchObject({ step: "banner", reason: "closed_without_data" });
  });
});
