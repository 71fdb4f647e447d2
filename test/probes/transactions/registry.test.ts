import { afterEach, describe, expect, test } from "vitest";

import { TRANSACTION_TYPES, runTransaction } from "../../../src/probes/transactions/registry.ts";
import { ACCOUNT_TRANSACTIONS, TRANSACTIONS } from "../../../src/probes/transactions/spec.ts";
import { loginOutcome } from "../../../src/probes/transactions/login-outcome.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve, type Behaviour, type ScriptedServer } from "../../support/scripted-server.ts";
import { accountOf, PROBE_A } from "./lab-exchange.ts";
import { transactionSpec } from "./transaction-spec.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

test("every transaction is there, under its own name, and says whether it needs an account", () => {
  expect([...TRANSACTION_TYPES.keys()].sort()).toEqual([...TRANSACTIONS].sort());
  const accounts: readonly string[] = ACCOUNT_TRANSACTIONS;
  for (const [name, type] of TRANSACTION_TYPES) {
    expect(type.transaction).toBe(name);
    expect(type.needsAccount).toBe(accounts.includes(name));
  }
});

const OVER_TCP = TRANSACTIONS.filter((name) => TRANSACTION_TYPES.get(name)?.transport === "tcp");

/** One byte every so often, and never a line end. */
const dripping: Behaviour = (socket) => {
  const drip = setInterval(() => socket.write("x"), 20);
  socket.on("close", () => clearInterval(drip));
};
const nulls: Behaviour = (socket) => {
  socket.write(Buffer.alloc(3000, 0));
};
const latin1: Behaviour = (socket) => {
  socket.write(Buffer.from("* OK \xe4\xf6\xfc\xff\xfe\r\n+OK \xff\r\n220 \xe9\r\n", "latin1"));
};
const endless: Behaviour = (socket) => {
  const block = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n* OK again\r\n220-again\r\n".repeat(500));
  const more = (): void => {
    if (!socket.destroyed) {
      socket.write(block, () => setImmediate(more));
    }
  };
  more();
};

describe.each(OVER_TCP)("%s against a server that misbehaves", (name) => {
  test.each([
    ["drips", dripping],
    ["sends NULs", nulls],
    ["sends another charset", latin1],
    ["never stops", endless],
  ] as const)(
    "that %s: an observation in time, never good, never a rejected login",
    async (_, act) => {
      const server = await serve(act);
      servers.push(server);
      const before = process.memoryUsage().arrayBuffers;
      const seen = await runTransaction(
        transactionSpec(name, {
          account: accountOf(PROBE_A),
          allowPlaintext: true,
          options: { mapper_port: server.port, imap_port: server.port },
        }),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(300),
      );
      expect(["mismatch", "failed", "timeout"]).toContain(seen.outcome);
      expect(seen.durationMs).toBeLessThan(1800);
      expect(loginOutcome(seen)).not.toBe("rejected");
      expect(JSON.stringify(seen)).not.toContain(PROBE_A.password);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    },
  );
});
