import { describe, expect, test } from "vitest";
import type { Condition, LabProtocol } from "../../../lab/exchange/condition.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { sharedBench } from "./lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";

const bench = sharedBench();

const implicit = { security: "implicit", tls: CLIENT_TLS } as const;
const startTls = { security: "starttls", tls: CLIENT_TLS } as const;
const ifOffered = { security: "starttls_if_offered", tls: CLIENT_TLS } as const;

const LOOKS: readonly (readonly [TransactionName, number, Partial<TransactionSpec>])[] = [
  ["imap_greeting", 143, {}],
  ["imap_greeting", 143, startTls],
  ["imap_greeting", 143, ifOffered],
  ["imap_greeting", 993, implicit],
  ["pop3_greeting", 110, {}],
  ["pop3_greeting", 110, startTls],
  ["pop3_greeting", 110, ifOffered],
  ["pop3_greeting", 995, implicit],
  ["smtp_mail_from", 25, {}],
  ["smtp_mail_from", 25, startTls],
  ["smtp_mail_from", 587, startTls],
  ["smtp_mail_from", 25, ifOffered],
  ["smtp_mail_from", 587, ifOffered],
  ["smtp_mail_from", 465, implicit],
  ["https_challenge", 443, { ...implicit, path: "/owa/" }],
  ["https_challenge", 443, { ...implicit, path: "/ecp/" }],
  [
    "https_challenge",
    443,
    { ...implicit, path: "/EWS/Exchange.asmx", options: { auth_schemes: "NTLM" } },
  ],
  ["https_challenge", 443, { ...implicit, path: "/mapi/emsmdb/" }],
  ["https_challenge", 443, { ...implicit, path: "/Microsoft-Server-ActiveSync" }],
  ["https_challenge", 443, { ...implicit, path: "/Autodiscover/Autodiscover.xml" }],
  ["https_challenge", 443, { ...implicit, path: "/OAB/" }],
  ["https_challenge", 443, { ...implicit, path: "/rpc/rpcproxy.dll" }],
  ["health_page", 443, { ...implicit, path: "/owa/" }],
];

describe("transactions at a healthy lab server", () => {
  test.each(
    LOOKS.map((row) => [row[0], row[1], row[2].path ?? row[2].security ?? "", row] as const),
  )("match: %s on %i %s", async (_, __, ___, [transaction, port, change]) => {
    const seen = await bench.run(port, transactionSpec(transaction, change));
    expect(seen).toMatchObject({ outcome: "match", reason: "ok", exchangeSeen: true });
    if ("tls" in change) {
      expect(seen.tls?.chain).not.toEqual([]);
    }
  });

  test("name the server over SMTP, in X-FEServer and on the health page", async () => {
    const names = await Promise.all([
      bench.run(25, transactionSpec("smtp_mail_from")),
      bench.run(443, transactionSpec("https_challenge", implicit)),
      bench.run(443, transactionSpec("health_page", implicit)),
    ]);
    expect(names.map(({ servedBy }) => servedBy)).toEqual([
      "ex01.lab.example.com",
      "ex01",
      "ex01.lab.example.com",
    ]);
  });
});

describe("transactions at a faulty lab server", () => {
  test.each<
    readonly [
      string,
      LabProtocol,
      Condition,
      TransactionName,
      number,
      Partial<TransactionSpec>,
      Record<string, string>,
    ]
  >([
    [
      "IMAP in maintenance",
      "all",
      { kind: "maintenance" },
      "imap_greeting",
      143,
      {},
      { step: "banner", reason: "closed_without_data" },
    ],
    [
      "IMAPS in maintenance",
      "all",
      { kind: "maintenance" },
      "imap_greeting",
      993,
      implicit,
      { step: "tls", reason: "closed_without_data" },
    ],
    [
      "POP3S in maintenance",
      "all",
      { kind: "maintenance" },
      "pop3_greeting",
      995,
      implicit,
      { step: "tls", reason: "closed_without_data" },
    ],
    [
      "IMAP stopped in maintenance",
      "all",
      { kind: "maintenance", imapPop: "stopped" },
      "imap_greeting",
      143,
      {},
      { outcome: "refused", reason: "refused" },
    ],
    [
      "SMTP in maintenance",
      "all",
      { kind: "maintenance" },
      "smtp_mail_from",
      25,
      {},
      { step: "mail_from", reason: "service_not_active" },
    ],
    [
      "SMTP in maintenance, behind STARTTLS",
      "all",
      { kind: "maintenance" },
      "smtp_mail_from",
      25,
      ifOffered,
      { step: "mail_from", reason: "service_not_active" },
    ],
    [
      "no certificate on 25: no STARTTLS is offered",
      "smtp",
      { kind: "no_certificate" },
      "smtp_mail_from",
      25,
      ifOffered,
      { outcome: "match" },
    ],
    [
      "submission in maintenance",
      "all",
      { kind: "maintenance" },
      "smtp_mail_from",
      587,
      startTls,
      { step: "mail_from", reason: "service_not_active" },
    ],
    [
      "the health page in maintenance",
      "all",
      { kind: "maintenance" },
      "health_page",
      443,
      implicit,
      { step: "response", reason: "component_offline" },
    ],
    [
      "OWA in maintenance still serves",
      "all",
      { kind: "maintenance" },
      "https_challenge",
      443,
      implicit,
      { outcome: "match" },
    ],
    [
      "SMTP draining",
      "smtp",
      { kind: "draining" },
      "smtp_mail_from",
      25,
      {},
      { step: "banner", reason: "service_not_active" },
    ],
    [
      "the hub draining",
      "smtp",
      { kind: "hub_draining" },
      "smtp_mail_from",
      25,
      {},
      { step: "mail_from", reason: "service_not_active" },
    ],
    [
      "back pressure",
      "smtp",
      { kind: "back_pressure", at: "mail_from" },
      "smtp_mail_from",
      25,
      {},
      { step: "mail_from", reason: "back_pressure" },
    ],
    [
      "back pressure at once",
      "smtp",
      { kind: "back_pressure", at: "connect" },
      "smtp_mail_from",
      25,
      {},
      { step: "banner", reason: "back_pressure" },
    ],
    [
      "too many connections",
      "smtp",
      { kind: "source_limit", connections: 0 },
      "smtp_mail_from",
      25,
      {},
      { step: "banner", reason: "throttled" },
    ],
    [
      "no certificate on 993",
      "imap",
      { kind: "no_certificate" },
      "imap_greeting",
      993,
      implicit,
      { step: "tls", reason: "plaintext_on_tls_port" },
    ],
    [
      "no certificate on 143",
      "imap",
      { kind: "no_certificate" },
      "imap_greeting",
      143,
      startTls,
      { step: "starttls", reason: "tls_handshake" },
    ],
    [
      "no certificate on 443",
      "https",
      { kind: "no_certificate" },
      "https_challenge",
      443,
      implicit,
      { outcome: "failed", reason: "reset" },
    ],
    [
      "IMAP hung",
      "imap",
      { kind: "hung" },
      "imap_greeting",
      143,
      {},
      { outcome: "timeout", step: "banner" },
    ],
    [
      "a customised banner",
      "imap",
      { kind: "custom_banner", text: "ready when you are" },
      "imap_greeting",
      143,
      {},
      { outcome: "match" },
    ],
    [
      "a dead back end, IMAP's banner",
      "imap",
      { kind: "dead_backend" },
      "imap_greeting",
      143,
      {},
      { outcome: "match" },
    ],
    [
      "the application pool stopped",
      "owa",
      { kind: "app_pool_stopped" },
      "https_challenge",
      443,
      { ...implicit, path: "/owa/" },
      { outcome: "mismatch", reason: "service_not_active" },
    ],
    [
      "the application pool stopped, health page",
      "owa",
      { kind: "app_pool_stopped" },
      "health_page",
      443,
      { ...implicit, path: "/owa/" },
      { outcome: "mismatch", reason: "service_not_active" },
    ],
    [
      "TLS 1.0 only",
      "imap",
      { kind: "tls_range", min: "TLSv1", max: "TLSv1" },
      "imap_greeting",
      993,
      implicit,
      { step: "tls", reason: "tls_protocol" },
    ],
  ])(
    "give the expected result: %s",
    async (_, protocol, condition, transaction, port, change, expected) => {
      await bench.server.set(protocol, condition);
      const seen = await bench.run(port, transactionSpec(transaction, change), { timeoutMs: 1200 });
      expect(seen).toMatchObject(expected);
      if (expected["outcome"] !== "match") {
        expect(seen.outcome).not.toBe("match");
        expect(seen.outcome).not.toBe("fault");
      }
    },
  );
});

describe("transactions at an Exchange 2010 lab server", () => {
  const old = sharedBench({ version: "2010", rpcPort: 22902 });

  test.each([
    ["imap_greeting", 143, null],
    ["pop3_greeting", 110, null],
    ["smtp_mail_from", 25, null],
    ["https_challenge", 80, "/owa/"],
    ["https_challenge", 80, "/EWS/Exchange.asmx"],
  ] as const)("match: %s on %i %s", async (transaction, port, path) => {
    const seen = await old.run(port, transactionSpec(transaction, { path }));
    expect(seen).toMatchObject({ outcome: "match" });
  });
});
