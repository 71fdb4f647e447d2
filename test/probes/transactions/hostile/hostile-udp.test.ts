import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { unheld } from "../../../../lab/unheld.ts";
import { runTransaction, TRANSACTION_TYPES } from "../../../../src/probes/transactions/registry.ts";
import { TRANSACTIONS, type TransactionName } from "../../../../src/model/transactions.ts";
import { TRANSCRIPT_BYTES } from "../../../../src/net/transcript.ts";
import { probeContext } from "../../../support/probe-context.ts";
import { transactionSpec } from "../transaction-spec.ts";

const TIMEOUT_MS = 1_000;
const SLACK_MS = 5000;
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;

/** What it sends for a question, one datagram after the other. */
type Say = (question: Buffer) => Iterable<Buffer>;

const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) {
    socket.close();
    await once(socket, "close");
  }
});

/** A server that answers each question so, as fast as the system takes it. */
async function serve(say: Say): Promise<number> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  let open = true;
  socket.on("close", () => {
    open = false;
  });
  socket.on("message", (question, { port, address }) => {
    const answers = say(question)[Symbol.iterator]();
    (function next(): void {
      const answer = answers.next();
      if (open && answer.done !== true) {
        socket.send(answer.value, port, address, () => setImmediate(next));
      }
    })();
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket.address().port;
}

function* endlessly(block: Buffer): Iterable<Buffer> {
  for (;;) {
    yield block;
  }
}
/** The question sent back as an answer of DNS, with these counts and what follows the question. */
function dnsAnswer(question: Buffer, counts: readonly number[], rest: Buffer): Buffer {
  const answer = Buffer.concat([question, rest]);
  answer.writeUInt16BE(0x8180, 2);
  counts.forEach((count, at) => answer.writeUInt16BE(count, 4 + 2 * at));
  return answer;
}
const LARGEST = 65_507;

const ANYWHERE: readonly (readonly [string, Say])[] = [
  ["datagrams without end", () => endlessly(Buffer.alloc(1400, "x"))],
  ["the largest datagrams without end", () => endlessly(Buffer.alloc(LARGEST, "x"))],
  ["NULs without end", () => endlessly(Buffer.alloc(1400))],
  ["single bytes without end", () => endlessly(Buffer.from("x"))],
  ["the question back without end", (question) => endlessly(question)],
  ["an empty datagram", () => [Buffer.alloc(0)]],
  ["half of the question", (question) => [question.subarray(0, question.length / 2)]],
];
const OF_TRANSACTION: Readonly<
  Partial<Record<TransactionName, readonly (readonly [string, Say])[]>>
> = {
  dns_lookup: [
    [
      "answers to another question without end",
      (question) => {
        const other = dnsAnswer(question, [1, 0, 0, 0], Buffer.alloc(0));
        other.writeUInt16BE(question.readUInt16BE(0) ^ 1, 0);
        return endlessly(other);
      },
    ],
    [
      "counts of 65,535",
      (question) => [dnsAnswer(question, [0xffff, 0xffff, 0xffff, 0xffff], Buffer.alloc(0))],
    ],
    [
      "a name that points at itself",
      (question) => [
        dnsAnswer(question, [1, 1, 0, 0], Buffer.from([0xc0, question.length, 0, 1, 0, 1])),
      ],
    ],
    [
      "5,000 aliases that go in circles",
      (question) => {
        const alias = Buffer.from([
          0xc0,
          12,
          0,
          5,
          0,
          1,
          0,
          0,
          0,
          0,
          0,
          2,
          0xc0,
          question.length + 12,
        ]);
        return [dnsAnswer(question, [1, 4_600, 0, 0], Buffer.concat(Array(4_600).fill(alias)))];
      },
    ],
    [
      "a record longer than the datagram",
      (question) => [
        dnsAnswer(question, [1, 1, 0, 0], Buffer.from("c00c00010001000000ffffff7f000001", "hex")),
      ],
    ],
    [
      "5,000 empty records of another type",
      (question) => [
        dnsAnswer(
          question,
          [1, 5000, 0, 0],
          Buffer.alloc(5000 * 12, Buffer.from("c00c00ff0001000000ff0000", "hex")),
        ),
      ],
    ],
    [
      "another charset and NULs as names",
      (question) => [
        dnsAnswer(
          question,
          [1, 1, 0, 0],
          Buffer.from("04ff00fe0a000005000100000001000400000000", "hex"),
        ),
      ],
    ],
  ],
  ntp_time: [
    ["answers to another question without end", () => endlessly(Buffer.alloc(48, 0x24))],
    [
      "a kiss of death of control characters",
      (question) => [ntpAnswer(question, 0, Buffer.from("\r\n\0\x1b"))],
    ],
    ["stratum 255", (question) => [ntpAnswer(question, 255, Buffer.alloc(4))]],
  ],
};

function ntpAnswer(question: Buffer, stratum: number, reference: Buffer): Buffer {
  const answer = Buffer.alloc(48);
  answer[0] = 0x24;
  answer[1] = stratum;
  reference.copy(answer, 12);
  question.copy(answer, 24, 40, 48);
  return answer;
}

const OVER_UDP = TRANSACTIONS.filter((name) => TRANSACTION_TYPES.get(name)?.transport === "udp");

describe.each(OVER_UDP)("%s over UDP", (transaction) => {
  test.each([...ANYWHERE, ...(OF_TRANSACTION[transaction] ?? [])])(
    "fails in time and stays bounded when the server sends %s",
    async (_, say) => {
      const port = await serve(say);
      const before = process.memoryUsage();
      const { seen, tookMs } = await unheld(
        async () => {
          const began = performance.now();
          const observation = await runTransaction(
            transactionSpec(transaction, { options: { query: "mail.example.com" } }),
            { host: "127.0.0.1", port, server: null },
            probeContext(TIMEOUT_MS),
          );
          return { seen: observation, tookMs: performance.now() - began };
        },
        (result) => result.seen,
      );
      expect(tookMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      expect(["mismatch", "failed", "timeout"]).toContain(seen.outcome);
      expect(seen.reason).not.toBe("agent_fault");
      expect(JSON.stringify(seen.evidence)).not.toMatch(/\\u00[01][0-9a-f]|\\r/);
      expect(seen.evidence.transcript.length).toBeLessThanOrEqual(TRANSCRIPT_BYTES);
      const after = process.memoryUsage();
      const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
      expect(grown).toBeLessThan(MAX_MEMORY_BYTES);
    },
  );
});
