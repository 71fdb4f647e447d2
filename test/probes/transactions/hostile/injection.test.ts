import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runTransaction } from "../../../../src/probes/transactions/registry.ts";
import { TRANSACTIONS, type TransactionSpec } from "../../../../src/model/transactions.ts";
import { loginOutcome } from "../../../../src/probes/probe.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { transactionSpec } from "../transaction-spec.ts";
import { sealed } from "../../../support/sealed.ts";

const ACCOUNT = accountOf(PROBE_A);

/** Everywhere a text of the configuration can come from, with this text in it. */
const PLACES: readonly (readonly [string, (text: string) => Partial<TransactionSpec>])[] = [
  ["the user name", (text) => ({ account: { ...ACCOUNT, username: `a${text}` } })],
  ["the password", (text) => ({ account: { ...ACCOUNT, password: sealed(`a${text}`) } })],
  ["the mail address", (text) => ({ account: { ...ACCOUNT, address: `a${text}@example.com` } })],
  ["the domain", (text) => ({ account: { ...ACCOUNT, domain: `A${text}` } })],
  ["the host", (text) => ({ host: `mail.example.com${text}` })],
  ["the path", (text) => ({ path: `/owa/${text}` })],
  ["the name of the Junk folder", (text) => ({ options: { junk_folder: `Junk${text}` } })],
  ["the RPC server", (text) => ({ options: { rpc_server: `ex01${text}` } })],
  ["the path of AAA's form", (text) => ({ options: { aaa_login_path: `/cgi/x${text}` } })],
  [
    "the outside address",
    (text) => ({ expect: "blocked", options: { outside_address: `a${text}` } }),
  ],
  ["the DNS question", (text) => ({ options: { query: `mail${text}` } })],
];

describe.each(TRANSACTIONS)("%s", (transaction) => {
  let server: ScriptedServer;
  beforeAll(async () => {
    server = await serve((socket) => socket.end());
  });
  afterAll(async () => {
    await server.close();
  });

  test.each(PLACES)(
    "refuses without a connection when %s holds a line end or NUL",
    async (_, change) => {
      for (const text of ["\r\nzz9 DELETE INBOX\r\n", "\n", "\r", "\0"]) {
        const seen = await runTransaction(
          transactionSpec(transaction, { account: ACCOUNT, allowPlaintext: true, ...change(text) }),
          { host: "127.0.0.1", port: server.port, server: null },
          probeContext(2000),
        );
        expect(seen).toMatchObject({ outcome: "fault", reason: "not_configured" });
        expect(seen.evidence.detail).toContain("is never sent");
        expect(loginOutcome(seen)).toBe("not_tried");
      }
      expect(server.accepted()).toBe(0);
    },
  );
});
