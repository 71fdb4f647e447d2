import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TransactionSpec } from "../../../../src/model/transactions.ts";
import { missing, type RealServer } from "../../../support/real-servers.ts";
import { startBind } from "../../../support/servers/bind.ts";
import { lacksPlugin, ours, plugin, title, type Named } from "./opinions.ts";

/**
 * check_dns knows no port but 53, so each server has a loopback address of its own, by this process's number. BIND finds no
 * interface with such an address: what comes there is handed on to its real port.
 */
const NET = `127.${String(100 + (process.pid % 100))}.${String((process.pid >> 7) % 256)}`;
const SERVERS = {
  bind: `${NET}.1`,
  silent: `${NET}.2`,
  garbage: `${NET}.3`,
  nobody: `${NET}.4`,
} as const;

/** What a server at port 53 does with a question. */
type Serve = (question: Buffer, answer: (data: Buffer) => void) => void;

async function listenAt53(address: string, serve: Serve): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (question, client) => {
    serve(question, (data) => socket.send(data, client.port, client.address));
  });
  socket.bind(53, address);
  await once(socket, "listening");
  return socket;
}

function handOn(port: number): Serve {
  return (question, answer) => {
    const behind = createSocket("udp4");
    behind.once("message", (data) => {
      answer(data);
      behind.close();
    });
    behind.send(question, port, "127.0.0.1");
  };
}

interface Case extends Named {
  readonly server: keyof typeof SERVERS;
  readonly options: TransactionSpec["options"];
  readonly args: readonly string[];
}

const MAIL = "mail.lab.example.com";

// prettier-ignore
const CASES: readonly Case[] = [
  { what: "a name that is there", server: "bind", options: { query: MAIL }, args: ["-H", MAIL], we: "up", reason: "ok", peer: "up" },
  { what: "an alias", server: "bind", options: { query: "web.lab.example.com" }, args: ["-H", "web.lab.example.com"], we: "up", reason: "ok", peer: "up" },
  { what: "one of the expected addresses", server: "bind", options: { query: MAIL, expected: "192.0.2.11,192.0.2.99" }, args: ["-H", MAIL, "-a", "192.0.2.11", "-a", "192.0.2.99"], we: "up", reason: "ok", peer: "up" },
  { what: "none of the expected addresses", server: "bind", options: { query: MAIL, expected: "192.0.2.99" }, args: ["-H", MAIL, "-a", "192.0.2.99"], we: "down", reason: "pattern_missing", peer: "down" },
  { what: "a name that is not there", server: "bind", options: { query: `no.${MAIL}` }, args: ["-H", `no.${MAIL}`], we: "down", reason: "bad_status", peer: "down" },
  { what: "a zone it refuses", server: "bind", options: { query: "example.net" }, args: ["-H", "example.net"], we: "down", reason: "bad_status", peer: "down" },
  { what: "a closed port", server: "nobody", options: { query: MAIL }, args: ["-H", MAIL], we: "down", reason: "refused", peer: "down" },
  { what: "no response", server: "silent", options: { query: MAIL }, args: ["-H", MAIL], we: "down", reason: "response_timeout", peer: "down" },
  { what: "garbage", server: "garbage", options: { query: MAIL }, args: ["-H", MAIL], we: "down", reason: "response_timeout", peer: "down" },
];

const lacking =
  missing("named", "bind9") ??
  missing("nslookup", "bind9-dnsutils") ??
  lacksPlugin("check_dns") ??
  (process.getuid?.() === 0 ? null : "port 53 needs root");
describe.skipIf(lacking !== null)("dns_lookup against check_dns", () => {
  let bind: RealServer;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    bind = await startBind();
    sockets.push(
      await listenAt53(SERVERS.bind, handOn(bind.ports["dns"] ?? 0)),
      await listenAt53(SERVERS.silent, () => undefined),
      await listenAt53(SERVERS.garbage, (_, answer) => answer(Buffer.alloc(100, 0xa5))),
    );
  });
  afterAll(async () => {
    for (const socket of sockets) {
      socket.close();
    }
    await bind.stop();
  });

  test.each(CASES.map((row) => [title("check_dns", row), row] as const))("%s", async (_, row) => {
    const host = SERVERS[row.server];
    const [us, them] = await Promise.all([
      ours("dns_lookup", 53, { options: row.options }, Date.now, host),
      plugin("check_dns", ["-s", host, ...row.args]),
    ]);
    const { words } = them;
    expect({ we: us.opinion, reason: us.observation.reason, peer: them.opinion, words }).toEqual({
      we: row.we,
      reason: row.reason,
      peer: row.peer,
      words,
    });
  });
});
