import { connect as tlsConnect } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExchangeServer } from "../../../lab/exchange/exchange-server.ts";
import { startDirectoryServer, type DirectoryServer } from "../../../lab/exchange/directory.ts";
import {
  ACCOUNT,
  eventually,
  httpsRequest,
  newOrganisation,
  openSocket,
  portOf,
  rawExchange,
  startServer,
} from "./support.ts";

let server: ExchangeServer;
let directory: DirectoryServer;

beforeAll(async () => {
  const organisation = newOrganisation();
  server = await startServer({
    organisation,
    rpcPort: 22902,
    addressBookPort: 59532,
    sslOffloaded: true,
  });
  directory = await startDirectoryServer({ name: "dc01", fqdn: "dc01.x", organisation, zone: [] });
});

afterAll(async () => {
  await server.close();
  await directory.close();
});

/** Openings that lead past the first state of each protocol, so that garbage meets more than the greeting. */
const OPENINGS: Readonly<Record<number, readonly string[]>> = {
  143: [
    "",
    `a LOGIN ${ACCOUNT.address} ${ACCOUNT.password}\r\nb SELECT INBOX\r\nc `,
    "a AUTHENTICATE NTLM\r\n",
  ],
  110: ["", `USER ${ACCOUNT.address}\r\nPASS ${ACCOUNT.password}\r\nLIST `, "AUTH NTLM\r\n"],
  25: ["", "EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:", "EHLO x\r\nAUTH NTLM TlRMTVNTUAAB"],
  80: [
    "",
    "GET /",
    "RPC_OUT_DATA /rpc/rpcproxy.dll?x:6001 HTTP/1.1\r\n",
    "POST /owa/auth.owa HTTP/1.1\r\nHost: ",
  ],
  135: ["", "\x05\x00\x0b\x03\x10\x00\x00\x00"],
  22902: ["", "\x05\x00\x0b\x03\x10\x00\x00\x00"],
};

describe("lab server robustness", () => {
  it.each(Object.entries(OPENINGS))(
    "port %s survives arbitrary input",
    async (wellKnown, openings) => {
      const port = portOf(server, Number(wellKnown));
      const wordy = fc.string({ unit: "binary-ascii", maxLength: 200 });
      const bytes = fc.uint8Array({ maxLength: 400 });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...openings),
          fc.oneof(
            wordy.map((text) => Buffer.from(`${text}\r\n`, "latin1")),
            bytes.map((random) => Buffer.from(random)),
          ),
          async (opening, garbage) => {
            const send = Buffer.concat([Buffer.from(opening, "latin1"), garbage]);
            await rawExchange(port, { send, quietMs: 5 });
          },
        ),
        { numRuns: 150 },
      );
      await eventually(() => server.connections(Number(wellKnown)) === 0);
      expect((await rawExchange(portOf(server, 143), { until: /\n/ })).received).toMatch(/^\* OK/);
    },
  );

  it("LDAP and DNS over TCP survive arbitrary input", async () => {
    for (const wellKnown of [389, 53]) {
      const port = directory.endpoint(wellKnown)?.port ?? 0;
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          const framed = Buffer.from([0x30, bytes.length & 0x7f, ...bytes]);
          await rawExchange(port, {
            send: wellKnown === 389 ? framed : Buffer.from(bytes),
            quietMs: 3,
          });
        }),
        { numRuns: 150 },
      );
    }
  });

  it("HTTPS survives non-ASCII headers", async () => {
    const { status } = await httpsRequest(portOf(server, 443), "/mapi/emsmdb/?mailboxId=x", {
      method: "POST",
      headers: { "X-RequestType": "\xff\xb5", Authorization: "NTLM \xff" },
    });
    expect(status).toBe(401);
  });

  it("SMTP waits for a client that does not read, with bounded memory", async () => {
    const socket = await openSocket(portOf(server, 25));
    const before = process.memoryUsage().rss;
    const flood = Buffer.from("HELP\r\n".repeat(20_000));
    for (let round = 0; round < 100; round++) {
      socket.write(flood);
    }
    const counts: number[] = [];
    await eventually(() => {
      counts.push(socket.bytesWritten - socket.writableLength);
      const last = counts.slice(-10);
      return last.length === 10 && last.every((count) => count === last[0]);
    });
    expect(socket.writableLength).toBeGreaterThan(0);
    expect(server.connections(25)).toBe(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    socket.destroy();
    await eventually(() => server.connections(25) === 0);
  });

  it("IMAPS forgets a client that leaves during the handshake", async () => {
    const socket = await openSocket(portOf(server, 993));
    await eventually(() => server.connections(993) === 1);
    socket.write(Buffer.from("1603010200010001fc0303", "hex"));
    socket.destroy();
    await eventually(() => server.connections(993) === 0);
    const half = tlsConnect({
      host: "127.0.0.1",
      port: portOf(server, 993),
      rejectUnauthorized: false,
    });
    half.on("error", () => undefined);
    half.once("secureConnect", () => half.destroy());
    await eventually(() => half.destroyed && server.connections(993) === 0);
  });
});
