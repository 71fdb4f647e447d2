import Pop3Command from "node-pop3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import type { ExchangeServer, Organisation } from "../../../lab/exchange/exchange-server.ts";
import {
  ACCOUNT,
  hasProgram,
  newOrganisation,
  portOf,
  rawExchange,
  run,
  startServer,
} from "./support.ts";

const FIRST = "Subject: first\r\n\r\n.dot\r\nline\r\n";
const SECOND = "Subject: second\r\n\r\nbody\r\n";

let organisation: Organisation;
let server: ExchangeServer;

beforeEach(async () => {
  organisation = newOrganisation();
  organisation.deliver(ACCOUNT.address, Buffer.from(FIRST), "INBOX");
  organisation.deliver(ACCOUNT.address, Buffer.from(SECOND), "INBOX");
  server = await startServer({ organisation });
});

afterEach(() => server.close());

async function talk(port: number, ...lines: string[]): Promise<string> {
  const send = `${[...lines, "QUIT"].join("\r\n")}\r\n`;
  return (await rawExchange(portOf(server, port), { send })).received;
}

describe("lab POP3 protocol", () => {
  it("refuses a login without TLS and offers STLS", async () => {
    expect(await talk(110, "CAPA", "USER x", "STAT")).toBe(
      "+OK The Microsoft Exchange POP3 service is ready.\r\n" +
        "+OK\r\nTOP\r\nUIDL\r\nSASL NTLM GSSAPI\r\nSTLS\r\n.\r\n" +
        "-ERR Command is not valid in this state.\r\n".repeat(2) +
        "+OK Microsoft Exchange Server 2013 POP3 server signing off.\r\n",
    );
  });

  it("closes after three bad commands", async () => {
    expect(await talk(110, "GET /", "GET /", "GET /")).toBe(
      "+OK The Microsoft Exchange POP3 service is ready.\r\n" +
        "-ERR Protocol error. 19\r\n".repeat(2) +
        "-ERR Protocol error. 20\r\n",
    );
  });

  it("serves STAT, LIST, UIDL, TOP, RETR with dot stuffing, DELE and RSET", async () => {
    await server.close();
    server = await startServer({ organisation, imapPopLoginType: "PlainTextLogin" });
    const received = await talk(
      110,
      `USER ${ACCOUNT.address}`,
      `PASS ${ACCOUNT.password}`,
      "STAT",
      "LIST",
      "LIST 2",
      "UIDL",
      "TOP 1 1",
      "RETR 1",
      "DELE 2",
      "STAT",
      "RETR 2",
      "RSET",
      "STAT",
    );
    expect(received.split("\r\n").slice(1, -2)).toEqual([
      "+OK",
      "+OK User successfully logged on.",
      "+OK 2 55",
      "+OK",
      "1 30",
      "2 25",
      ".",
      "+OK 2 25",
      "+OK",
      "1 1",
      "2 2",
      ".",
      "+OK",
      "Subject: first",
      "",
      "..dot",
      ".",
      "+OK",
      "Subject: first",
      "",
      "..dot",
      "line",
      ".",
      "+OK",
      "+OK 1 30",
      "-ERR The specified message is out of range.",
      "+OK",
      "+OK 2 55",
    ]);
  });

  it("sends -ERR in clear text on 995 when no certificate is bound", async () => {
    await server.set("pop3", { kind: "no_certificate" });
    expect(await rawExchange(portOf(server, 995), {})).toEqual({
      received: "-ERR Connection is closed. 13\r\n",
      end: "closed",
    });
  });
});

describe("lab POP3 server with node-pop3", () => {
  function client(password: string = ACCOUNT.password) {
    return new Pop3Command({
      host: "127.0.0.1",
      port: portOf(server, 995),
      tls: true,
      tlsOptions: { rejectUnauthorized: false },
      user: ACCOUNT.address,
      password,
    });
  }

  it("reads and deletes over TLS", async () => {
    const pop3 = client();
    expect(await pop3.UIDL()).toEqual([
      ["1", "1"],
      ["2", "2"],
    ]);
    expect(await pop3.RETR(2)).toBe(SECOND.trimEnd());
    await pop3.command("DELE", 1);
    await pop3.QUIT();
    const left = organisation.mailbox(ACCOUNT.address)?.folder("INBOX")?.messages;
    expect(left?.map(({ uid }) => uid)).toEqual([2]);
  });

  it.each(["wrong password", "dead back end", "dismounted database"])(
    "gives Exchange's error on: %s",
    async (cause) => {
      if (cause === "dead back end") {
        await server.set("pop3", { kind: "dead_backend" });
      }
      if (cause === "dismounted database") {
        organisation.setMounted("DB01", false);
      }
      const pop3 = client(cause === "wrong password" ? "wrong" : ACCOUNT.password);
      await expect(pop3.UIDL()).rejects.toThrow(
        cause === "dead back end"
          ? "Server Unavailable. 21"
          : "Logon failure: unknown user name or bad password.",
      );
    },
  );
});

describe.skipIf(!hasProgram("curl", "curl"))("lab POP3 server with curl", () => {
  it.each(["PLAIN", "NTLM"])("logs in by STLS and %s, and lists", async (mechanism) => {
    const { status, output } = await run("curl", [
      "--silent",
      "--show-error",
      "--ssl-reqd",
      "--cacert",
      labCaFile(),
      "--connect-to",
      `mail.example.com:110:127.0.0.1:${portOf(server, 110)}`,
      "--user",
      `${ACCOUNT.address}:${ACCOUNT.password}`,
      "--login-options",
      `AUTH=${mechanism}`,
      "pop3://mail.example.com:110/",
    ]);
    expect({ status, output }).toEqual({ status: 0, output: "1 30\r\n2 25\r\n" });
  });
});

describe.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_pop", "monitoring-plugins"))(
  "lab POP3 server with check_pop",
  () => {
    it("is OK with the banner and not OK when stopped", async () => {
      const plugin = "/usr/lib/nagios/plugins/check_pop";
      const args = ["-H", "127.0.0.1", "-p", String(portOf(server, 110)), "-e", "+OK"];
      expect((await run(plugin, args)).status).toBe(0);
      await server.set("pop3", { kind: "stopped" });
      expect((await run(plugin, args)).status).toBe(2);
    });
  },
);
