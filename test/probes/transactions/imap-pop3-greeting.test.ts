import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import type { ProbeContext } from "../../../src/net/probe-context.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { probeContract } from "../../support/contract.ts";
import { probeContext } from "../../support/probe-context.ts";
import {
  conversation,
  serve,
  type Behaviour,
  type ScriptedServer,
  type Turn,
} from "../../support/scripted-server.ts";
import { readSigns } from "../../../src/verdict/detection.ts";
import { startTlsConversation } from "../../support/starttls-conversation.ts";
import { CLIENT_TLS, serverTls, transactionSpec } from "./transaction-spec.ts";

const IMAP_CAPABILITIES = "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN UIDPLUS ID IDLE\r\n";
const IMAP_TURNS: readonly Turn[] = [
  [/^a1 CAPABILITY$/, `${IMAP_CAPABILITIES}a1 OK CAPABILITY completed.\r\n`],
  [
    /^a9 LOGOUT$/,
    "* BYE Microsoft Exchange Server 2013 IMAP4 server signing off.\r\na9 OK LOGOUT completed.\r\n",
  ],
];
const IMAP_BANNER = "* OK The Microsoft Exchange IMAP4 service is ready.\r\n";
const imapHealthy = conversation(IMAP_BANNER, IMAP_TURNS);

const POP3_TURNS: readonly Turn[] = [
  [/^CAPA$/, "+OK\r\nTOP\r\nUIDL\r\nSASL NTLM GSSAPI PLAIN\r\nUSER\r\nSTLS\r\n.\r\n"],
  [/^QUIT$/, "+OK Microsoft Exchange Server 2013 POP3 server signing off.\r\n"],
];
const POP3_BANNER = "+OK The Microsoft Exchange POP3 service is ready.\r\n";
const pop3Healthy = conversation(POP3_BANNER, POP3_TURNS);

const ifOffered = { security: "starttls_if_offered", tls: CLIENT_TLS } as const;
const implicit = { security: "implicit", tls: CLIENT_TLS } as const;

probeContract("imap_greeting", {
  run: (target, context) => runTransaction(transactionSpec("imap_greeting"), target, context),
  healthy: imapHealthy,
});
probeContract("imap_greeting over TLS", {
  run: (target, context) =>
    runTransaction(transactionSpec("imap_greeting", implicit), target, context),
  healthy: imapHealthy,
  tls: serverTls(),
});
probeContract("pop3_greeting", {
  run: (target, context) => runTransaction(transactionSpec("pop3_greeting"), target, context),
  healthy: pop3Healthy,
});
probeContract("pop3_greeting over TLS", {
  run: (target, context) =>
    runTransaction(transactionSpec("pop3_greeting", implicit), target, context),
  healthy: pop3Healthy,
  tls: serverTls(),
});

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function look(
  transaction: TransactionName,
  behaviour: Behaviour,
  change: Partial<TransactionSpec> = {},
  context: Partial<ProbeContext> = {},
): Promise<Observation & { readonly server: ScriptedServer }> {
  const server = await serve(behaviour, change.security === "implicit" ? serverTls() : null);
  servers.push(server);
  const seen = await runTransaction(
    transactionSpec(transaction, change),
    { host: "127.0.0.1", port: server.port, server: "ex01" },
    probeContext(10_000, context),
  );
  return { ...seen, server };
}

describe("imap_greeting", () => {
  test("sends only CAPABILITY and LOGOUT and recognises Exchange", async () => {
    const seen = await look("imap_greeting", imapHealthy);
    expect(seen).toMatchObject({
      outcome: "match",
      reason: "ok",
      step: "greeting",
      exchangeSeen: true,
      servedBy: null,
    });
    expect(seen.evidence.detail).toBe("* OK The Microsoft Exchange IMAP4 service is ready.");
    expect(seen.server.received()).toBe("a1 CAPABILITY\r\na9 LOGOUT\r\n");
    expect(Object.keys(seen.phases)).toEqual(
      expect.arrayContaining(["resolve", "connect", "banner", "transaction", "quit"]),
    );
  });

  test("matches without recognising Exchange when the banner is customised", async () => {
    const seen = await look("imap_greeting", conversation("* OK hello\r\n", IMAP_TURNS));
    expect(seen).toMatchObject({ outcome: "match", exchangeSeen: false });
  });

  test("matches when greeted with PREAUTH", async () => {
    const seen = await look("imap_greeting", conversation("* PREAUTH hi\r\n", IMAP_TURNS));
    expect(seen.outcome).toBe("match");
  });

  test.each([
    ["* BYE Connection is closed. 10\r\n", "throttled"],
    ["* BYE Connection is closed. 12\r\n", "bye"],
    ["* BYE Connection is closed. 14\r\n", "bye"],
    ["* BYE Server Unavailable. 15\r\n", "backend_unavailable"],
    ["* NO Server Unavailable. 15\r\n", "banner_mismatch"],
    ["HTTP/1.1 400 Bad Request\r\n", "banner_mismatch"],
    ["220 mail.example.com ESMTP\r\n", "banner_mismatch"],
  ])("fails at step banner when greeted with %j: %s", async (line, reason) => {
    const seen = await look("imap_greeting", (socket) => socket.end(line));
    expect(seen).toMatchObject({ outcome: "mismatch", step: "banner", reason });
    expect(seen.evidence.detail).toBe(line.trim());
  });

  test("reports closed_without_data at step banner when closed without a byte", async () => {
    const seen = await look("imap_greeting", (socket) => socket.end());
    expect(seen).toMatchObject({
      outcome: "failed",
      step: "banner",
      reason: "closed_without_data",
      tls: null,
    });
  });

  test.each([
    ["FIN", (socket: Socket) => socket.end()],
    ["RST", (socket: Socket) => socket.resetAndDestroy()],
  ])(
    "reports closed_without_data at step tls when the TLS port is closed by %s without a byte",
    async (_, close) => {
      const server = await serve((socket) => socket.once("data", () => close(socket)));
      servers.push(server);
      const seen = await runTransaction(
        transactionSpec("imap_greeting", implicit),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(10_000),
      );
      expect(seen).toMatchObject({ outcome: "failed", step: "tls", reason: "closed_without_data" });
    },
  );

  test("reports plaintext_on_tls_port with the server's text when no certificate is bound", async () => {
    const server = await serve((socket) => socket.end("* BYE Connection is closed. 14\r\n"));
    servers.push(server);
    const seen = await runTransaction(
      transactionSpec("imap_greeting", implicit),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(10_000),
    );
    expect(seen).toMatchObject({ outcome: "failed", step: "tls", reason: "plaintext_on_tls_port" });
    expect(seen.evidence.detail).toBe("responds without TLS: * BYE Connection is closed. 14");
  });

  test("reports protocol_error when closed after the greeting", async () => {
    const seen = await look("imap_greeting", (socket) => {
      socket.write(IMAP_BANNER);
      socket.once("data", () => socket.end());
    });
    expect(seen).toMatchObject({ outcome: "failed", step: "greeting", reason: "protocol_error" });
  });

  test.each([
    ["a1 NO Server Unavailable.\r\n", "protocol_error"],
    ["* CAPABILITY X-NONSENSE\r\na1 OK done\r\n", "protocol_error"],
    ["* BYE Connection is closed. 10\r\na1 OK done\r\n", "throttled"],
  ])("fails at step greeting when CAPABILITY is answered with %j: %s", async (answer, reason) => {
    const seen = await look("imap_greeting", conversation(IMAP_BANNER, [[/^a1 /, answer]]));
    expect(seen).toMatchObject({ outcome: "mismatch", step: "greeting", reason });
  });

  test("matches when CAPABILITY is answered without a list", async () => {
    const server = conversation(IMAP_BANNER, [[/^a1 /, "a1 OK done\r\n"]]);
    expect(await look("imap_greeting", server)).toMatchObject({ outcome: "match", reason: "ok" });
  });

  test("times out at step greeting when the server hangs after its greeting", async () => {
    const server: Behaviour = (socket) => socket.write(IMAP_BANNER);
    const seen = await look("imap_greeting", server, {}, { timeoutMs: 1_500 });
    expect(seen).toMatchObject({ outcome: "timeout", step: "greeting" });
  });

  test("matches when LOGOUT is not answered", async () => {
    const seen = await look(
      "imap_greeting",
      conversation(IMAP_BANNER, [IMAP_TURNS[0] ?? [/x/, ""]]),
    );
    expect(seen.outcome).toBe("match");
    expect(seen.durationMs).toBeLessThan(5000);
  });

  test("records the certificate's verification, and fails on it only when it is enforced", async () => {
    const server = await serve(imapHealthy, serverTls("expired"));
    servers.push(server);
    const target = { host: "127.0.0.1", port: server.port, server: null };
    const tolerant = await runTransaction(
      transactionSpec("imap_greeting", implicit),
      target,
      probeContext(10_000),
    );
    expect(tolerant).toMatchObject({ outcome: "match", tls: { verification: "expired" } });
    const strict = await runTransaction(
      transactionSpec("imap_greeting", {
        ...implicit,
        tls: { ...CLIENT_TLS, rejectUnauthorized: true },
      }),
      target,
      probeContext(10_000),
    );
    expect(strict).toMatchObject({ outcome: "failed", reason: "certificate_expired", step: "tls" });
  });

  test("reports tls_handshake when STARTTLS is required but not offered", async () => {
    const seen = await look("imap_greeting", imapHealthy, {
      security: "starttls",
      tls: CLIENT_TLS,
    });
    expect(seen).toMatchObject({ outcome: "mismatch", step: "starttls", reason: "tls_handshake" });
  });

  test.each(["mail", "expired", "wrong_name", "self_signed"] as const)(
    "matches behind STARTTLS and records the verification of a certificate that is %s",
    async (certificate) => {
      const heard: string[] = [];
      const seen = await look(
        "imap_greeting",
        startTlsConversation({
          greeting: IMAP_BANNER,
          clear: [[/^a1 /, "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n"]],
          begins: [/^a2 STARTTLS$/, "a2 OK Begin TLS\r\n"],
          tls: serverTls(certificate),
          secured: [[/^a3 /, `${IMAP_CAPABILITIES}a3 OK\r\n`], ...IMAP_TURNS],
          heard: (line) => heard.push(line),
        }),
        ifOffered,
      );
      const verification = {
        mail: "ok",
        expired: "expired",
        wrong_name: "name",
        self_signed: "untrusted",
      };
      expect(seen).toMatchObject({
        outcome: "match",
        step: "greeting",
        exchangeSeen: true,
        tls: { verification: verification[certificate] },
      });
      expect(heard.join("")).toBe("a3 CAPABILITY\r\na9 LOGOUT\r\n");
    },
  );

  test("matches in clear text when STARTTLS is optional and not offered", async () => {
    const seen = await look("imap_greeting", imapHealthy, ifOffered);
    expect(seen).toMatchObject({ outcome: "match", tls: null });
  });

  test("reports tls_handshake and no maintenance when STARTTLS is refused or breaks off", async () => {
    const offer: Turn = [/^a1 /, "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n"];
    const refused = await look(
      "imap_greeting",
      conversation(IMAP_BANNER, [offer, [/^a2 STARTTLS$/, "a2 NO not now\r\n"]]),
      ifOffered,
    );
    const begun = conversation(IMAP_BANNER, [offer, [/^a2 STARTTLS$/, "a2 OK Begin TLS\r\n"]]);
    const closed = await look(
      "imap_greeting",
      (socket) => {
        begun(socket);
        socket.on("data", (data) => data[0] === 0x16 && socket.end());
      },
      ifOffered,
    );
    for (const seen of [refused, closed]) {
      expect(seen).toMatchObject({ step: "starttls", reason: "tls_handshake" });
      expect(readSigns(seen, "imap").sign).toBe("good");
    }
  });

  test("reports protocol_error when data comes before the STARTTLS handshake", async () => {
    const turns: readonly Turn[] = [
      [/^a1 /, "* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n"],
      [/^a2 STARTTLS$/, "a2 OK Begin TLS\r\n* CAPABILITY IMAP4rev1 EVIL\r\n"],
    ];
    const seen = await look("imap_greeting", conversation(IMAP_BANNER, turns), {
      security: "starttls",
      tls: CLIENT_TLS,
    });
    expect(seen).toMatchObject({ outcome: "failed", step: "starttls", reason: "protocol_error" });
  });
});

describe("pop3_greeting", () => {
  test("sends only CAPA and QUIT and recognises Exchange", async () => {
    const seen = await look("pop3_greeting", pop3Healthy);
    expect(seen).toMatchObject({ outcome: "match", step: "greeting", exchangeSeen: true });
    expect(seen.server.received()).toBe("CAPA\r\nQUIT\r\n");
  });

  test("matches when CAPA is unknown", async () => {
    const seen = await look("pop3_greeting", conversation(POP3_BANNER, [], "-ERR unknown\r\n"));
    expect(seen.outcome).toBe("match");
  });

  test.each([
    ["-ERR BYE Connection refused\r\n", "throttled"],
    ["-ERR Connection is closed. 11\r\n", "bye"],
    ["-ERR Server Unavailable. 21\r\n", "backend_unavailable"],
    ["* OK IMAP4 ready\r\n", "banner_mismatch"],
  ])("fails at step banner when greeted with %j: %s", async (line, reason) => {
    const seen = await look("pop3_greeting", (socket) => socket.end(line));
    expect(seen).toMatchObject({ outcome: "mismatch", step: "banner", reason });
  });

  test("reports closed_without_data when closed without a byte", async () => {
    const seen = await look("pop3_greeting", (socket) => socket.end());
    expect(seen).toMatchObject({ step: "banner", reason: "closed_without_data" });
  });

  test("repeats CAPA and records the certificate's verification behind STLS", async () => {
    const heard: string[] = [];
    const seen = await look(
      "pop3_greeting",
      startTlsConversation({
        greeting: POP3_BANNER,
        clear: [[/^CAPA$/, "+OK\r\nSTLS\r\n.\r\n"]],
        begins: [/^STLS$/, "+OK Begin TLS\r\n"],
        tls: serverTls("self_signed"),
        secured: POP3_TURNS,
        heard: (line) => heard.push(line),
      }),
      ifOffered,
    );
    expect(seen).toMatchObject({
      outcome: "match",
      step: "greeting",
      tls: { verification: "untrusted" },
    });
    expect(heard.join("")).toBe("CAPA\r\nQUIT\r\n");
  });

  test("reports tls_handshake when STLS is offered and refused", async () => {
    const turns: readonly Turn[] = [[/^STLS$/, "-ERR Command is not valid\r\n"], ...POP3_TURNS];
    const seen = await look("pop3_greeting", conversation(POP3_BANNER, turns), ifOffered);
    expect(seen).toMatchObject({ outcome: "mismatch", step: "starttls", reason: "tls_handshake" });
  });

  test("reports protocol_error when the capability list does not end", async () => {
    const seen = await look("pop3_greeting", (socket) => {
      socket.write(POP3_BANNER);
      socket.once("data", () => {
        socket.write("+OK\r\n");
        const more = (): void => {
          if (!socket.destroyed) {
            socket.write("TOP\r\n".repeat(4000), () => setImmediate(more));
          }
        };
        more();
      });
    });
    expect(seen).toMatchObject({ step: "greeting", reason: "protocol_error" });
  });
});
