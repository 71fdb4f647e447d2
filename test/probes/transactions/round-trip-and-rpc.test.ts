import { afterEach, describe, expect, test } from "vitest";
import { loginOutcome } from "../../../src/probes/probe.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionSpec } from "../../../src/model/transactions.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve, type Behaviour, type ScriptedServer } from "../../support/scripted-server.ts";
import { accountOf, exchangeBench, PROBE_A, sharedBench } from "./lab-exchange.ts";
import { CLIENT_TLS, transactionSpec } from "./transaction-spec.ts";
import { sealed } from "../../support/sealed.ts";

describe("mail_round_trip", () => {
  const bench = sharedBench();

  const run = (change: Partial<TransactionSpec> = {}, timeoutMs = 6000) =>
    bench.run(
      587,
      transactionSpec("mail_round_trip", {
        security: "starttls",
        tls: CLIENT_TLS,
        account: accountOf(PROBE_A),
        ...change,
      }),
      { timeoutMs },
    );
  const count = (folder: string): number =>
    bench.organisation.mailbox(PROBE_A.address)?.folder(folder)?.messages.length ?? -1;

  test("matches and deletes the message when it arrives", async () => {
    const seen = await run();
    expect(seen).toMatchObject({ outcome: "match", step: "transaction" });
    expect(seen.responseTimeMs).toBeGreaterThan(0);
    expect(seen.evidence.detail).toMatch(/^found after \d+\.\d s$/);
    expect(loginOutcome(seen)).toBe("accepted");
    expect(JSON.stringify(seen)).not.toContain(PROBE_A.password);
    expect(count("INBOX")).toBe(0);
  });

  test("reports mail_in_junk and deletes the message when it arrives in Junk Email", async () => {
    await bench.server.set("smtp", { kind: "delivery", to: "junk" });
    const seen = await run();
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "mail_in_junk" });
    expect(count("Junk Email")).toBe(0);
  });

  test("reports mail_lost when the message never arrives", async () => {
    await bench.server.set("smtp", { kind: "delivery", to: "nowhere" });
    const seen = await run({}, 4000);
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "mail_lost" });
    expect(seen.durationMs).toBeLessThan(4000);
  });

  test("deletes leftovers of earlier rounds and no other message", async () => {
    const left = (header: string) =>
      Buffer.from(`Subject: x\r\n${header}: 11111111-1111-4111-8111-111111111111\r\n\r\nold\r\n`);
    bench.organisation.deliver(PROBE_A.address, left("X-Adc-Witness"), "INBOX");
    bench.organisation.deliver(PROBE_A.address, left("X-Other"), "INBOX");
    const later = Date.now() + 20 * 60_000;
    const seen = await bench.run(
      587,
      transactionSpec("mail_round_trip", {
        security: "starttls",
        tls: CLIENT_TLS,
        account: accountOf(PROBE_A),
      }),
      { timeoutMs: 6000, now: () => later },
    );
    expect(seen.outcome).toBe("match");
    expect(count("INBOX")).toBe(1);
  });

  test("neither accepts nor deletes foreign messages when the server's search returns them", async () => {
    const commands: string[] = [];
    const imap = await serve(lyingImap(commands));
    const smtp = await serve(eagerSmtp);
    const seen = await runTransaction(
      transactionSpec("mail_round_trip", {
        account: accountOf(PROBE_A),
        allowPlaintext: true,
        options: { imap_host: "127.0.0.1", imap_port: imap.port, junk_folder: "Junk" },
      }),
      { host: "127.0.0.1", port: smtp.port, server: null },
      probeContext(5_000),
    );
    await Promise.all([imap.close(), smtp.close()]);
    expect(seen).toMatchObject({ reason: "mail_lost" });
    expect(commands.filter((line) => /FETCH/i.test(line)).length).toBeGreaterThan(1);
    expect(commands.filter((line) => /STORE|EXPUNGE|MOVE|COPY/i.test(line))).toEqual([]);
  });

  test("reports auth_rejected when the login is rejected", async () => {
    const seen = await run({ account: accountOf(PROBE_A, { password: sealed("wrong") }) });
    expect(seen).toMatchObject({ outcome: "fault", reason: "auth_rejected" });
    expect(loginOutcome(seen)).toBe("rejected");
  });

  test("reports service_not_active when the submission server is in maintenance", async () => {
    await bench.server.set("smtp", { kind: "maintenance" });
    expect(await run()).toMatchObject({ reason: "service_not_active" });
  });

  test("is not configured when the account has no mail address", async () => {
    const seen = await run({ account: accountOf(PROBE_A, { address: null }) });
    expect(seen).toMatchObject({ outcome: "fault", reason: "not_configured" });
  });
});

/** Answers every search with the mailbox's three messages: one of its owner's, one of another round, one that quotes it. */
function lyingImap(commands: string[]): Behaviour {
  const headers = [
    "Subject: yours\r\n\r\n",
    "X-Adc-Witness: 22222222-2222-4222-8222-222222222222\r\n\r\n",
    "X-Adc-Witness: see below\r\n\r\n",
  ];
  const fetched = headers
    .map(
      (text, index) =>
        `* ${String(index + 1)} FETCH (UID ${String(index + 1)} INTERNALDATE "28-Nov-2999 20:00:00 +0000" ` +
        `BODY[HEADER.FIELDS (X-ADC-WITNESS)] {${String(text.length)}}\r\n${text})\r\n`,
    )
    .join("");
  return (socket) => {
    socket.write("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    let rest = "";
    socket.on("data", (data) => {
      rest += data.toString("latin1");
      for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        commands.push(line);
        const [tag = "", ...words] = line.split(" ");
        const answer = /SEARCH/i.test(line)
          ? "* SEARCH 1 2 3\r\n"
          : /FETCH/i.test(line)
            ? fetched
            : /SELECT/i.test(line)
              ? "* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 5] x\r\n"
              : /CAPABILITY/i.test(line)
                ? "* CAPABILITY IMAP4rev1\r\n"
                : "";
        socket.write(`${answer}${tag} OK ${words[0] ?? ""} done\r\n`);
      }
    });
  };
}

/** Takes every message. */
const eagerSmtp: Behaviour = (socket) => {
  let inMessage = false;
  socket.write("220 mx.example.com\r\n");
  socket.on("data", (data) => {
    const text = data.toString("latin1");
    if (inMessage) {
      inMessage = !text.endsWith("\r\n.\r\n");
      socket.write(inMessage ? "" : "250 2.6.0 queued\r\n");
      return;
    }
    inMessage = /^DATA/i.test(text);
    socket.write(inMessage ? "354 go on\r\n" : "250 mx.example.com\r\n");
  });
};

describe("rpc_endpoint_map", () => {
  const bench = sharedBench({ version: "2010", rpcPort: 22902 });

  test("matches when asked at the static port that the mapper names", async () => {
    const seen = await bench.run(22902, transactionSpec("rpc_endpoint_map"));
    expect(seen).toMatchObject({ outcome: "match" });
    expect(seen.evidence.detail).toBe("EMSMDB answers at port 22902");
  });

  test("compares the mapped port with expected_port when asked at the mapper", async () => {
    expect((await bench.run(135, transactionSpec("rpc_endpoint_map"))).outcome).toBe("match");
    for (const [port, outcome] of [
      [59531, "mismatch"],
      ["59531,59532", "mismatch"],
      ["59532,22902", "match"],
    ] as const) {
      const expecting = transactionSpec("rpc_endpoint_map", { options: { expected_port: port } });
      expect(await bench.run(135, expecting)).toMatchObject({ outcome });
    }
  });

  test("reports bad_status when the mapper names another port", async () => {
    const moved = await exchangeBench({ version: "2010", rpcPort: 22902, mappedRpcPort: 59531 });
    const seen = await moved.run(22902, transactionSpec("rpc_endpoint_map"));
    await moved.close();
    expect(seen).toMatchObject({ outcome: "mismatch", reason: "bad_status" });
    expect(seen.evidence.detail).toBe("the endpoint mapper lists port 59531, the ADC has 22902");
  });

  test.each(["rpc_client_access", "endpoint_mapper"] as const)(
    "fails when %s is stopped",
    async (group) => {
      await bench.server.set(group, { kind: "stopped" });
      const seen = await bench.run(22902, transactionSpec("rpc_endpoint_map"));
      expect(seen.outcome).not.toBe("match");
      expect(["refused", "service_not_active"]).toContain(seen.reason);
    },
  );
});

describe("rpc_endpoint_map at a faulty server", () => {
  const servers: ScriptedServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });
  const fragment = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ""), "hex");

  test.each<readonly [string, Behaviour, string]>([
    ["HTTP", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol_error"],
    [
      "a bind refused",
      (socket) => socket.write(fragment("05000d03 10000000 1800 0000 01000000 0400 0200 05000000")),
      "service_not_active",
    ],
    [
      "a length of 64 KB",
      (socket) => socket.write(fragment("05000c03 10000000 ffff 0000 01000000")),
      "protocol_error",
    ],
    ["silence", () => undefined, "response_timeout"],
    ["a close", (socket) => socket.end(), "closed_without_data"],
  ])(
    "reports the expected reason when the server answers with %s",
    async (_, behaviour, reason) => {
      const server = await serve(behaviour);
      servers.push(server);
      const seen = await runTransaction(
        transactionSpec("rpc_endpoint_map", { options: { mapper_port: server.port } }),
        { host: "127.0.0.1", port: server.port, server: null },
        probeContext(reason === "response_timeout" ? 1_000 : 10_000),
      );
      expect(seen).toMatchObject({ reason });
    },
  );
});
