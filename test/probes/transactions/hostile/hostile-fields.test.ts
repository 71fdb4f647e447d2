import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runMonitor } from "../../../../src/probes/monitors/registry.ts";
import type { Observation } from "../../../../src/model/observation.ts";
import type { ProbeContext, Target } from "../../../../src/net/probe-context.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import { TRANSACTIONS } from "../../../../src/model/transactions.ts";
import { longestTurnMs, shortestOfLongestTurnsMs } from "../../../support/longest-turn.ts";
import { makeCertificate, type CertificateWishes } from "../../../support/made-certificate.ts";
import { monitorSpec, PLAIN_TLS } from "../../../support/monitor-spec.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { serve, type ScriptedServer } from "../../../support/scripted-server.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "../transaction-spec.ts";
import { startHostile, type Play } from "./hostile-server.ts";
import { SUBJECTS, type HostileSubject } from "./subjects.ts";

/** No answer may hold the event loop for longer, in processor time. */
const MAX_TURN_MS = 50;
const TIMEOUT_MS = 5_000;

/** Runs of what the regular expressions repeat, each with an end that prevents a match. */
const RUN_CHARS = 60_000;
const run = (piece: string, end = ""): string =>
  piece.repeat(Math.floor(RUN_CHARS / piece.length)) + end;
const RUNS: readonly (readonly [name: string, text: string])[] = [
  ["equals signs", `a${run("=", " x y")}`],
  ["dots", run(".", "!")],
  ["spaces", run(" ", "x")],
  ["tags that do not end", run("<")],
  ["fields that do not end", run("<input ")],
  ["codes that do not end", run("<ResponseCode")],
  ["a product's name", run("Microsoft Exchange ")],
  ["greetings", run("Hello [O")],
  ["limits", run("4.7.1 limi", "!")],
  ["quotes", `a="${run('\\"')}`],
  ["commas", run(", ", "!")],
  ["one long name", `${run("a.")}example.com`],
];

/**
 * Each header that is read, with the statuses that it is read at; a body is read, too. One header holds the run, for a head of
 * more than 64 KB is no answer.
 */
const HEADERS = [
  ["WWW-Authenticate", "401 No"],
  ["Set-Cookie", "200 OK"],
  ["Set-Cookie", "302 Found"],
  ["Location", "302 Found"],
  ["X-FEServer", "200 OK"],
  ["X-CalculatedBETarget", "401 No"],
  ["Server", "200 OK"],
] as const;

/** The answers of a protocol that hold the text; each is the last on its connection. */
function answersWith({ protocol }: HostileSubject, text: string): readonly Play[] {
  switch (protocol) {
    case "http":
      return HEADERS.map(
        ([header, status]): Play =>
          (socket) =>
            socket.end(
              `HTTP/1.1 ${status}\r\n${header}: ${text}\r\nWWW-Authenticate: NTLM\r\n` +
                `Content-Length: ${String(text.length)}\r\n\r\n${text}`,
            ),
      );
    case "ldap":
    case "rpc":
      return [(socket) => socket.end(text)];
    default:
      return [
        (socket, healthy) => {
          const [head = ""] = /^(\S+ \S+|\S+)/.exec(healthy.toString("latin1")) ?? [];
          // A line of 60 KB is none: what is read of it is as long as a line may be.
          socket.end(`${head} ${text.slice(0, 8_000)}\r\n`);
        },
      ];
  }
}

const MANY_COOKIES: Play = (socket) => {
  const cookies = Array.from(
    { length: 900 },
    (_, at) => `Set-Cookie: c${String(at)}=${"a".repeat(40)}${String(at)}\r\n`,
  );
  socket.end(`HTTP/1.1 401 No\r\n${cookies.join("")}Content-Length: 0\r\n\r\n`);
};

describe.each(SUBJECTS)("$name with text made against its regular expressions", (subject) => {
  const observe = async (play: Play | null, stage = subject.stages[0]): Promise<Observation> => {
    const hostility =
      play === null || stage === undefined ? null : { stage, play, goesOn: false as const };
    const servers = await Promise.all([
      startHostile(subject.dialogue, stage?.server === undefined ? hostility : null),
      startHostile(subject.imap ?? subject.dialogue, stage?.server === "imap" ? hostility : null),
    ]);
    const [target, imap] = servers;
    const seen = await runTransaction(
      transactionSpec(subject.transaction, {
        account: accountOf(PROBE_A),
        allowPlaintext: true,
        ...subject.change,
        options: { mapper_port: target.port, imap_port: imap.port, ...subject.change?.options },
      }),
      { host: "127.0.0.1", port: target.port, server: null },
      probeContext(TIMEOUT_MS),
    );
    await Promise.all(servers.map((server) => server.close()));
    return seen;
  };
  beforeAll(async () => {
    // What is compiled and loaded at the first run takes its time once, and is nobody's doing.
    await observe(null);
  });

  test.each(subject.stages.filter(({ late }) => late !== true))(
    "does not stall the event loop when the text stands at $name",
    { timeout: 120_000 },
    async (stage) => {
      const slow: string[] = [];
      const answers = [
        ...RUNS.map(([name, text]) => [name, answersWith(subject, text)] as const),
        ["900 cookies", subject.protocol === "http" ? [MANY_COOKIES] : []] as const,
      ];
      for (const [name, plays] of answers) {
        const look = async (): Promise<void> => {
          for (const play of plays) {
            const seen = await observe(play, stage);
            expect(seen.reason).not.toBe("agent_fault");
          }
        };
        const turnMs = await shortestOfLongestTurnsMs(look, MAX_TURN_MS);
        slow.push(...(turnMs > MAX_TURN_MS ? [`${name}: ${turnMs.toFixed(0)} ms`] : []));
      }
      expect(slow).toEqual([]);
    },
  );
});

const CERTIFICATES: readonly (readonly [name: string, CertificateWishes])[] = [
  ["150 stars and a letter", { dnsNames: [`${"*".repeat(150)}z`] }],
  ["stars in every label", { dnsNames: [`${"*a*.".repeat(60)}com`] }],
  ["a NUL within a name", { dnsNames: ["mail.example.com\0.evil.example"] }],
  ["entries within a name", { dnsNames: ["x, DNS:mail.example.com, DNS:y"] }],
  ["escapes in names", { dnsNames: ["\u001b[2Kmail.example.com"], commonName: "\u001b[2K\u202eX" }],
  ["10,000 names", { dnsNames: Array.from({ length: 10_000 }, (_, at) => `${at.toString(36)}.x`) }],
  ["10,000 wildcards", { dnsNames: Array.from({ length: 10_000 }, () => "*.a.b") }],
  ["one name of 60 KB", { dnsNames: ["a".repeat(60_000)] }],
  ["a serial of 60 KB", { dnsNames: ["x"], serial: Buffer.alloc(60_000, 0x5a) }],
  ["a common name of 30 KB", { dnsNames: ["x"], commonName: "é".repeat(15_000) }],
  ["an end that is no time", { dnsNames: ["x"], notAfter: "never" }],
];

type Look = (target: Target, context: ProbeContext) => Promise<Observation>;
const OVER_TLS: readonly (readonly [name: string, Look])[] = [
  ...TRANSACTIONS.filter(
    (name) => TRANSACTION_TYPES.get(name)?.transport === "tcp" && name !== "rpc_endpoint_map",
  ).map((name): readonly [string, Look] => [
    name,
    (target, context) =>
      runTransaction(
        transactionSpec(name, {
          security: "implicit",
          tls: CLIENT_TLS,
          account: accountOf(PROBE_A),
          options: { imap_port: target.port },
        }),
        target,
        context,
      ),
  ]),
  ...["TCP", "TCP-ECV", "HTTP", "HTTP-ECV"].map((type): readonly [string, Look] => [
    `monitor ${type}`,
    async (target, context) => {
      const parameters = { send: "GET / HTTP/1.0", recv: "ok", httpRequest: "HEAD /" };
      const tls = { ...PLAIN_TLS, expectedNames: ["mail.example.com"] };
      const spec = monitorSpec(type, parameters, { tls, monitorChange: { secure: true } });
      return (await runMonitor(spec, target, context)).observation;
    },
  ]),
];

describe("hostile certificates", () => {
  const servers: (readonly [name: string, ScriptedServer])[] = [];
  beforeAll(async () => {
    for (const [name, wishes] of CERTIFICATES) {
      servers.push([name, await serve((socket) => socket.end(), makeCertificate(wishes))]);
    }
  });
  afterAll(async () => {
    await Promise.all(servers.map(([, server]) => server.close()));
  });

  test.each(OVER_TLS)(
    "are bounded and verify nothing when presented to %s",
    { timeout: 120_000 },
    async (_looks, look) => {
      const failures: string[] = [];
      for (const [name, { port }] of servers) {
        const seen: Observation[] = [];
        const meet = async (): Promise<void> => {
          seen.push(
            await look({ host: "127.0.0.1", port, server: null }, probeContext(TIMEOUT_MS)),
          );
        };
        const turns = [await longestTurnMs(meet), await longestTurnMs(meet)];
        const [first] = seen;
        const facts = JSON.stringify(first?.tls ?? null);
        const rules: readonly (readonly [string, boolean])[] = [
          [`a turn of ${Math.min(...turns).toFixed(0)} ms`, Math.min(...turns) > MAX_TURN_MS],
          ["agent_fault", first?.reason === "agent_fault"],
          ["no certificate recorded", (first?.tls ?? null) === null],
          ["verified", first?.tls?.verification === "ok"],
          ["a name matched", first?.tls?.nameChecks.some(({ carried }) => carried) === true],
          [`${String(facts.length)} characters of facts`, facts.length > 16 * 1024],
        ];
        failures.push(...rules.flatMap(([rule, broken]) => (broken ? [`${name}: ${rule}`] : [])));
      }
      expect(failures).toEqual([]);
    },
  );
});
