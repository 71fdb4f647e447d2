import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/model/observation.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { Account, TransactionName } from "../../../src/model/transactions.ts";
import { probeContext } from "../../support/probe-context.ts";
import { missing } from "../../support/real-servers.ts";
import { postfixNeeds } from "../../support/servers/postfix.ts";
import { startSubmission, SUBMISSION_USER, type SubmissionServers } from "./submission-servers.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

const lacking =
  missing("/usr/lib/postfix/sbin/master", "postfix") ??
  missing("dovecot", "dovecot-imapd") ??
  missing("/usr/lib/dovecot/lmtp", "dovecot-lmtpd") ??
  postfixNeeds();

describe.skipIf(lacking !== null)("transactions against Postfix and Dovecot", () => {
  let servers: SubmissionServers;
  beforeAll(async () => {
    servers = await startSubmission();
  }, 40_000);
  afterAll(async () => {
    await servers.stop();
  });

  const account: Account = {
    name: "itest",
    address: SUBMISSION_USER.username,
    domain: null,
    username: SUBMISSION_USER.username,
    password: sealed(SUBMISSION_USER.password),
  };
  function run(
    transaction: TransactionName,
    change: Partial<Account> = {},
    timeoutMs = 20_000,
  ): Promise<Observation> {
    return runTransaction(
      transactionSpec(transaction, {
        security: "starttls",
        tls: CLIENT_TLS,
        account: { ...account, ...change },
        options: { imap_port: servers.ports.imaps },
      }),
      { host: "127.0.0.1", port: servers.ports.submission, server: null },
      probeContext(timeoutMs),
    );
  }

  test("smtp_submission logs in, and reports auth_rejected when the password is wrong", async () => {
    expect(await run("smtp_submission")).toMatchObject({
      outcome: "match",
      step: "mail_from",
      tls: { verification: "ok" },
    });
    expect(await run("smtp_submission", { password: sealed("wrong") })).toMatchObject({
      outcome: "fault",
      step: "login",
      reason: "auth_rejected",
    });
  });

  test("mail_round_trip finds and deletes its message in two rounds", async () => {
    for (let round = 0; round < 2; round += 1) {
      const seen = await run("mail_round_trip");
      expect(
        `${seen.outcome} ${seen.reason} ${seen.evidence.detail ?? ""}`,
        `${seen.step}: ${seen.evidence.transcript}\n${servers.output()}`,
      ).toMatch(/^match ok found after \d+\.\d s$/);
    }
    const left = await runTransaction(
      transactionSpec("imap_login", { security: "implicit", tls: CLIENT_TLS, account }),
      { host: "127.0.0.1", port: servers.ports.imaps, server: null },
      probeContext(10_000),
    );
    expect(left.evidence.detail).toBe("0 messages");
  });
});
