import { ImapFlow } from "imapflow";
import { createTransport } from "nodemailer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCa } from "../../../lab/certificates/lab-certificate.ts";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import type {
  Condition,
  ExchangeServer,
  Organisation,
} from "../../../lab/exchange/exchange-server.ts";
import {
  ACCOUNT,
  hasProgram,
  newOrganisation,
  openSocket,
  portOf,
  rawExchange,
  run,
  SECOND_ACCOUNT,
  startServer,
  eventually,
} from "./support.ts";

let organisation: Organisation;
let server: ExchangeServer;

beforeEach(async () => {
  organisation = newOrganisation();
  server = await startServer({ organisation });
});

afterEach(() => server.close());

async function talk(port: number, ...lines: string[]): Promise<string> {
  const send = `${[...lines, "QUIT"].join("\r\n")}\r\n`;
  return (await rawExchange(portOf(server, port), { send })).received;
}

function transport(port: number, password: string = ACCOUNT.password) {
  return createTransport({
    host: "127.0.0.1",
    port: portOf(server, port),
    secure: false,
    requireTLS: true,
    tls: { ca: labCa(), servername: "mail.example.com" },
    auth: { user: ACCOUNT.address, pass: password },
  });
}

function inbox(address: string) {
  return organisation.mailbox(address)?.folder("INBOX")?.messages ?? [];
}

describe("lab SMTP server with nodemailer", () => {
  it.each([587, 25, 465])(
    "accepts and delivers mail on %i with STARTTLS and AUTH",
    async (port) => {
      const sent = await transport(port).sendMail({
        from: ACCOUNT.address,
        to: [ACCOUNT.address, SECOND_ACCOUNT.address],
        subject: "Prüfung",
        text: ".leading dot\nzweite Zeile",
      });
      expect(sent.response).toMatch(
        /^250 2\.6\.0 <.+> \[InternalId=\d+, Hostname=ex01\.lab\.example\.com\] Queued mail for delivery$/,
      );
      for (const address of [ACCOUNT.address, SECOND_ACCOUNT.address]) {
        const [message] = inbox(address);
        const text = message?.content.toString() ?? "";
        expect(text).toContain(`Message-ID: ${sent.messageId}\r\n`);
        expect(text).toContain("\r\n\r\n.leading dot\r\nzweite Zeile\r\n");
        expect(text).toMatch(/^Received: from /);
      }
    },
  );

  it("refuses a wrong password with Exchange's text", async () => {
    await expect(transport(587, "wrong").verify()).rejects.toMatchObject({
      responseCode: 535,
      response: "535 5.7.3 Authentication unsuccessful",
    });
  });

  it("delivers to Junk Email, to nowhere, and late when the database is dismounted", async () => {
    const mail = { from: ACCOUNT.address, to: ACCOUNT.address, subject: "x", text: "y" };
    await server.set("smtp", { kind: "delivery", to: "junk" });
    await transport(587).sendMail(mail);
    expect(organisation.mailbox(ACCOUNT.address)?.folder("Junk Email")?.messages).toHaveLength(1);
    await server.set("smtp", { kind: "delivery", to: "nowhere" });
    await transport(587).sendMail(mail);
    await server.set("smtp", { kind: "healthy" });
    organisation.setMounted("DB01", false);
    organisation.deliver(ACCOUNT.address, Buffer.from("Subject: waits\r\n\r\n"), "INBOX");
    expect(inbox(ACCOUNT.address)).toHaveLength(0);
    organisation.setMounted("DB01", true);
    expect(inbox(ACCOUNT.address)).toHaveLength(1);
  });
});

it("lab SMTP server › delivers mail that can be read at another server", async () => {
  const second = await startServer({ organisation, name: "ex02" });
  await transport(587).sendMail({
    from: ACCOUNT.address,
    to: ACCOUNT.address,
    subject: "round trip",
  });
  const flow = new ImapFlow({
    host: "127.0.0.1",
    port: portOf(second, 993),
    secure: true,
    servername: "mail.example.com",
    tls: { ca: labCa() },
    auth: { user: ACCOUNT.address, pass: ACCOUNT.password },
    logger: false,
  });
  await flow.connect();
  await flow.mailboxOpen("INBOX");
  expect(await flow.search({ subject: "round trip" }, { uid: true })).toEqual([1]);
  await flow.logout();
  await second.close();
});

describe("lab SMTP protocol", () => {
  it("greets and answers EHLO as Exchange does", async () => {
    const received = await talk(25, "EHLO probe.example.com");
    expect(received.split("\r\n")).toEqual([
      expect.stringMatching(
        /^220 ex01\.lab\.example\.com Microsoft ESMTP MAIL Service ready at \w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000$/,
      ),
      "250-ex01.lab.example.com Hello [127.0.0.1]",
      "250-SIZE 37748736",
      "250-PIPELINING",
      "250-DSN",
      "250-ENHANCEDSTATUSCODES",
      "250-STARTTLS",
      "250-X-ANONYMOUSTLS",
      "250-AUTH NTLM",
      "250-X-EXPS GSSAPI NTLM",
      "250-8BITMIME",
      "250-BINARYMIME",
      "250-CHUNKING",
      "250-SMTPUTF8",
      "250 XRDST",
      "221 2.0.0 Service closing transmission channel",
      "",
    ]);
  });

  it("accepts an anonymous sender on 25 and relays nothing", async () => {
    const received = await talk(
      25,
      "EHLO probe",
      "MAIL FROM:<> SIZE=10",
      "RCPT TO:<someone@example.org>",
      "RCPT TO:<nobody@lab.example.com>",
      `RCPT TO:<${ACCOUNT.address}>`,
      "RSET",
      "DATA",
    );
    expect(received.split("\r\n").slice(-8)).toEqual([
      "250 2.1.0 Sender OK",
      "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
      "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
      "250 2.1.5 Recipient OK",
      "250 2.0.0 Resetting",
      "503 5.5.2 Need rcpt command",
      "221 2.0.0 Service closing transmission channel",
      "",
    ]);
  });

  it("requires a login on 587 and 465, and greets in clear text on 465", async () => {
    for (const port of [587, 465]) {
      const received = await talk(port, "EHLO probe", "MAIL FROM:<>");
      expect(received).toMatch(/^220 ex01/);
      expect(received).toContain("\r\n530 5.7.57 Client was not authenticated");
    }
  });

  it("accepts BDAT chunks", async () => {
    const chunk = "Subject: chunked\r\n\r\n.\r\n";
    const received = await talk(
      25,
      "EHLO probe",
      "MAIL FROM:<a@example.org>",
      `RCPT TO:<${ACCOUNT.address}>`,
      `BDAT ${chunk.length}\r\n${chunk}BDAT 3 LAST\r\nend`,
    );
    expect(received).toContain(`250 2.6.0 CHUNK received OK, ${chunk.length} octets\r\n`);
    expect(inbox(ACCOUNT.address)[0]?.content.toString()).toContain(`${chunk}end`);
  });

  it("does not know AUTH PLAIN", async () => {
    expect(await talk(587, "EHLO probe", "AUTH PLAIN AHgAeQ==")).toContain(
      "504 5.7.4 Unrecognized authentication type",
    );
  });
});

describe("lab SMTP server state", () => {
  const NOT_ACTIVE = "421 4.3.2 Service not active";
  const NOT_AVAILABLE = "421 4.3.2 Service not available";

  async function answers(...conditions: Condition[]) {
    await server.set("smtp", conditions);
    const lines = (await talk(25, "EHLO probe", "MAIL FROM:<>", "RSET")).split("\r\n");
    return lines.filter((line) => !line.startsWith("250-") && line !== "");
  }

  it("inactive answers 421 at MAIL FROM and at AUTH after a normal EHLO", async () => {
    const [greeting, hello, ...rest] = await answers({ kind: "maintenance" });
    expect(greeting).toMatch(/^220 /);
    expect(hello).toBe("250 XRDST");
    expect(rest).toEqual([NOT_ACTIVE]);
    expect(await talk(587, "EHLO probe", "AUTH LOGIN")).toContain(`\r\n${NOT_ACTIVE}\r\n`);
  });

  it("draining answers 421 at connect", async () => {
    expect(await answers({ kind: "draining" })).toEqual([NOT_AVAILABLE]);
  });

  it("hub draining answers 421 at MAIL FROM", async () => {
    expect((await answers({ kind: "hub_draining" })).slice(2)).toEqual([NOT_AVAILABLE]);
  });

  it("back pressure answers 452 at connect or at MAIL FROM", async () => {
    const noResources = "452 4.3.1 Insufficient system resources";
    expect(await answers({ kind: "back_pressure", at: "connect" })).toEqual([noResources]);
    const late = await answers({ kind: "back_pressure", at: "mail_from" });
    expect(late.slice(2)).toEqual([
      noResources,
      "250 2.0.0 Resetting",
      "221 2.0.0 Service closing transmission channel",
    ]);
  });

  it("source limit refuses one session too many and accepts again when one is free", async () => {
    await server.set("smtp", { kind: "source_limit", connections: 1 });
    const first = await openSocket(portOf(server, 25));
    await eventually(() => server.connections(25) === 1);
    expect((await rawExchange(portOf(server, 25), {})).received).toBe(
      "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel\r\n",
    );
    first.destroy();
    await eventually(() => server.connections(25) === 0);
    expect(await talk(25)).toMatch(/^220 /);
  });

  it("tarpit delays a refusal", async () => {
    await server.set("smtp", { kind: "tarpit", delayMs: 150 });
    const start = performance.now();
    expect(await talk(25, "NONSENSE")).toContain("500 5.3.3 Unrecognized command");
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  it("dead back end fails AUTH and RCPT temporarily", async () => {
    await server.set("smtp", { kind: "dead_backend" });
    await expect(transport(587).verify()).rejects.toMatchObject({ responseCode: 454 });
    expect(await talk(25, "EHLO probe", "MAIL FROM:<>", `RCPT TO:<${ACCOUNT.address}>`)).toContain(
      "451 4.7.0 Temporary server error",
    );
  });
});

describe.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_smtp", "monitoring-plugins"))(
  "lab SMTP server with check_smtp",
  () => {
    const plugin = "/usr/lib/nagios/plugins/check_smtp";
    const base = () => ["-H", "127.0.0.1", "-p", String(portOf(server, 25))];

    it("is OK with the greeting even in maintenance, but not with MAIL FROM", async () => {
      const deep = [...base(), "-f", "probe@example.org", "-C", "RSET", "-R", "250"];
      expect((await run(plugin, base())).status).toBe(0);
      expect((await run(plugin, deep)).status).toBe(0);
      await server.set("smtp", { kind: "maintenance" });
      expect((await run(plugin, base())).status).toBe(0);
      expect((await run(plugin, deep)).status).not.toBe(0);
    });

    it("is OK with STARTTLS", async () => {
      expect((await run(plugin, [...base(), "-S"])).status).toBe(0);
    });
  },
);

describe.skipIf(!hasProgram("curl", "curl"))("lab SMTP server with curl", () => {
  it.each(["LOGIN", "NTLM"])("accepts a message through 587 with AUTH %s", async (mechanism) => {
    const { status } = await run(
      "curl",
      [
        "--silent",
        "--show-error",
        "--ssl-reqd",
        "--cacert",
        labCaFile(),
        "--connect-to",
        `mail.example.com:587:127.0.0.1:${portOf(server, 587)}`,
        "--user",
        `${ACCOUNT.address}:${ACCOUNT.password}`,
        "--login-options",
        `AUTH=${mechanism}`,
        "--mail-from",
        ACCOUNT.address,
        "--mail-rcpt",
        ACCOUNT.address,
        "--upload-file",
        "-",
        "smtp://mail.example.com:587/probe",
      ],
      "Subject: by curl\r\n\r\nhello\r\n",
    );
    expect(status).toBe(0);
    expect(inbox(ACCOUNT.address)[0]?.content.toString()).toContain("Subject: by curl\r\n");
  });
});
