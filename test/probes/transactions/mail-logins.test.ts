import { afterEach, describe, expect, test } from "vitest";
import type { Condition } from "../../../lab/exchange/condition.ts";
import { loginOutcome } from "../../../src/probes/probe.ts";
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
import { accountOf, PROBE_A, PROBE_B, sharedBench } from "./lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

probeContract("smtp_submission", {
  run: (target, context) =>
    runTransaction(
      transactionSpec("smtp_submission", { account: accountOf(PROBE_A), allowPlaintext: true }),
      target,
      context,
    ),
  healthy: conversation("220 ex01.lab.example.com ready\r\n", [
    [/^EHLO/, "250-ex01.lab.example.com Hello\r\n250 AUTH LOGIN\r\n"],
    [/^AUTH LOGIN$/, "334 VXNlcm5hbWU6\r\n"],
    [/^TEFCXHByb2JlLWE=$/, "334 UGFzc3dvcmQ6\r\n"],
    [/^[A-Za-z0-9+/]{20,}=*$/, "235 2.7.0 Authentication successful\r\n"],
    [/^MAIL FROM:<probe-a@lab\.example\.com>$/, "250 2.1.0 Sender OK\r\n"],
    [/^RSET$/, "250 2.0.0 Resetting\r\n"],
    [/^QUIT$/, "221 2.0.0 bye\r\n"],
  ]),
});

const bench = sharedBench();

const account = accountOf(PROBE_A);
const implicit = { security: "implicit", tls: CLIENT_TLS, account } as const;
const startTls = { security: "starttls", tls: CLIENT_TLS, account } as const;

const LOGINS: readonly (readonly [TransactionName, number, string, Partial<TransactionSpec>])[] = [
  ["imap_login", 993, "TLS", implicit],
  ["imap_login", 143, "STARTTLS", startTls],
  ["pop3_login", 995, "TLS", implicit],
  ["pop3_login", 110, "STLS", startTls],
  ["smtp_submission", 587, "STARTTLS", startTls],
];

describe.each(LOGINS)("%s on %i, %s", (transaction, port, _, change) => {
  const run = (more: Partial<TransactionSpec> = {}) =>
    bench.run(port, transactionSpec(transaction, { ...change, ...more }));

  test("logs in once over one connection and hides the password", async () => {
    const before = bench.organisation.signIns().length;
    const accepted = bench.server.accepted(port);
    const seen = await run();
    expect(seen).toMatchObject({ outcome: "match", reason: "ok", tls: { verification: "ok" } });
    expect(bench.server.accepted(port)).toBe(accepted + 1);
    expect(seen.phases.login).toBeGreaterThan(0);
    expect(loginOutcome(seen)).toBe("accepted");
    const signIns = bench.organisation.signIns().slice(before);
    expect(signIns).toHaveLength(1);
    expect(signIns[0]).toMatchObject({ accepted: true });
    const told = JSON.stringify(seen);
    for (const form of [
      PROBE_A.password,
      Buffer.from(PROBE_A.password).toString("base64"),
      encodeURIComponent(PROBE_A.password),
    ]) {
      expect(told).not.toContain(form);
    }
  });

  test("reports auth_rejected after one try when the password is wrong", async () => {
    const before = bench.organisation.signIns().length;
    const seen = await run({ account: accountOf(PROBE_A, { password: sealed("wrong") }) });
    expect(seen).toMatchObject({ outcome: "fault", step: "login", reason: "auth_rejected" });
    expect(loginOutcome(seen)).toBe("rejected");
    expect(bench.organisation.signIns()).toHaveLength(before + 1);
  });

  test("sends no credential when the server is in maintenance", async () => {
    const before = bench.organisation.signIns().length;
    await bench.server.set("all", { kind: "maintenance" });
    const seen = await run();
    expect(seen.outcome).not.toBe("match");
    expect(seen.outcome).not.toBe("fault");
    expect(["closed_without_data", "service_not_active"]).toContain(seen.reason);
    expect(loginOutcome(seen)).toBe("not_tried");
    expect(bench.organisation.signIns()).toHaveLength(before);
  });

  test("sends nothing when the account is missing or holds line ends or NUL", async () => {
    for (const bad of [
      null,
      accountOf(PROBE_A, { username: "a\r\nQUIT" }),
      accountOf(PROBE_A, { password: sealed("x\ny") }),
      accountOf(PROBE_A, { address: "a@b\r\nDATA" }),
      accountOf(PROBE_A, { username: "a\0b" }),
    ]) {
      const accepted = bench.server.accepted(port);
      const seen = await run({ account: bad });
      expect(seen).toMatchObject({ outcome: "fault", reason: "not_configured" });
      expect(loginOutcome(seen)).toBe("not_tried");
      expect(bench.server.accepted(port)).toBe(accepted);
    }
  });

  test("sends nothing in clear text unless that is allowed", async () => {
    const accepted = bench.server.accepted(port);
    const seen = await run({ security: "none", tls: null });
    expect(seen).toMatchObject({ outcome: "fault", reason: "not_configured" });
    expect(bench.server.accepted(port)).toBe(accepted);
  });
});

describe("mail logins with an unavailable mailbox", () => {
  const cases: readonly (readonly [TransactionName, number, Condition, string])[] = [
    ["imap_login", 993, { kind: "dead_backend" }, "auth_rejected"],
    ["pop3_login", 995, { kind: "dead_backend" }, "backend_unavailable"],
    ["smtp_submission", 587, { kind: "dead_backend" }, "backend_unavailable"],
  ];
  test.each(cases)(
    "%s fails at step login when the back end is dead",
    async (name, port, condition, reason) => {
      await bench.server.set("all", condition);
      const spec = transactionSpec(name, name === "smtp_submission" ? startTls : implicit);
      expect(await bench.run(port, spec)).toMatchObject({ step: "login", reason });
    },
  );

  test("imap_login fails only for the account whose database is dismounted", async () => {
    bench.organisation.setMounted("DB01", false);
    const other = { ...implicit, account: accountOf(PROBE_B) };
    expect(await bench.run(993, transactionSpec("imap_login", implicit))).toMatchObject({
      outcome: "fault",
      reason: "auth_rejected",
    });
    expect(await bench.run(993, transactionSpec("imap_login", other))).toMatchObject({
      outcome: "match",
    });
  });

  test("imap_login and pop3_login time out unanswered when the back end hangs", async () => {
    await bench.server.set("all", { kind: "hung_backend", afterMs: 60_000 });
    for (const [name, port] of [
      ["imap_login", 993],
      ["pop3_login", 995],
    ] as const) {
      const seen = await bench.run(port, transactionSpec(name, implicit), { timeoutMs: 1500 });
      expect(seen).toMatchObject({ outcome: "timeout", step: "login" });
      expect(loginOutcome(seen)).toBe("unanswered");
    }
  });
});

describe("smtp_submission", () => {
  test("fails at MAIL FROM with an accepted login when the hub drains", async () => {
    await bench.server.set("smtp", { kind: "hub_draining" });
    const seen = await bench.run(587, transactionSpec("smtp_submission", startTls));
    expect(seen).toMatchObject({ step: "mail_from", reason: "service_not_active" });
    expect(loginOutcome(seen)).toBe("accepted");
  });
});

test("imap_login › reports the newest message's size when fetch_newest is set", async () => {
  bench.organisation.deliver(PROBE_A.address, Buffer.from("Subject: hi\r\n\r\nhello\r\n"), "INBOX");
  const spec = transactionSpec("imap_login", { ...implicit, options: { fetch_newest: true } });
  const seen = await bench.run(993, spec);
  expect(seen.evidence.detail).toMatch(/^\d+ messages, the newest of \d+ bytes$/);
});

describe("mail logins at a faulty server", () => {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  const clear = { account, allowPlaintext: true } as const;
  /** Short only where silence is what is waited for. */
  const limitFor = (reason: string): number => (reason === "response_timeout" ? 1_500 : 10_000);
  async function against(
    name: TransactionName,
    behaviour: Behaviour,
    timeoutMs = 10_000,
  ): ReturnType<typeof runTransaction> {
    const server = await serve(behaviour);
    servers.push(server);
    const seen = await runTransaction(
      transactionSpec(name, clear),
      { host: "127.0.0.1", port: server.port, server: null },
      probeContext(timeoutMs),
    );
    expect(seen.durationMs).toBeLessThan(timeoutMs + 5000);
    return seen;
  }

  const IMAP = "* OK hello\r\n";
  /** Speaks IMAP up to the login, then runs `act`. */
  function imapThen(act: (socket: Parameters<Behaviour>[0], tag: string) => void): Behaviour {
    return (socket) => {
      socket.write(IMAP);
      socket.on("data", (data) => {
        for (const line of data.toString("latin1").split("\r\n")) {
          const [tag = "", verb = ""] = line.split(" ");
          if (verb === "CAPABILITY") {
            socket.write(`* CAPABILITY IMAP4rev1\r\n${tag} OK done\r\n`);
          } else if (verb === "LOGIN" || verb === "AUTHENTICATE") {
            act(socket, tag);
          } else if (verb === "LOGOUT") {
            socket.end(`* BYE\r\n${tag} OK\r\n`);
          }
        }
      });
    };
  }

  test.each<readonly [string, Behaviour, string, string]>([
    ["reset at LOGIN", imapThen((socket) => socket.resetAndDestroy()), "login", "reset"],
    ["closed at LOGIN", imapThen((socket) => socket.end()), "login", "protocol_error"],
    ["silent at LOGIN", imapThen(() => undefined), "login", "response_timeout"],
    [
      "a 4 GiB literal",
      imapThen((socket, tag) => {
        socket.write(`${tag} OK [CAPABILITY IMAP4rev1] in\r\n* LIST () "/" {4294967295}\r\n`);
      }),
      "login",
      "protocol_error",
    ],
    [
      "NUL bytes and noise",
      imapThen((socket) => socket.write(Buffer.alloc(9000, 0))),
      "login",
      "protocol_error",
    ],
    [
      "Exchange's store is unavailable",
      imapThen((socket, tag) => socket.write(`${tag} NO Server Unavailable. 15\r\n`)),
      "login",
      "backend_unavailable",
    ],
    [
      "LOGIN refused in this state",
      imapThen((socket, tag) => socket.write(`${tag} BAD Command received in Invalid state.\r\n`)),
      "login",
      "auth_rejected",
    ],
  ])("imap_login reports the expected reason: %s", async (_, behaviour, step, reason) => {
    const seen = await against("imap_login", behaviour, limitFor(reason));
    expect(seen).toMatchObject({ step, reason });
  });

  const POP3 = "+OK hello\r\n";
  const CAPA: Turn = [/^CAPA$/, "+OK\r\nUSER\r\n.\r\n"];
  const popThen = (turns: readonly Turn[]): Behaviour => conversation(POP3, [CAPA, ...turns]);
  /** Greets, answers CAPA, then runs `act` at USER. */
  function popUser(act: (socket: Parameters<Behaviour>[0]) => void): Behaviour {
    return (socket) => {
      socket.write(POP3);
      socket.on("data", (data) => {
        if (data.toString("latin1").startsWith("CAPA")) {
          socket.write(CAPA[1]);
        } else {
          act(socket);
        }
      });
    };
  }

  test.each<readonly [string, Behaviour, string, string]>([
    ["silent after USER", popThen([]), "login", "response_timeout"],
    ["closed after USER", popUser((socket) => socket.end()), "login", "protocol_error"],
    ["reset after USER", popUser((socket) => socket.resetAndDestroy()), "login", "reset"],
    [
      "USER refused",
      popThen([[/^USER/, "-ERR Command is not valid in this state.\r\n"]]),
      "login",
      "ssl_required",
    ],
    [
      "PASS refused",
      popThen([
        [/^USER/, "+OK\r\n"],
        [/^PASS/, "-ERR Logon failure: unknown user name or bad password.\r\n"],
      ]),
      "login",
      "auth_rejected",
    ],
    [
      "the store is unavailable",
      popThen([
        [/^USER/, "+OK\r\n"],
        [/^PASS/, "+OK\r\n"],
        [/^STAT/, "-ERR Server Unavailable. 21\r\n"],
      ]),
      "transaction",
      "backend_unavailable",
    ],
  ])("pop3_login reports the expected reason: %s", async (_, behaviour, step, reason) => {
    const seen = await against("pop3_login", behaviour, limitFor(reason));
    expect(seen).toMatchObject({ step, reason });
  });

  test("pop3_login stays bounded when USER is answered with endless data", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const seen = await against(
      "pop3_login",
      popUser((socket) => {
        const block = Buffer.alloc(64 * 1024, "+");
        const more = (): void => {
          if (!socket.destroyed) {
            socket.write(block, () => setImmediate(more));
          }
        };
        more();
      }),
    );
    expect(seen).toMatchObject({ outcome: "failed", reason: "protocol_error" });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
