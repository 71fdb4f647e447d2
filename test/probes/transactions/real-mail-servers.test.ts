import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { createNetwork } from "../../../src/net/dns.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { IMAP_GREETING, startDovecot } from "../../support/servers/dovecot.ts";
import { postfixNeeds, startPostfix } from "../../support/servers/postfix.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";

/** Looks at a port of a real server under the well-known port that it stands for. */
function look(
  server: RealServer,
  name: string,
  wellKnown: number,
  transaction: TransactionName,
  change: Partial<TransactionSpec> = {},
): Promise<Observation> {
  const network = createNetwork({
    connectTo: { [`mail:${String(wellKnown)}`]: `127.0.0.1:${String(server.ports[name] ?? 0)}` },
    unmapped: "refuse",
    now: () => performance.now(),
  });
  return runTransaction(
    transactionSpec(transaction, change),
    { host: "mail", port: wellKnown, server: "mail" },
    probeContext(10_000, { network }),
  );
}

const implicit = { security: "implicit", tls: CLIENT_TLS } as const;
const ifOffered = { security: "starttls_if_offered", tls: CLIENT_TLS } as const;
const startTls = { security: "starttls", tls: CLIENT_TLS } as const;

const noDovecot = missing("dovecot", "dovecot-imapd dovecot-pop3d");
describe.skipIf(noDovecot !== null)("greeting transactions against Dovecot", () => {
  let dovecot: RealServer;
  beforeAll(async () => {
    dovecot = await startDovecot();
  }, 30_000);
  afterAll(async () => {
    await dovecot.stop();
  });

  test.each([
    ["imap", 143, "imap_greeting", "in the clear", {}],
    ["imap", 143, "imap_greeting", "STARTTLS", startTls],
    ["imap", 143, "imap_greeting", "STARTTLS if offered", ifOffered],
    ["imaps", 993, "imap_greeting", "TLS", implicit],
    ["pop3", 110, "pop3_greeting", "in the clear", {}],
    ["pop3", 110, "pop3_greeting", "STLS", startTls],
    ["pop3", 110, "pop3_greeting", "STLS if offered", ifOffered],
    ["pop3s", 995, "pop3_greeting", "TLS", implicit],
  ] as const)("match at port %s (%i): %s, %s", async (name, port, transaction, _, change) => {
    const seen = await look(dovecot, name, port, transaction, change);
    expect(seen).toMatchObject({ outcome: "match", step: "greeting" });
    if ("tls" in change) {
      expect(seen.tls).toMatchObject({ verification: "ok", serverName: "mail.example.com" });
    } else {
      expect(seen.tls).toBeNull();
    }
  });

  test("recognise Exchange when the banner holds its words", async () => {
    const seen = await look(dovecot, "imap", 143, "imap_greeting");
    expect(seen.evidence.detail).toContain(IMAP_GREETING);
    expect(seen.exchangeSeen).toBe(true);
  });

  test("report plaintext_on_tls_port with the server's text when TLS meets a clear-text port", async () => {
    const seen = await look(dovecot, "imap", 143, "imap_greeting", implicit);
    expect(seen).toMatchObject({ outcome: "failed", step: "tls", reason: "plaintext_on_tls_port" });
    expect(seen.evidence.detail).toContain(IMAP_GREETING);
  });
});

const CHECK_SMTP = "/usr/lib/nagios/plugins/check_smtp";
const noPlugins = missing(CHECK_SMTP, "monitoring-plugins");
const noPostfix = missing("/usr/lib/postfix/sbin/master", "postfix") ?? postfixNeeds();
describe.skipIf(noPostfix !== null)("smtp_mail_from against Postfix", () => {
  let postfix: RealServer;
  beforeAll(async () => {
    postfix = await startPostfix();
  }, 30_000);
  afterAll(async () => {
    await postfix.stop();
  });

  test.each([
    ["smtp", 25, "in the clear", {}],
    ["smtp", 25, "STARTTLS", startTls],
    ["smtp", 25, "STARTTLS if offered", ifOffered],
    ["smtps", 465, "TLS after a moment's silence", implicit],
    ["smtps", 10465, "TLS at once", implicit],
  ] as const)("matches at port %s (%i), %s", async (name, port, _, change) => {
    const seen = await look(postfix, name, port, "smtp_mail_from", change);
    expect(seen).toMatchObject({
      outcome: "match",
      step: "mail_from",
      servedBy: "ex01.example.com",
    });
    expect(seen.tls === null ? null : seen.tls.verification).toBe("tls" in change ? "ok" : null);
  });

  test.skipIf(noPlugins !== null)("agrees with check_smtp up to MAIL FROM", async () => {
    const port = String(postfix.ports["smtp"] ?? 0);
    const ask = (...args: string[]): Promise<number> =>
      promisify(execFile)(CHECK_SMTP, ["-H", "127.0.0.1", "-p", port, ...args]).then(
        () => 0,
        (error: { code?: number }) => error.code ?? -1,
      );
    expect(await ask("-f", "probe@example.com")).toBe(0);
    expect(await ask("-S")).toBe(0);
    expect(await ask("-e", "221 nonsense")).not.toBe(0);
  });
});
