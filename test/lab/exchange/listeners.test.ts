import { connect as tlsConnect, type ConnectionOptions } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { labCaFile } from "../../support/lab-certificate-files.ts";
import { CERTIFICATE_NAMES, labCa } from "../../../lab/certificates/lab-certificate.ts";
import type { ExchangeServer } from "../../../lab/exchange/exchange-server.ts";
import {
  eventually,
  hasProgram,
  newOrganisation,
  openSocket,
  portOf,
  rawExchange,
  run,
  startServer,
} from "./support.ts";

let server: ExchangeServer;

beforeEach(async () => {
  server = await startServer({
    organisation: newOrganisation(),
    rpcPort: 22902,
    addressBookPort: 59532,
  });
});

afterEach(() => server.close());

/** One handshake as a client that verifies: what it agreed on, or why it would not. */
function handshake(port: number, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = tlsConnect({
      host: "127.0.0.1",
      port: portOf(server, port),
      ca: labCa(),
      servername: "mail.example.com",
      ...options,
    });
    socket.once("secureConnect", () => {
      resolve(socket.getProtocol() ?? "");
      socket.destroy();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
      socket.destroy();
    });
  });
}

describe("lab Exchange listeners", () => {
  it("exist for every well-known port and no other", () => {
    expect([...server.ports].sort((a, b) => a - b)).toEqual([
      25, 80, 110, 135, 143, 443, 465, 587, 993, 995, 22902, 59532,
    ]);
    expect(server.endpoint(8080)).toBeNull();
  });

  it("refuse connections when stopped and come back on the same ports", async () => {
    const before = server.ports.map((port) => portOf(server, port));
    const open = await openSocket(portOf(server, 143));
    const closed = new Promise((resolve) => open.once("close", resolve));
    open.resume();
    await server.set("all", { kind: "stopped" });
    await closed;
    for (const port of server.ports) {
      expect((await rawExchange(portOf(server, port), {})).end).toBe("refused");
    }
    await server.set("all", { kind: "healthy" });
    expect(server.ports.map((port) => portOf(server, port))).toEqual(before);
    const greetings = await Promise.all(
      [143, 110, 25].map((port) => rawExchange(portOf(server, port), { until: /\n/ })),
    );
    expect(greetings.map(({ received }) => received.slice(0, 3))).toEqual(["* O", "+OK", "220"]);
  });

  it("stop alone when only their protocol is stopped", async () => {
    await server.set("imap", { kind: "stopped" });
    expect((await rawExchange(portOf(server, 993), {})).end).toBe("refused");
    expect((await rawExchange(portOf(server, 110), { until: /\n/ })).received).toMatch(/^\+OK/);
  });

  it.each([
    ["accept_then_close", "closed"],
    ["reset", "reset"],
    ["open_port_silent", "open"],
    ["hung", "open"],
  ] as const)("in condition %s send no byte and leave the connection %s", async (kind, end) => {
    await server.set("all", { kind });
    for (const port of [25, 110, 143, 80, 22902]) {
      const result = await rawExchange(portOf(server, port), { quietMs: 60 });
      expect({ port, ...result }).toEqual({ port, received: "", end });
    }
  });

  it("complete the TLS handshake when hung, but not when the open port is silent", async () => {
    await server.set("all", { kind: "hung" });
    expect(await handshake(993)).toBe("TLSv1.3");
    await server.set("all", { kind: "open_port_silent" });
    expect((await rawExchange(portOf(server, 993), { quietMs: 60 })).end).toBe("open");
  });

  it("count open and accepted connections", async () => {
    const sockets = await Promise.all([1, 2, 3].map(() => openSocket(portOf(server, 110))));
    await eventually(() => server.connections(110) === 3);
    expect(server.accepted(110)).toBe(3);
    expect(server.connections(143)).toBe(0);
    sockets.forEach((socket) => socket.destroy());
    await eventually(() => server.connections(110) === 0);
    expect(server.accepted(110)).toBe(3);
  });

  it("free everything when the server closes", async () => {
    const open = await openSocket(portOf(server, 22902));
    const closed = new Promise((resolve) => open.once("close", resolve));
    open.resume();
    await server.close();
    await closed;
    expect((await rawExchange(portOf(server, 25), {})).end).toBe("refused");
  });
});

describe("lab Exchange maintenance", () => {
  it("lets IMAP and POP3 accept and close without a byte but keeps open sessions", async () => {
    const open = await openSocket(portOf(server, 143));
    let received = "";
    open.on("data", (chunk: Buffer) => (received += chunk.toString()));
    await eventually(() => received.includes("ready"));
    await server.set("all", { kind: "maintenance" });
    for (const port of [143, 993, 110, 995]) {
      const { received: got } = await rawExchange(portOf(server, port), {});
      expect(got).toBe("");
    }
    expect(await handshake(993)).toMatch(/ECONNRESET|EPIPE/);
    open.write("a NOOP\r\n");
    await eventually(() => received.includes("a OK NOOP completed."));
    open.destroy();
  });

  it("stops IMAP and POP3 in its other variant until they are restarted by hand", async () => {
    await server.set("all", { kind: "maintenance", imapPop: "stopped", manualRestart: true });
    expect((await rawExchange(portOf(server, 993), {})).end).toBe("refused");
    await server.set("all", { kind: "healthy" });
    expect((await rawExchange(portOf(server, 143), {})).end).toBe("refused");
    expect((await rawExchange(portOf(server, 25), { until: /\n/ })).received).toMatch(/^220/);
    await server.restart("imap");
    expect((await rawExchange(portOf(server, 143), { until: /\n/ })).received).toMatch(/^\* OK/);
    expect((await rawExchange(portOf(server, 110), {})).end).toBe("refused");
    await server.restart("pop3");
    expect(await handshake(995)).toBe("TLSv1.3");
  });

  it("stops the services on 2010", async () => {
    const old = await startServer({ organisation: newOrganisation(), version: "2010" });
    await old.set("all", { kind: "maintenance" });
    expect((await rawExchange(portOf(old, 143), {})).end).toBe("refused");
    expect(old.endpoint(465)).toBeNull();
    await old.close();
  });
});

describe("lab Exchange TLS", () => {
  const LEGACY = { ciphers: "DEFAULT:@SECLEVEL=0" } as const;

  it.each(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const)(
    "speaks %s, unless its range is limited to others",
    async (version) => {
      const only = { minVersion: version, maxVersion: version, ...LEGACY };
      expect(await handshake(443, only)).toBe(version);
      await server.set("https", { kind: "tls_range", min: "TLSv1.2", max: "TLSv1.2" });
      expect(await handshake(443, only)).toBe(
        version === "TLSv1.2" ? "TLSv1.2" : "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
      );
    },
  );

  it.each([
    ["mail", "TLSv1.3"],
    ["other", "TLSv1.3"],
    ["sha384", "TLSv1.3"],
    ["sha512", "TLSv1.3"],
    ["rsa", "TLSv1.3"],
    ["expired", "CERT_HAS_EXPIRED"],
    ["not_yet_valid", "CERT_NOT_YET_VALID"],
    ["wrong_name", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["adc", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["self_signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["weak_rsa", "TLSv1.3"],
  ] as const)("shows certificate %s, which a client sees as %s", async (name, seen) => {
    await server.set("all", { kind: "certificate", name });
    expect(await handshake(443, LEGACY)).toBe(seen);
    expect(await handshake(993, LEGACY)).toBe(seen);
  });

  it("has a test for each certificate", () => {
    expect(CERTIFICATE_NAMES).toHaveLength(11);
  });

  it("resets the handshake on 443 when no certificate is bound", async () => {
    await server.set("https", { kind: "no_certificate" });
    expect(await handshake(443)).toBe("ECONNRESET");
  });

  it.skipIf(!hasProgram("openssl", "openssl"))(
    "passes openssl s_client's verification over STARTTLS",
    async () => {
      for (const [port, protocol] of [
        [143, "imap"],
        [110, "pop3"],
        [25, "smtp"],
      ] as const) {
        const { output } = await run("openssl", [
          "s_client",
          "-connect",
          `127.0.0.1:${portOf(server, port)}`,
          "-starttls",
          protocol,
          "-verify_hostname",
          "mail.example.com",
          "-CAfile",
          labCaFile(),
        ]);
        expect(output).toContain("Verify return code: 0 (ok)");
      }
    },
  );
});
