import { monitorCredential, sealed } from "../support/sealed.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runMonitor } from "../../src/probes/monitors/registry.ts";
import type { Observation } from "../../src/model/observation.ts";
import { loginOutcome } from "../../src/probes/probe.ts";
import { runTransaction } from "../../src/probes/transactions/registry.ts";
import {
  mailLoginRefusal,
  mailRefusalReason,
  type MailRefusal,
} from "../../src/net/mail-replies.ts";
import { monitorSpec } from "../support/monitor-spec.ts";
import { probeContext } from "../support/probe-context.ts";
import { serve, type Behaviour } from "../support/scripted-server.ts";
import { transactionSpec } from "./transactions/transaction-spec.ts";

const smtp = (code: number, text: string): MailRefusal => ({ protocol: "smtp", code, text });
const imap = (text: string): MailRefusal => ({ protocol: "imap", text });
const pop3 = (text: string): MailRefusal => ({ protocol: "pop3", text });

describe("mailRefusalReason", () => {
  test.each([
    [smtp(421, "4.3.2 Service not active"), "service_not_active"],
    [smtp(421, "4.3.2 Service not available"), "service_not_active"],
    [smtp(421, "Service not available, closing transmission channel"), "service_not_active"],
    [smtp(421, "4.3.2 The maximum number of concurrent server connections"), "throttled"],
    [smtp(421, "4.3.2 Too many connections from this source"), "source_limit"],
    [smtp(452, "4.3.1 Insufficient system resources"), "back_pressure"],
    [smtp(452, "Insufficient system storage"), "back_pressure"],
    [smtp(452, "4.5.3 Too many recipients"), "bad_status"],
    [smtp(451, "4.7.1 Greylisted, come back later"), "policy_refused"],
    [smtp(550, "5.7.1 Client does not have permissions to send as this sender"), "policy_refused"],
    [smtp(530, "5.7.57 SMTP; Client was not authenticated"), "policy_refused"],
    [smtp(530, "Must issue a STARTTLS command first"), "policy_refused"],
    [smtp(421, "4.7.0 Message rate limit exceeded"), "throttled"],
    [smtp(554, "No SMTP service here"), "bad_status"],
    // Words that name something else than the code does.
    [smtp(550, "5.1.1 mailbox 4.3.1 not active"), "bad_status"],
    [imap("* BYE Connection is closed. 10"), "throttled"],
    [imap("* BYE [UNAVAILABLE] come back"), "backend_unavailable"],
    [imap("* BYE Server Unavailable. 15"), "backend_unavailable"],
    [imap("* BYE Connection is closed. 12"), "bye"],
    [imap("NO [SERVERBUG] oops"), "backend_unavailable"],
    [imap("NO no such mailbox"), "bad_status"],
    [pop3("-ERR BYE Connection refused"), "throttled"],
    [pop3("-ERR [SYS/TEMP] directory is away"), "backend_unavailable"],
    [pop3("-ERR [IN-USE] locked"), "backend_unavailable"],
    [pop3("-ERR Command is not valid in this state."), "ssl_required"],
    [pop3("-ERR no mailbox of kessler"), "bad_status"],
  ] as const)("maps %j to %s", (refusal, reason) => {
    expect(mailRefusalReason(refusal, "command")).toBe(reason);
  });
});

describe("mailLoginRefusal", () => {
  test.each([
    [pop3("-ERR [AUTH] Authentication failed for kessler"), "auth_rejected", "rejected"],
    [pop3("-ERR Authentication failed for kessler"), "auth_rejected", "rejected"],
    [pop3("-ERR Logon failure: unknown user name or bad password."), "auth_rejected", "rejected"],
    [pop3("-ERR [SYS/TEMP] x"), "backend_unavailable", "not_tried"],
    [pop3("-ERR [SYS/PERM] x"), "backend_unavailable", "not_tried"],
    [pop3("-ERR [IN-USE] x"), "backend_unavailable", "not_tried"],
    [pop3("-ERR [LOGIN-DELAY] x"), "throttled", "not_tried"],
    [pop3("-ERR Server Unavailable. 21"), "backend_unavailable", "not_tried"],
    [pop3("-ERR bad password for Server Unavailable. 21"), "backend_unavailable", "unanswered"],
    [pop3("-ERR too many bad passwords"), "throttled", "unanswered"],
    [pop3("-ERR x [SYS/TEMP]"), "auth_rejected", "rejected"],
    [imap("NO [AUTHENTICATIONFAILED] x"), "auth_rejected", "rejected"],
    [imap("NO [UNAVAILABLE] x"), "backend_unavailable", "not_tried"],
    [imap("NO [SERVERBUG] x"), "backend_unavailable", "not_tried"],
    [imap("NO [LIMIT] x"), "throttled", "not_tried"],
    [imap("NO [ALERT] x"), "auth_rejected", "rejected"],
    [imap("NO LOGIN failed for tls-user"), "auth_rejected", "rejected"],
    [imap("BAD what"), "auth_rejected", "rejected"],
    [smtp(535, "5.7.3 Authentication unsuccessful"), "auth_rejected", "rejected"],
    [smtp(454, "4.7.0 Temporary authentication failure"), "backend_unavailable", "not_tried"],
    [smtp(421, "4.3.2 Service not active"), "service_not_active", "not_tried"],
    [smtp(421, "Service not available for throttled user"), "throttled", "unanswered"],
    [smtp(421, "4.7.0 Too many errors"), "throttled", "unanswered"],
    [smtp(550, "5.7.1 not you"), "policy_refused", "unanswered"],
    [smtp(550, "4.3.2 a lie"), "service_not_active", "unanswered"],
    [smtp(534, "5.7.9 too weak"), "scheme_unsupported", "not_tried"],
    [smtp(500, "what"), "bad_status", "unanswered"],
  ] as const)("maps %j to reason %s and login %s", (refusal, reason, login) => {
    expect(mailLoginRefusal(refusal)).toEqual({ reason, login });
  });

  const WORDS = fc.constantFrom(
    ..."ssl tls kessler Server Unavailable. 21 service not available active 4.3.2 [x] closed plaintext too many [SYS/TEMP]".split(
      " ",
    ),
  );
  const TEXT = fc.array(fc.oneof(WORDS, fc.string({ maxLength: 12 })), { maxLength: 12 });

  test("never returns not_tried when only free text suggests it", () => {
    fc.assert(
      fc.property(TEXT, (words) => {
        const text = `user ${words.join(" ")}`;
        expect(mailLoginRefusal(pop3(`-ERR ${text}`)).login).not.toBe("not_tried");
        expect(mailLoginRefusal(imap(`NO ${text}`)).login).not.toBe("not_tried");
        expect(mailLoginRefusal(smtp(550, text)).login).not.toBe("not_tried");
      }),
    );
  });
});

/** Lines as servers send them, codes and words mixed. */
const TEXT = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "Service not active",
        "too many connections",
        "from this source",
        "Server Unavailable. 21",
        "Command is not valid in this state.",
        "BYE Connection refused",
        "kessler",
        "TLS",
        "Logon failure",
      ),
      fc.stringMatching(/^[a-zA-Z0-9 .]{0,10}$/),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(" ").trim());
const POP3_LINE = fc
  .tuple(fc.constantFrom("", "[AUTH] ", "[SYS/TEMP] ", "[IN-USE] ", "[X] "), TEXT)
  .map(([code, text]) => `-ERR ${code}${text}`.trimEnd());
const SMTP_LINE = fc
  .tuple(
    fc.constantFrom(421, 450, 451, 452, 454, 530, 550, 554),
    fc.constantFrom("", "4.3.2 ", "4.3.1 ", "4.7.1 ", "5.7.1 ", "5.5.1 "),
    TEXT,
  )
  .map(([code, enhanced, text]) => `${String(code)} ${enhanced}${text}`);

/** Says its lines, and to each command the answer for it; `refusal` to the one that is asked for. */
function talker(greeting: string, answers: readonly (readonly [RegExp, string])[]): Behaviour {
  return (socket) => {
    socket.write(`${greeting}\r\n`);
    let rest = "";
    socket.on("data", (data) => {
      rest += data.toString("latin1");
      for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        const answer = answers.find(([command]) => command.test(line))?.[1] ?? "+OK";
        socket.write(`${answer}\r\n`);
      }
    });
  };
}

const credential = monitorCredential({ username: "kessler", password: "secret-1" });
const account = {
  name: "a",
  username: "kessler",
  address: null,
  password: sealed("secret-1"),
  domain: null,
};

async function bothReasons(
  behaviour: Behaviour,
  monitor: ReturnType<typeof monitorSpec>,
  transaction: ReturnType<typeof transactionSpec>,
  localAddress: string | null,
): Promise<readonly [Observation, Observation]> {
  const server = await serve(behaviour);
  try {
    const target = { host: "127.0.0.1", port: server.port, server: null };
    const { observation } = await runMonitor(monitor, target, probeContext(5_000));
    const context = { ...probeContext(5_000), localAddress };
    return [observation, await runTransaction(transaction, target, context)];
  } finally {
    await server.close();
  }
}

describe("monitor and transaction", () => {
  test("give the same reason when an SMTP server refuses instead of greeting", async () => {
    await fc.assert(
      fc.asyncProperty(SMTP_LINE, async (line) => {
        const [monitor, transaction] = await bothReasons(
          (socket) => socket.end(`${line}\r\n`),
          monitorSpec("SMTP"),
          transactionSpec("smtp_mail_from"),
          null,
        );
        expect(transaction.reason).toBe(monitor.reason);
      }),
      { numRuns: 40 },
    );
  });

  test.each([null, "127.0.0.1"])(
    "give the same reason and login outcome when a POP3 server refuses any command (local address %s)",
    async (localAddress) => {
      await fc.assert(
        fc.asyncProperty(
          POP3_LINE,
          fc.constantFrom("greeting", "USER", "PASS"),
          async (line, at) => {
            const [monitor, transaction] = await bothReasons(
              talker(at === "greeting" ? line : "+OK ready", [
                [/^CAPA/, "-ERR unknown"],
                [new RegExp(`^${at}`), line],
              ]),
              monitorSpec("POP3", {}, { credential }),
              transactionSpec("pop3_login", { account, allowPlaintext: true }),
              localAddress,
            );
            expect(transaction.reason).toBe(monitor.reason);
            expect(loginOutcome(transaction)).toBe(loginOutcome(monitor));
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});
