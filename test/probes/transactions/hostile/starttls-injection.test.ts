import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../../../src/model/observation.ts";
import { REASONS } from "../../../../src/model/reasons.ts";
import { loginOutcome } from "../../../../src/probes/probe.ts";
import { sendMail } from "../../../../src/probes/transactions/mail-round-trip.ts";
import { runTransaction } from "../../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../../src/model/transactions.ts";
import { observe } from "../../../../src/net/probe-run.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "../transaction-spec.ts";
import {
  HONEST,
  IMAP_STARTTLS,
  POP3_STLS,
  SMTP_STARTTLS,
  startTlsServer,
  type StartTls,
  type StartTlsServer,
  type Yes,
} from "./starttls-server.ts";

/**
 * Response injection (CVE-2011-0411 and its kin): who sits on the wire lets words of his own follow the server's answer to
 * STARTTLS in the clear, for the client to take them for the server's first ones under TLS.
 */
type Client = (port: number) => Promise<Observation>;

const account = accountOf(PROBE_A);
const START_TLS = { security: "starttls", tls: CLIENT_TLS, account } as const;
const TIMEOUT_MS = 10_000;

function transaction(
  name: TransactionName,
  security: TransactionSpec["security"] = "starttls",
): Client {
  const spec = transactionSpec(name, { ...START_TLS, security });
  return (port) =>
    runTransaction(spec, { host: "127.0.0.1", port, server: null }, probeContext(TIMEOUT_MS));
}

const nodemailer: Client = (port) =>
  observe(probeContext(TIMEOUT_MS), async (run) => {
    const target = { host: "127.0.0.1", port, server: null };
    const message = { from: "probe@example.com", to: "probe@example.com", text: "x\r\n" };
    const spec = transactionSpec("mail_round_trip", START_TLS);
    const sent = await sendMail(run, spec, target, account, message);
    return sent.kind === "ended" ? sent.observation : run.match("transaction");
  });

const CLIENTS: readonly (readonly [string, Client, StartTls])[] = [
  ["imap_greeting", transaction("imap_greeting"), IMAP_STARTTLS],
  ["imap_login", transaction("imap_login"), IMAP_STARTTLS],
  ["pop3_greeting", transaction("pop3_greeting"), POP3_STLS],
  ["pop3_login", transaction("pop3_login"), POP3_STLS],
  ["smtp_mail_from", transaction("smtp_mail_from"), SMTP_STARTTLS],
  [
    "smtp_mail_from, if offered",
    transaction("smtp_mail_from", "starttls_if_offered"),
    SMTP_STARTTLS,
  ],
  ["smtp_submission", transaction("smtp_submission"), SMTP_STARTTLS],
  ["nodemailer", nodemailer, SMTP_STARTTLS],
];

const PLAYS: readonly (readonly [string, Yes])[] = [
  [
    "a whole answer in the same packet",
    (socket, yes, { injected }) => socket.write(yes + injected),
  ],
  [
    "the beginning of a line in the same packet",
    (socket, yes, { injected }) => socket.write(yes + injected.slice(0, 9)),
  ],
  [
    "a single byte in the same packet",
    (socket, yes, { injected }) => socket.write(yes + injected.slice(0, 1)),
  ],
  [
    "a whole answer in the next packet",
    (socket, yes, { injected }) => {
      socket.write(yes, () => setImmediate(() => socket.write(injected)));
    },
  ],
];

const AHEAD = {
  outcome: "failed",
  reason: "protocol_error",
  evidence: { detail: "data was sent before the TLS handshake" },
};

let server: StartTlsServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function expectRefused(client: Client, protocol: StartTls, yes: Yes): Promise<Observation> {
  server = await startTlsServer(protocol, yes);
  const seen = await client(server.port);
  expect(server.asked()).toBe(true);
  expect(["mismatch", "failed", "timeout"]).toContain(seen.outcome);
  expect(REASONS).toContain(seen.reason);
  expect(seen.reason).not.toBe("agent_fault");
  expect(seen.step).toBe("starttls");
  // Nothing is said under TLS to a server that has begun it so: no credential above all.
  expect(server.trusted()).toEqual([]);
  expect(loginOutcome(seen)).toBe("not_tried");
  expect(seen.evidence.detail ?? "").not.toContain("INJECTED");
  return seen;
}

describe.each(CLIENTS)("%s", (_, client, protocol) => {
  test("passes when nothing is injected", async () => {
    server = await startTlsServer(protocol, HONEST);
    const seen = await client(server.port);
    expect(`${seen.outcome} ${seen.evidence.detail ?? ""}`).toMatch(/^match/);
    expect(server.trusted().length).toBeGreaterThan(0);
  });

  test.each(PLAYS)("accepts no injected response: %s", async (play, yes) => {
    const seen = await expectRefused(client, protocol, yes);
    if (play.endsWith("in the same packet")) {
      expect(seen).toMatchObject(AHEAD);
    }
  });
});
