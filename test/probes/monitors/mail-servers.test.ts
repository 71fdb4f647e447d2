import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { LOGIN_TLS, monitorSpec, PLAIN_TLS } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing, type RealServer } from "../../support/real-servers.ts";
import { DOVECOT_USER, IMAP_GREETING, startDovecot } from "../../support/servers/dovecot.ts";
import { postfixNeeds, startPostfix } from "../../support/servers/postfix.ts";
import { monitorCredential } from "../../support/sealed.ts";

function at(server: RealServer, port: string, spec: MonitorSpec) {
  const target = { host: "127.0.0.1", port: server.ports[port] ?? 0, server: null };
  return runMonitor(spec, target, probeContext(10_000));
}

const noDovecot = missing("dovecot", "dovecot-imapd dovecot-pop3d");
describe.skipIf(noDovecot !== null)(`monitors against Dovecot ${noDovecot ?? ""}`, () => {
  let dovecot: RealServer;
  beforeAll(async () => {
    dovecot = await startDovecot();
  });
  afterAll(() => dovecot.stop());

  test("TCP-ECV passes when the IMAP greeting is found on 143 and over TLS on 993", async () => {
    const guide = { send: "GET /", recv: IMAP_GREETING };
    const clear = await at(dovecot, "imap", monitorSpec("TCP-ECV", guide));
    expect(clear).toMatchObject({
      passed: true,
      observation: { outcome: "match", exchangeSeen: true, tls: null },
    });
    const secure = await at(dovecot, "imaps", monitorSpec("TCP-ECV", guide, { tls: PLAIN_TLS }));
    expect(secure).toMatchObject({ passed: true, observation: { outcome: "match" } });
    expect(secure.observation.tls).toMatchObject({
      protocol: "TLSv1.3",
      verification: "untrusted",
    });
    expect(secure.observation.tls?.chain[0]?.names).toContain("mail.example.com");
  });

  test("TCP-ECV fails with banner_mismatch when the greeting lacks the pattern", async () => {
    const result = await runMonitor(
      monitorSpec("TCP-ECV", { send: null, recv: "IMAP4rev2 only" }),
      { host: "127.0.0.1", port: dovecot.ports["imap"] ?? 0, server: null },
      probeContext(3_000),
    );
    expect(result).toMatchObject({
      passed: false,
      observation: { outcome: "mismatch", reason: "banner_mismatch", step: "banner" },
    });
  });

  test.each(["pop3", "pop3s"])("POP3 logs in and hides the password over %s", async (port) => {
    const tls = port === "pop3s" ? LOGIN_TLS : null;
    const credential = monitorCredential(DOVECOT_USER);
    const result = await at(dovecot, port, monitorSpec("POP3", {}, { tls, credential }));
    expect(result).toMatchObject({
      passed: true,
      observation: { outcome: "match", step: "login" },
    });
    expect(result.observation.evidence.transcript).toContain("PASS <secret>");
    expect(JSON.stringify(result)).not.toContain(DOVECOT_USER.password);
  });

  test("POP3 is unknown, not down, when the login is rejected", async () => {
    const credential = monitorCredential({ username: "itest", password: "not-the-password" });
    const result = await at(dovecot, "pop3", monitorSpec("POP3", {}, { credential }));
    expect(result).toMatchObject({
      passed: null,
      observation: { outcome: "fault", reason: "auth_rejected", step: "login" },
    });
  });
});

const noPostfix = missing("postfix", "postfix") ?? postfixNeeds();
describe.skipIf(noPostfix !== null)(`monitors against Postfix ${noPostfix ?? ""}`, () => {
  let postfix: RealServer;
  beforeAll(async () => {
    postfix = await startPostfix();
  });
  afterAll(() => postfix.stop());

  test.each(["smtp", "smtps"])("SMTP passes and names the server over %s", async (port) => {
    const tls = port === "smtps" ? PLAIN_TLS : null;
    const result = await at(postfix, port, monitorSpec("SMTP", {}, { tls }));
    expect(result).toMatchObject({
      passed: true,
      observation: { outcome: "match", servedBy: "ex01.example.com", exchangeSeen: true },
    });
    expect(result.observation.evidence.transcript).toContain("> QUIT");
  });

  test("TCP-ECV passes when the SMTP banner matches", async () => {
    const result = await at(
      postfix,
      "smtp",
      monitorSpec("TCP-ECV", { send: null, recv: "220 ex01" }),
    );
    expect(result).toMatchObject({ passed: true, observation: { step: "banner" } });
  });
});
