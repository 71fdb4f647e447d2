import { afterEach, describe, expect, test } from "vitest";
import { passivePort } from "../../../src/probes/monitors/ftp.ts";
import { runMonitor, type MonitorResult } from "../../../src/probes/monitors/registry.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { probeContext } from "../../support/probe-context.ts";
import {
  closedPort,
  conversation,
  serve,
  type Behaviour,
  type ScriptedServer,
  type Turn,
} from "../../support/scripted-server.ts";

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function start(behaviour: Behaviour): Promise<number> {
  const server = await serve(behaviour);
  servers.push(server);
  return server.port;
}

const LOGIN: readonly Turn[] = [
  [/^USER anonymous$/, "331 password please\r\n"],
  [/^PASS /, "230 welcome\r\n"],
  [/^QUIT/, "221 bye\r\n"],
];
async function ftp(greeting: string, turns: readonly Turn[]): Promise<MonitorResult> {
  const port = await start(conversation(greeting, turns));
  return runMonitor(
    monitorSpec("FTP"),
    { host: "127.0.0.1", port, server: null },
    probeContext(10_000),
  );
}

describe("FTP monitor", () => {
  test("falls back to PASV and ignores the address in its reply when EPSV is unknown", async () => {
    const data = await start((socket) => socket.end("health.txt\r\n"));
    const numbers = `10,9,8,7,${data >> 8},${data & 0xff}`;
    const result = await ftp("220 ready\r\n", [
      ...LOGIN,
      [/^EPSV/, "500 what?\r\n"],
      [/^PASV/, `227 Entering Passive Mode (${numbers}).\r\n`],
      [/^NLST/, "150 here it comes\r\n226 done\r\n"],
    ]);
    expect(result).toMatchObject({ passed: true });
  });

  test("reports refused at step transaction when the data connection is refused", async () => {
    const port = await closedPort();
    const result = await ftp("220 ready\r\n", [...LOGIN, [/^EPSV/, `229 (|||${port}|)\r\n`]]);
    expect(result).toMatchObject({
      passed: false,
      observation: { outcome: "refused", step: "transaction" },
    });
  });

  test("fails with bad_status when no data port is offered or the transfer fails", async () => {
    expect(
      await ftp("220 ready\r\n", [...LOGIN, [/^(EPSV|PASV)/, "425 cannot open\r\n"]]),
    ).toMatchObject({ passed: false, observation: { outcome: "mismatch", reason: "bad_status" } });
    const data = await start((socket) => socket.end());
    expect(
      await ftp("220 ready\r\n", [
        ...LOGIN,
        [/^EPSV/, `229 (|||${data}|)\r\n`],
        [/^NLST/, "150 here\r\n426 aborted\r\n"],
      ]),
    ).toMatchObject({ passed: false, observation: { reason: "bad_status" } });
  });

  test.each([
    ["421 too busy\r\n", false, "bad_status", "banner"],
    ["garbage\r\n", false, "protocol_error", "banner"],
  ])(
    "fails at step banner with the expected reason when greeted with %j",
    async (greeting, passed, reason, step) => {
      expect(await ftp(greeting, LOGIN)).toMatchObject({ passed, observation: { reason, step } });
    },
  );

  test("is unknown when the login is rejected", async () => {
    expect(await ftp("220 ready\r\n", [[/^USER/, "530 no\r\n"]])).toMatchObject({
      passed: null,
      observation: { outcome: "fault", reason: "auth_rejected" },
    });
  });

  test.each([
    [229, "Entering (|||6446|)", 6446],
    [229, "Entering (|||0|)", null],
    [229, "Entering (|||70000|)", null],
    [227, "Passive (127,0,0,1,4,1)", 1025],
    [227, "Passive", null],
    [500, "(|||6446|)", null],
  ])("reads the reply %i %s as passive port %s", (code, text, port) => {
    expect(passivePort({ kind: "reply", code, lines: [text], text })).toBe(port);
  });
});
