import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Observation } from "../../../../src/model/observation.ts";
import type { TransactionName } from "../../../../src/model/transactions.ts";
import { observe } from "../../../../src/net/probe-run.ts";
import { sendMail } from "../../../../src/probes/transactions/mail-round-trip.ts";
import { runTransaction } from "../../../../src/probes/transactions/registry.ts";
import { longestTurnMs } from "../../../support/longest-turn.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { unheld } from "../../../../lab/unheld.ts";
import { accountOf, PROBE_A } from "../lab-exchange.ts";
import { transactionSpec } from "../transaction-spec.ts";

/** Says a first line, then the same for ever: in a process of its own, so that only the client's work is counted here. */
const SERVER = `
const [first, block] = process.argv.slice(1).map((text) => Buffer.from(text, "base64"));
const large = Buffer.concat(Array.from({ length: Math.ceil(65536 / block.length) }, () => block));
require("node:net").createServer((socket) => {
  socket.on("error", () => undefined);
  socket.write(first);
  (function more() {
    if (!socket.destroyed) socket.write(large, () => setImmediate(more));
  })();
}).listen(0, "127.0.0.1", function () { console.log(this.address().port); });
`;
/** Processor time of one turn of the event loop: a busy machine does not lengthen it. */
const MAX_TURN_MS = 150;
const TIMEOUT_MS = 20_000;

const servers: ChildProcess[] = [];
afterEach(() => {
  servers.splice(0).forEach((server) => server.kill("SIGKILL"));
});

async function flood(first: string, block: string): Promise<number> {
  const args = [first, block].map((text) => Buffer.from(text, "latin1").toString("base64"));
  const server = spawn(process.execPath, ["-e", SERVER, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.push(server);
  const [said] = (await once(server.stdout, "data")) as [Buffer];
  return Number(said);
}

/** What is said before the libraries come, and the first answer that they wait for. */
const IMAP = "* OK ready\r\n* CAPABILITY IMAP4rev1\r\na1 OK done\r\n";
const POP3 = "+OK ready\r\n-ERR no CAPA\r\n";
const SMTP = "220 ready\r\n250 hello\r\n";

type Client = (port: number) => Promise<Observation>;
const account = accountOf(PROBE_A);
const target = (port: number) => ({ host: "127.0.0.1", port, server: null });

function login(name: TransactionName): Client {
  const spec = transactionSpec(name, { account, allowPlaintext: true });
  return (port) => runTransaction(spec, target(port), probeContext(TIMEOUT_MS));
}
const imapflow = login("imap_login");
const nodePop3 = login("pop3_login");
/** Without the mailbox that the round trip opens first. */
const nodemailer: Client = (port) =>
  observe(probeContext(TIMEOUT_MS), async (run) => {
    const spec = transactionSpec("mail_round_trip", { account, allowPlaintext: true });
    const message = { from: "probe@example.com", to: "probe@example.com", text: "x\r\n" };
    const sent = await sendMail(run, spec, target(port), account, message);
    return sent.kind === "ended" ? sent.observation : run.match("transaction");
  });

test.each<readonly [string, Client, first: string, block: string]>([
  ["imapflow, short lines", imapflow, IMAP, "* OK again\r\n"],
  ["imapflow, shorter lines", imapflow, IMAP, "x\r\n"],
  ["imapflow, empty lines", imapflow, IMAP, "\r\n"],
  ["imapflow, words in a line", imapflow, `${IMAP}* SEARCH`, " 1"],
  ["imapflow, long lines", imapflow, IMAP, `* SEARCH${" 1".repeat(3_900)}\r\n`],
  ["imapflow, lists", imapflow, IMAP, `* LIST (${"\\A ".repeat(1_200)}\r\n`],
  ["imapflow, literals", imapflow, `${IMAP}* OK `, "{1}\r\nx"],
  ["node-pop3, answers", nodePop3, POP3, "+OK again\r\n"],
  ["node-pop3, empty lines", nodePop3, POP3, "\n"],
  ["nodemailer, replies", nodemailer, SMTP, "250 again\r\n"],
  ["nodemailer, one reply", nodemailer, SMTP, "250-again\r\n"],
  ["nodemailer, empty lines", nodemailer, SMTP, "\r\n"],
])(
  "client library › does not stall the event loop when a server floods: %s",
  async (_, client, first, block) => {
    const port = await flood(first, block);
    const flooded = async (): Promise<{ longestMs: number; seen: Observation }> => {
      const observed = client(port);
      return { longestMs: await longestTurnMs(() => observed), seen: await observed };
    };
    const { longestMs, seen } = await unheld(flooded, (result) => result.seen);
    expect(longestMs).toBeLessThan(MAX_TURN_MS);
    expect(seen.reason).not.toBe("agent_fault");
  },
);
