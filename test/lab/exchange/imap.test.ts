import { ImapFlow } from "imapflow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCa } from "../../../lab/certificates/lab-certificate.ts";
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

const MESSAGE = Buffer.from(
  [
    "From: Probe A <probe-a@lab.example.com>",
    "To: probe-a@lab.example.com",
    "Subject: round trip 4711",
    "X-Witness: 4711",
    'Content-Type: text/plain; charset="utf-8"',
    "",
    "Grüße",
    "",
  ].join("\r\n"),
);

let organisation: Organisation;
let server: ExchangeServer;

beforeEach(async () => {
  organisation = newOrganisation();
  server = await startServer({ organisation });
});

afterEach(() => server.close());

function client(port: number, secure: boolean, password: string = ACCOUNT.password): ImapFlow {
  const flow = new ImapFlow({
    host: "127.0.0.1",
    port: portOf(server, port),
    secure,
    servername: "mail.example.com",
    tls: { ca: labCa() },
    auth: { user: ACCOUNT.address, pass: password },
    logger: false,
    disableAutoIdle: true,
  });
  flow.on("error", () => undefined);
  return flow;
}

function deliver(): void {
  organisation.deliver(ACCOUNT.address, MESSAGE, "INBOX");
}

describe("lab IMAP server with imapflow", () => {
  it.each([
    ["993 with TLS", 993, true],
    ["143 with STARTTLS", 143, false],
  ])("logs in at %s, finds and deletes a message", async (_name, port, secure) => {
    deliver();
    organisation.deliver(ACCOUNT.address, Buffer.from("Subject: other\r\n\r\nx\r\n"), "INBOX");
    const flow = client(port, secure);
    await flow.connect();
    expect(flow.secureConnection).toBe(true);
    const lock = await flow.getMailboxLock("INBOX");
    expect(flow.mailbox).toMatchObject({ exists: 2 });
    const found = await flow.search({ header: { "x-witness": "4711" } }, { uid: true });
    expect(found).toEqual([1]);
    const message = await flow.fetchOne(
      "1",
      { envelope: true, size: true, source: true, bodyStructure: true, flags: true },
      { uid: true },
    );
    expect(message).toMatchObject({
      uid: 1,
      size: MESSAGE.length,
      envelope: {
        subject: "round trip 4711",
        from: [{ name: "Probe A", address: ACCOUNT.address }],
      },
      bodyStructure: { type: "text/plain", parameters: { charset: "utf-8" } },
    });
    expect(message === false ? null : message?.source).toEqual(MESSAGE);
    expect(await flow.messageDelete("1", { uid: true })).toBe(true);
    expect(await flow.search({ subject: "round trip" }, { uid: true })).toEqual([]);
    lock.release();
    await flow.logout();
    const inbox = organisation.mailbox(ACCOUNT.address)?.folder("INBOX");
    expect(inbox?.messages.map(({ uid }) => uid)).toEqual([2]);
  });

  it("answers NO and records the attempt when the password is wrong", async () => {
    const flow = client(993, true, "wrong");
    await expect(flow.connect()).rejects.toMatchObject({ authenticationFailed: true });
    expect(organisation.signIns()).toMatchObject([
      { server: "ex01", protocol: "imap", username: ACCOUNT.address, accepted: false },
    ]);
  });

  it("lists folders, appends, and moves to Junk Email", async () => {
    const flow = client(993, true);
    await flow.connect();
    const folders = await flow.list();
    expect(folders.map(({ path }) => path).sort()).toEqual([
      "Deleted Items",
      "Drafts",
      "INBOX",
      "Junk Email",
      "Sent Items",
    ]);
    await flow.append("INBOX", MESSAGE, ["\\Seen"]);
    await flow.mailboxOpen("INBOX");
    await flow.messageMove("1", "Junk Email", { uid: true });
    expect(await flow.status("Junk Email", { messages: true, unseen: true })).toMatchObject({
      messages: 1,
      unseen: 0,
    });
    expect(await flow.status("INBOX", { messages: true })).toMatchObject({ messages: 0 });
    await flow.logout();
  });

  it("reports new mail during IDLE", async () => {
    const flow = client(993, true);
    await flow.connect();
    await flow.mailboxOpen("INBOX");
    const told = new Promise((resolve) => flow.once("exists", resolve));
    const idling = flow.idle();
    deliver();
    expect(await told).toMatchObject({ path: "INBOX", count: 1, prevCount: 0 });
    await flow.noop();
    await idling;
    await flow.logout();
  });
});

describe.skipIf(!hasProgram("curl", "curl"))("lab IMAP server with curl", () => {
  it.each(["PLAIN", "NTLM"])("logs in by STARTTLS and %s, and examines", async (mechanism) => {
    deliver();
    const { status, output } = await run("curl", [
      "--silent",
      "--show-error",
      "--ssl-reqd",
      "--cacert",
      labCaFile(),
      "--connect-to",
      `mail.example.com:143:127.0.0.1:${portOf(server, 143)}`,
      "--user",
      `${ACCOUNT.address}:${ACCOUNT.password}`,
      "--login-options",
      `AUTH=${mechanism}`,
      "--request",
      "EXAMINE INBOX",
      "imap://mail.example.com:143/",
    ]);
    expect(status).toBe(0);
    expect(output).toContain("* 1 EXISTS");
  });
});

describe("lab IMAP protocol", () => {
  async function talk(port: number, ...lines: string[]): Promise<string> {
    const send = `${lines.join("\r\n")}\r\nz LOGOUT\r\n`;
    return (await rawExchange(portOf(server, port), { send })).received;
  }

  it("gives Exchange's banner, CAPABILITY and sign-off", async () => {
    expect(await talk(143, "a CAPABILITY", "b LOGIN x y")).toBe(
      "* OK The Microsoft Exchange IMAP4 service is ready.\r\n" +
        "* CAPABILITY IMAP4 IMAP4rev1 LOGINDISABLED STARTTLS UIDPLUS MOVE ID CHILDREN IDLE NAMESPACE LITERAL+\r\n" +
        "a OK CAPABILITY completed.\r\n" +
        "b BAD Command received in Invalid state.\r\n" +
        "* BYE Microsoft Exchange Server 2013 IMAP4 server signing off.\r\nz OK LOGOUT completed.\r\n",
    );
  });

  it("answers GET / as a bad command and closes after the third", async () => {
    expect(await talk(143, "GET /", "GET /", "GET /")).toBe(
      "* OK The Microsoft Exchange IMAP4 service is ready.\r\n" +
        "GET BAD Command Error. 12\r\n".repeat(3) +
        "* BYE Connection is closed. 14\r\n",
    );
  });

  it("accepts clear-text logins, EXAMINE and literals when the ADC offloads TLS", async () => {
    const plain = await startServer({ organisation, imapPopLoginType: "PlainTextLogin" });
    deliver();
    try {
      const { received } = await rawExchange(portOf(plain, 143), {
        send: `a LOGIN {23+}\r\n${ACCOUNT.address} {${ACCOUNT.password.length}+}\r\n${ACCOUNT.password}\r\nb EXAMINE INBOX\r\nc FETCH 1 (FLAGS RFC822.SIZE)\r\nd STORE 1 +FLAGS (\\Deleted)\r\ne LOGOUT\r\n`,
      });
      expect(received).toContain("a OK LOGIN completed.\r\n* 1 EXISTS\r\n");
      expect(received).toContain("b OK [READ-ONLY] EXAMINE completed.\r\n");
      expect(received).toContain(`* 1 FETCH (FLAGS () RFC822.SIZE ${MESSAGE.length})\r\nc OK`);
      expect(received).toContain("d NO Command is not valid in read-only mode.\r\n");
    } finally {
      await plain.close();
    }
  });

  it("closes the connection on a line without end", async () => {
    const { end } = await rawExchange(portOf(server, 143), { send: "a".repeat(200_000) });
    expect(end).not.toBe("open");
  });
});

describe("lab IMAP server condition", () => {
  it("dead_backend keeps banner and CAPABILITY and answers NO to the right password", async () => {
    await server.set("imap", { kind: "dead_backend" });
    const flow = client(993, true);
    await expect(flow.connect()).rejects.toMatchObject({ responseText: "AUTHENTICATE failed." });
    expect(organisation.signIns()).toEqual([]);
  });

  it("hung_backend answers NO late", async () => {
    await server.set("imap", { kind: "hung_backend", afterMs: 200 });
    const start = performance.now();
    await expect(client(993, true).connect()).rejects.toThrow();
    expect(performance.now() - start).toBeGreaterThan(190);
  });

  it("dismounted database fails at every front end for its own mailboxes", async () => {
    organisation.setMounted("DB01", false);
    await expect(client(993, true).connect()).rejects.toMatchObject({
      responseText: "AUTHENTICATE failed.",
    });
    organisation.setMounted("DB01", true);
    const flow = client(993, true);
    await flow.connect();
    organisation.setMounted("DB01", false);
    await expect(flow.mailboxOpen("INBOX")).rejects.toThrow();
  });

  it("custom_banner changes the banner text only", async () => {
    await server.set("imap", { kind: "custom_banner", text: "ACME mail" });
    const { received } = await rawExchange(portOf(server, 143), { until: /\n/ });
    expect(received).toBe("* OK ACME mail\r\n");
    const flow = client(993, true);
    await flow.connect();
    await flow.logout();
  });

  it("no_certificate sends BYE in clear text on 993 and offers no STARTTLS on 143", async () => {
    await server.set("imap", { kind: "no_certificate" });
    expect(await rawExchange(portOf(server, 993), {})).toEqual({
      received: "* BYE Connection is closed. 14\r\n",
      end: "closed",
    });
    const { received } = await rawExchange(portOf(server, 143), {
      send: "a CAPABILITY\r\nb STARTTLS\r\nc LOGOUT\r\n",
    });
    expect(received).not.toContain("LOGINDISABLED STARTTLS");
    expect(received).toContain("b BAD");
  });
});

describe.skipIf(!hasProgram("/usr/lib/nagios/plugins/check_imap", "monitoring-plugins"))(
  "lab IMAP server with check_imap",
  () => {
    const plugin = "/usr/lib/nagios/plugins/check_imap";

    it("is OK with and without TLS when healthy, and not OK in maintenance", async () => {
      const clear = [plugin, "-H", "127.0.0.1", "-p", String(portOf(server, 143)), "-e", "* OK"];
      const secure = [...clear.slice(0, 4), String(portOf(server, 993)), "-S", "-e", "* OK"];
      const check = async ([program = "", ...args]: string[]) => (await run(program, args)).status;
      expect([await check(clear), await check(secure)]).toEqual([0, 0]);
      await server.set("all", { kind: "maintenance" });
      expect(await check(clear)).toBe(2);
      expect(await check(secure)).not.toBe(0); // over TLS the plug-in dies of SIGPIPE
    });
  },
);
