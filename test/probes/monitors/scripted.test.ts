import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { labCertificate } from "../../../lab/certificates/lab-certificate.ts";
import { runMonitor, type MonitorResult } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import { commandWords } from "../../../src/probes/monitors/user-script.ts";
import { monitorSpec, LOGIN_TLS } from "../../support/monitor-spec.ts";
import { mysqlServer, MYSQL_USER } from "../../support/mysql-server.ts";
import { probeContext } from "../../support/probe-context.ts";
import {
  conversation,
  serve,
  type Behaviour,
  type ScriptedServer,
} from "../../support/scripted-server.ts";
import { monitorCredential, sealed } from "../../support/sealed.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function against(behaviour: Behaviour, spec: MonitorSpec): Promise<MonitorResult> {
  const server = await serve(behaviour);
  servers.push(server);
  return at(server.port, spec);
}
function at(port: number, spec: MonitorSpec): Promise<MonitorResult> {
  return runMonitor(spec, { host: "127.0.0.1", port, server: null }, probeContext(10_000));
}

describe("SMTP and POP3 monitors", () => {
  test.each([
    ["421 4.3.2 Service not available", "service_not_active"],
    [
      "421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, closing transmission channel",
      "throttled",
    ],
    [
      "421 4.3.2 The maximum number of concurrent connections per source has exceeded a limit",
      "source_limit",
    ],
    ["452 4.3.1 Insufficient system resources", "back_pressure"],
    ["554 no", "bad_status"],
  ])("SMTP fails with the expected reason when the banner is: %s", async (line, reason) => {
    const result = await against((socket) => socket.end(`${line}\r\n`), monitorSpec("SMTP"));
    expect(result).toMatchObject({
      passed: false,
      observation: { outcome: "mismatch", reason, step: "banner" },
    });
  });

  test("SMTP falls back to HELO when EHLO is unknown and the greeting has several lines", async () => {
    const old = conversation("220-ex01.example.com\r\n220 ready\r\n", [
      [/^EHLO/, "500 what?\r\n"],
      [/^HELO/, "250 hello\r\n"],
      [/^QUIT/, "221 bye\r\n"],
    ]);
    expect(await against(old, monitorSpec("SMTP"))).toMatchObject({ passed: true });
  });

  test("SMTP passes when the server resets after QUIT", async () => {
    const abrupt: Behaviour = (socket) => {
      socket.write("220 ex01.example.com\r\n");
      socket.on("data", (data) =>
        data.toString().startsWith("QUIT") ? socket.resetAndDestroy() : socket.write("250 ok\r\n"),
      );
    };
    expect(await against(abrupt, monitorSpec("SMTP"))).toMatchObject({ passed: true });
  });

  const credential = monitorCredential({ username: "itest", password: "pw" });
  test.each([
    ["-ERR BYE Connection refused", "banner", "throttled", false],
    ["-ERR Connection is closed. 10", "banner", "throttled", false],
    ["* OK IMAP here", "banner", "protocol_error", false],
  ])(
    "POP3 fails with the expected reason when greeted with: %s",
    async (line, step, reason, passed) => {
      const spec = monitorSpec("POP3", {}, { credential });
      const result = await against((socket) => socket.end(`${line}\r\n`), spec);
      expect(result).toMatchObject({ passed, observation: { step, reason } });
    },
  );

  test("POP3 fails with ssl_required when USER is refused before TLS", async () => {
    const picky = conversation("+OK ready\r\n", [
      [/^USER/, "-ERR Command is not valid in this state.\r\n"],
    ]);
    expect(await against(picky, monitorSpec("POP3", {}, { credential }))).toMatchObject({
      passed: false,
      observation: { reason: "ssl_required" },
    });
  });

  test("POP3 is unsupported and names the setting when no credential is configured", async () => {
    const spec = monitorSpec("POP3", { userName: "itest", password: "encrypted" });
    expect(await against(() => undefined, spec)).toMatchObject({
      passed: null,
      observation: {
        reason: "unsupported",
        evidence: { detail: expect.stringContaining("monitors.m_POP3") as string },
      },
    });
  });
});

describe("NNTP monitor", () => {
  const news = conversation("201 read only\r\n", [
    [/^GROUP local.test$/, "211 3 1 3 local.test\r\n"],
    [/^GROUP members$/, "480 authenticate\r\n"],
    [/^GROUP/, "411 no such group\r\n"],
    [/^QUIT/, "205 bye\r\n"],
  ]);
  test.each([
    ["local.test", true, "ok"],
    ["members", null, "auth_challenge"],
    ["nothing", false, "bad_status"],
  ])("gives the expected result for group %s", async (group, passed, reason) => {
    expect(await against(news, monitorSpec("NNTP", { group }))).toMatchObject({
      passed,
      observation: { reason },
    });
  });
});

describe("RTSP monitor", () => {
  const player = conversation("", [
    [/^OPTIONS \* RTSP\/1.0$/, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"],
    [/^DESCRIBE/, "RTSP/1.0 404 Not Found\r\n\r\n"],
  ]);
  test.each([
    [{}, true],
    [{ rtspRequest: "DESCRIBE rtsp://127.0.0.1/x" }, false],
    [{ rtspRequest: "DESCRIBE rtsp://127.0.0.1/x", respCodes: [{ from: 400, to: 404 }] }, true],
  ])("gives the expected result for parameters %j", async (parameters, passed) => {
    expect(await against(player, monitorSpec("RTSP", parameters))).toMatchObject({ passed });
  });
});

describe("SIP monitor", () => {
  function answer(request: string, status: string): string {
    const field = (name: string): string =>
      new RegExp(`^${name}:.*$`, "m").exec(request)?.[0].trimEnd() ?? "";
    return `SIP/2.0 ${status}\r\n${field("Call-ID")}\r\n${field("CSeq")}\r\nContent-Length: 0\r\n\r\n`;
  }
  test("passes over TCP when a provisional response comes first", async () => {
    const phone: Behaviour = (socket) =>
      socket.on("data", (data) => {
        socket.write(answer(data.toString(), "100 Trying"));
        socket.write(answer(data.toString(), "200 OK"));
      });
    const result = await against(phone, monitorSpec("SIP-TCP", { sipUri: "sip:ping@example.com" }));
    expect(result).toMatchObject({ passed: true });
    expect(result.observation.evidence.transcript).toContain(
      "> OPTIONS sip:ping@example.com SIP/2.0",
    );
  });

  test("ignores a response to another call over UDP", async () => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    socket.on("message", (data, from) => {
      socket.send("SIP/2.0 503 Busy\r\nCall-ID: another\r\n\r\n", from.port, from.address);
      socket.send(answer(data.toString(), "404 Not Found"), from.port, from.address);
    });
    const { port } = socket.address();
    expect(await at(port, monitorSpec("SIP-UDP"))).toMatchObject({
      passed: false,
      observation: { reason: "bad_status", evidence: { detail: "SIP/2.0 404 Not Found" } },
    });
    const wanted = monitorSpec("SIP-UDP", { respCodes: [{ from: 404, to: 404 }] });
    expect(await at(port, wanted)).toMatchObject({ passed: true });
    socket.close();
  });
});

describe("MYSQL monitor", () => {
  const credential = monitorCredential(MYSQL_USER);
  test.each(["mysql_native_password", "caching_sha2_password"] as const)(
    "logs in by %s and runs the query",
    async (plugin) => {
      const queries: string[] = [];
      const spec = monitorSpec("MYSQL", { database: "mail", sqlQuery: "SELECT 1" }, { credential });
      const result = await against(mysqlServer({ plugin, queries }), spec);
      expect(result).toMatchObject({ passed: true, observation: { outcome: "match" } });
      expect(queries).toEqual(["SELECT 1"]);
      expect(JSON.stringify(result)).not.toContain(MYSQL_USER.password);
    },
  );
  test("passes when the server switches to another authentication plugin", async () => {
    const server = mysqlServer({
      plugin: "caching_sha2_password",
      switchTo: "mysql_native_password",
      queries: [],
    });
    expect(await against(server, monitorSpec("MYSQL", {}, { credential }))).toMatchObject({
      passed: true,
    });
  });
  test("passes without TLS when caching_sha2_password requires full authentication", async () => {
    const server = mysqlServer({ plugin: "caching_sha2_password", full: true, queries: [] });
    expect(await against(server, monitorSpec("MYSQL", {}, { credential }))).toMatchObject({
      passed: true,
    });
  });
  test("passes over TLS", async () => {
    const { certificate: cert, key } = labCertificate("mail");
    const server = mysqlServer({
      plugin: "mysql_native_password",
      queries: [],
      tls: { cert, key },
    });
    const result = await against(server, monitorSpec("MYSQL", {}, { credential, tls: LOGIN_TLS }));
    expect(result).toMatchObject({ passed: true, observation: { tls: { protocol: "TLSv1.3" } } });
  });
  test("reports the reason when the password is wrong, the query fails or the host is blocked", async () => {
    const wrong = { ...credential, password: sealed("wrong") };
    const server = mysqlServer({ plugin: "mysql_native_password", queries: [] });
    expect(await against(server, monitorSpec("MYSQL", {}, { credential: wrong }))).toMatchObject({
      passed: null,
      observation: { reason: "auth_rejected" },
    });
    const broken = monitorSpec("MYSQL", { sqlQuery: "BROKEN" }, { credential });
    expect(await against(server, broken)).toMatchObject({
      passed: false,
      observation: { reason: "bad_status" },
    });
    const text = "Host '127.0.0.1' is blocked";
    const blocked: Behaviour = (socket) =>
      socket.end(
        Buffer.concat([
          Buffer.from([text.length + 3, 0, 0, 0, 0xff, 0x69, 0x04]),
          Buffer.from(text),
        ]),
      );
    expect(await against(blocked, monitorSpec("MYSQL", {}, { credential }))).toMatchObject({
      passed: false,
      observation: { reason: "source_limit", evidence: { detail: `1129 ${text}` } },
    });
  });
});

describe("USER monitor with a command", () => {
  const target = { host: "127.0.0.1", port: 2500, server: null };
  function script(code: string, ...words: string[]): MonitorSpec {
    return monitorSpec(
      "USER",
      { scriptName: "own.pl", scriptArgs: "a=1;b=2" },
      {
        command: [process.execPath, "-e", code, ...words],
        credential: monitorCredential({ username: "u", password: "p4ss" }),
      },
    );
  }
  test("passes on exit status 0 and substitutes address, port and arguments without a shell", async () => {
    const code =
      "process.stdout.write(process.argv.slice(1).join('|')+process.env.ADC_WITNESS_PASSWORD)";
    const result = await runMonitor(
      script(code, "{address}:{port}", "{args}", "$(id); rm -rf x"),
      target,
      probeContext(10_000),
    );
    expect(result).toMatchObject({ passed: true });
    expect(result.observation.evidence.transcript).toBe(
      "< 127.0.0.1:2500|a=1;b=2|$(id); rm -rf x<secret>\n",
    );
  });
  test("fails on another exit status, is unknown when the program is missing, and times out when it is slow", async () => {
    expect(await runMonitor(script("process.exit(3)"), target, probeContext(10_000))).toMatchObject(
      {
        passed: false,
        observation: { outcome: "mismatch", evidence: { detail: "exit status 3" } },
      },
    );
    const missing = monitorSpec("USER", { scriptName: "own.pl" }, { command: ["/nowhere/at-all"] });
    expect(await runMonitor(missing, target, probeContext())).toMatchObject({
      passed: null,
      observation: { outcome: "fault", reason: "agent_fault" },
    });
    expect(
      await runMonitor(script("setInterval(()=>{},1000)"), target, probeContext(600)),
    ).toMatchObject({
      passed: false,
      observation: { outcome: "timeout" },
    });
  });
  test("gives the command a clean environment", async () => {
    const code = "process.stdout.write(JSON.stringify(Object.keys(process.env).sort()))";
    process.env["ADC_WITNESS_TEST_SECRET"] = "s3cret";
    onTestFinished(() => void delete process.env["ADC_WITNESS_TEST_SECRET"]);
    const result = await runMonitor(script(code), target, probeContext(10_000));
    expect(result).toMatchObject({ passed: true });
    const line = result.observation.evidence.transcript.slice(2).trim();
    const allowed = ["PATH", "LANG", "LC_ALL", "TZ"];
    const own = ["ADC_WITNESS_PASSWORD", "ADC_WITNESS_USERNAME"];
    const given = JSON.parse(line) as string[];
    expect(given.filter((name) => !allowed.includes(name))).toEqual(own);
    expect(given).toContain("PATH");
  });
  test.each([
    ["{args}", "a=1", "a=1"],
    ["{args}", "-x", " -x"],
    ["{args}", "--output=/etc/x; $(id)", " --output=/etc/x; $(id)"],
    ["--args={args}", "-x", "--args=-x"],
    ["{address}", "-x", "::1"],
    ["{unknown}", "-x", "{unknown}"],
  ])("substitutes %s with scriptArgs %s as %s", (written, args, word) => {
    expect(commandWords(["own", written], { args, address: "::1" })).toEqual(["own", word]);
  });
  test("lets scriptArgs begin with a dash only after the command's own --", () => {
    const values = { args: "-x", address: "::1" };
    expect(commandWords(["own", "--", "{address}", "{args}"], values)).toEqual([
      ...["own", "--", "::1", "-x"],
    ]);
    expect(commandWords(["sudo", "--", "own", "{args}"], values).at(-1)).toBe(" -x");
  });
  test("is unsupported and explains the setting when no command is configured", async () => {
    const bare = monitorSpec("USER", { scriptName: "own.pl" });
    expect(await runMonitor(bare, target, probeContext())).toMatchObject({
      passed: null,
      observation: { reason: "unsupported" },
    });
  });
});

test("scripted MySQL server › computes the documented password digest", () => {
  // Guards the double itself: SHA1(password) XOR SHA1(nonce, SHA1(SHA1(password))) of a known pair.
  const stage2 = createHash("sha1").update(createHash("sha1").update("abc").digest()).digest("hex");
  expect(stage2).toBe("0d3ced9bec10a777aec23ccc353a8c08a633045e");
});
