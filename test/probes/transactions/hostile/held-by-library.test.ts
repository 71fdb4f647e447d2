import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Observation } from "../../../../src/model/observation.ts";
import { logInToImap } from "../../../../src/probes/transactions/imap-client.ts";
import type { Ended } from "../../../../src/probes/transactions/line-session.ts";
import { sendMail } from "../../../../src/probes/transactions/mail-sender.ts";
import { guardedPop3 } from "../../../../src/probes/transactions/pop3-client.ts";
import { observe, type ProbeRun } from "../../../../src/net/probe-run.ts";
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
const MOST_TURN_MS = 150;
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

type Client = (run: ProbeRun, port: number) => Promise<Observation>;
const account = accountOf(PROBE_A);

function outcomeOf(
  run: ProbeRun,
  ended: Ended | { readonly kind: "mailbox" | "sent" },
): Observation {
  return ended.kind === "ended" ? ended.observation : run.match("login");
}

const imapflow: Client = async (run, port) => {
  const target = { host: "127.0.0.1", port, server: null };
  return outcomeOf(run, await logInToImap(run, { security: "none", tls: null }, target, account));
};
const nodemailer: Client = async (run, port) => {
  const spec = transactionSpec("mail_round_trip", { account, allowPlaintext: true });
  const message = { from: "probe@example.com", to: "probe@example.com", text: "x\r\n" };
  const target = { host: "127.0.0.1", port, server: null };
  return outcomeOf(run, await sendMail(run, spec, target, account, message));
};
const nodePop3: Client = async (run, port) => {
  const { username: user, password } = account;
  const client = guardedPop3(run, {
    host: "127.0.0.1",
    port,
    user,
    password,
    tls: false,
    servername: "",
    tlsOptions: { autoSelectFamily: false },
  });
  await client.logIn();
  const seen = await client.stat();
  return seen.kind === "value" || seen.kind === "error"
    ? run.match("login")
    : run.broken("login", seen);
};

test.each<readonly [string, Client, first: string, block: string]>([
  ["imapflow, short lines", imapflow, "* OK ready\r\n", "* OK again\r\n"],
  ["imapflow, shorter lines", imapflow, "* OK ready\r\n", "x\r\n"],
  ["imapflow, empty lines", imapflow, "* OK ready\r\n", "\r\n"],
  ["imapflow, words in a line", imapflow, "* OK ready\r\n* SEARCH", " 1"],
  ["imapflow, long lines", imapflow, "* OK ready\r\n", `* SEARCH${" 1".repeat(3_900)}\r\n`],
  ["imapflow, lists", imapflow, "* OK ready\r\n", `* LIST (${"\\A ".repeat(1_200)}\r\n`],
  ["imapflow, literals", imapflow, "* OK ready\r\n* OK ", "{1}\r\nx"],
  ["node-pop3, answers", nodePop3, "", "+OK again\r\n"],
  ["node-pop3, empty lines", nodePop3, "", "\n"],
  ["nodemailer, replies", nodemailer, "", "220 again\r\n"],
  ["nodemailer, one reply", nodemailer, "", "220-again\r\n"],
  ["nodemailer, empty lines", nodemailer, "", "\r\n"],
])("an endless sender does not hold the event loop: %s", async (_, client, first, block) => {
  const port = await flood(first, block);
  const flooded = async (): Promise<{ longestMs: number; seen: Observation }> => {
    const observed = observe(probeContext(TIMEOUT_MS), (run) => client(run, port));
    return { longestMs: await longestTurnMs(() => observed), seen: await observed };
  };
  const { longestMs, seen } = await unheld(flooded, (result) => result.seen);
  expect(longestMs).toBeLessThan(MOST_TURN_MS);
  expect(seen.reason).not.toBe("agent_fault");
});
