import { describe, expect, test } from "vitest";
import type { FaultName } from "../../../../lab/faults/catalogue.ts";
import { startFault } from "../../../../lab/faults/start-fault.ts";
import { unheld } from "../../../../lab/unheld.ts";
import { loginOutcome } from "../../../../src/probes/probe.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import { TRANSACTIONS } from "../../../../src/model/transactions.ts";
import { until } from "../../../support/contract.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "../transaction-spec.ts";

const TIMEOUT_MS = 600;
const SLACK_MS = 5000;

/** RPC knows no TLS; everything else over TCP begins with it here. */
const OVER_TLS = TRANSACTIONS.filter(
  (name) => TRANSACTION_TYPES.get(name)?.transport === "tcp" && name !== "rpc_endpoint_map",
);

const HANDSHAKES: readonly (readonly [FaultName, step: string, reasons: readonly string[]])[] = [
  ["tls.endless_record", "tls", ["tls_handshake"]],
  ["tls.drip", "tls", ["tls_timeout"]],
  ["tls.silent", "tls", ["tls_timeout"]],
  ["tls.garbage", "tls", ["plaintext_on_tls_port"]],
  ["tls.plaintext_bye", "tls", ["plaintext_on_tls_port"]],
  ["tls.alert_internal_error", "tls", ["tls_handshake"]],
];
/** Behind a handshake that is fine. */
const BEHIND: readonly FaultName[] = [
  "tcp.endless_data",
  "tcp.endless_nul",
  "tcp.drip",
  "tcp.silent",
];

describe.each(OVER_TLS)("%s over TLS", (transaction) => {
  const run = (port: number) =>
    unheld(
      () =>
        runTransaction(
          transactionSpec(transaction, {
            security: "implicit",
            tls: CLIENT_TLS,
            account: accountOf(PROBE_A),
            options: { imap_port: port },
          }),
          { host: "127.0.0.1", port, server: null },
          probeContext(TIMEOUT_MS),
        ),
      (seen) => seen,
    );

  test("fails in time with the expected reason when the handshake is hostile", async () => {
    await Promise.all(
      HANDSHAKES.map(async ([fault, step, reasons]) => {
        const server = await startFault(fault, { dripMs: 50 });
        const seen = await run(server.port);
        const said = { fault, outcome: seen.outcome, reason: seen.reason };
        // The look at a service of any make has no opinion of a TLS that it does not get through.
        expect(
          transaction === "web_answer" ? ["fault"] : ["mismatch", "failed", "timeout"],
        ).toContain(seen.outcome);
        expect({ ...said, step: seen.step }).toMatchObject({ fault, step });
        expect(reasons).toContain(seen.reason);
        expect(loginOutcome(seen)).not.toBe("rejected");
        expect(seen.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
        await until(() => server.open() === 0);
        await server.close();
      }),
    );
  });

  // One after the other, since their memory is watched.
  test("stays bounded in time and memory when the server floods or stalls after the handshake", async () => {
    for (const fault of BEHIND) {
      const before = process.memoryUsage();
      const server = await startFault(fault, { behindTls: true, dripMs: 50 });
      const seen = await run(server.port);
      expect(["mismatch", "failed", "timeout"]).toContain(seen.outcome);
      expect(seen.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      const after = process.memoryUsage();
      const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
      expect(grown).toBeLessThan(64 * 1024 * 1024);
      await until(() => server.open() === 0);
      await server.close();
    }
  });
});
