import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import { unheld } from "../../../lab/unheld.ts";
import { monitorSpec } from "../../support/monitor-spec.ts";
import { shortestOfLongestTurnsMs } from "../../support/longest-turn.ts";
import { probeContext } from "../../support/probe-context.ts";
import { serve } from "../../support/scripted-server.ts";
import { monitorCredential } from "../../support/sealed.ts";

/** Answers made against what each codec believes: lengths, counts, ids, numbers. Bytes alone are in the contract suite. */
const TIMEOUT_MS = 300;
const credential = monitorCredential({ username: "itest", password: "pw", secret: "shared" });
const PARAMETERS = { query: "example.com", group: "local.test", sqlQuery: "SELECT 1" };

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const many = (byte: number, count = 60_000): Buffer => Buffer.alloc(count, byte);

async function meet(type: string, port: number): Promise<void> {
  const spec = monitorSpec(type, PARAMETERS, { credential });
  const target = { host: "127.0.0.1", port, server: null };
  const seen: Awaited<ReturnType<typeof runMonitor>>[] = [];
  const look = async (): Promise<void> => {
    const run = () => runMonitor(spec, target, probeContext(TIMEOUT_MS));
    seen.push(await unheld(run, ({ observation }) => observation));
  };
  const before = process.memoryUsage().heapUsed;
  expect(await shortestOfLongestTurnsMs(look, 50)).toBeLessThan(50);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1_048_576);
  for (const { passed, observation } of seen) {
    expect(observation.reason).not.toBe("agent_fault");
    expect(passed).not.toBe(true);
    expect(JSON.stringify(observation)).not.toMatch(/\\u00[01][0-9a-f]/);
  }
}

type Say = string | Buffer;
test.each<readonly [type: string, what: string, say: Say, end: "once" | "for ever"]>([
  ["MYSQL", "a packet of 16 MB", Buffer.concat([hex("ffffff00"), many(0x78)]), "for ever"],
  ["MYSQL", "empty packets", hex("00000000"), "for ever"],
  ["MYSQL", "half a handshake", hex("0a000000 0a 35 00"), "once"],
  [
    "MYSQL",
    "a version without an end",
    Buffer.concat([hex("00100000 0a"), many(0x76, 4_095)]),
    "once",
  ],
  [
    "MYSQL",
    "escapes in an error",
    Buffer.concat([hex("0c000000 ff 6904"), Buffer.from("\u001b[2K\r\nx")]),
    "once",
  ],
  ["LDAP", "a length of 2^31", hex("3084 80000000 020101"), "once"],
  ["LDAP", "a length of 127 bytes", hex(`30ff${"ff".repeat(127)}`), "once"],
  ["LDAP", "sequences in sequences", Buffer.concat([hex("3083 00ffff"), many(0x30)]), "once"],
  ["LDAP", "indefinite lengths", hex("3080"), "for ever"],
  ["LDAP", "a negative message id", hex("300c 0201ff 6107 0a0100 0400 0400"), "once"],
  [
    "LDAP",
    "a message id of 2,000 bits",
    Buffer.concat([hex("3082 0105 0281fa"), many(0xff, 258)]),
    "once",
  ],
  ["LDAP", "a result of 2^31", hex("300f 020101 610a 0a0480000000 0400 0400"), "once"],
  ["FTP", "a greeting of endless lines", "220-x\r\n", "for ever"],
  ["FTP", "a greeting that never ends its line", "x", "for ever"],
  ["NNTP", "a greeting of endless lines", "400 x\r\n", "for ever"],
  ["RTSP", "a status of 5,000 digits", `RTSP/1.0 ${"2".repeat(5_000)} OK\r\n\r\n`, "once"],
  ["SIP-TCP", "provisional answers", "SIP/2.0 100 Trying\r\n\r\n", "for ever"],
  ["DNS-TCP", "messages of 65,535 bytes", hex("ffff"), "for ever"],
  ["DNS-TCP", "empty messages", hex("0000"), "for ever"],
])(
  "%s monitor › stays bounded in time and memory when the server sends %s",
  async (type, _what, say, end) => {
    const bytes = typeof say === "string" ? Buffer.from(say, "latin1") : say;
    const block = Buffer.concat(
      Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes),
    );
    const server = await serve((socket: Socket) => {
      if (end === "once") {
        socket.write(bytes);
        return;
      }
      (function more(): void {
        if (!socket.destroyed) {
          socket.write(block, () => setImmediate(more));
        }
      })();
    });
    onTestFinished(() => server.close());
    await meet(type, server.port);
  },
);

test.each<readonly [type: string, what: string, say: (question: Buffer) => Buffer]>([
  [
    "RADIUS",
    "a length of 65,535",
    (q) => Buffer.concat([Buffer.from([2, q[1] ?? 0, 255, 255]), many(0, 16)]),
  ],
  [
    "RADIUS",
    "an attribute of no length",
    (q) => Buffer.concat([Buffer.from([2, q[1] ?? 0, 0, 22]), many(0, 16), hex("0100")]),
  ],
  ["SNMP", "a length of 2^31", () => hex("3084 80000000 0201")],
  ["SNMP", "a length of 127 bytes", () => hex(`30ff${"ff".repeat(127)}`)],
  ["SNMP", "sequences in sequences", () => many(0x30)],
  ["SNMP", "an identifier of 60 KB", () => Buffer.concat([hex("3082ffff"), many(0xff)])],
  [
    "SIP-UDP",
    "10,000 headers",
    () => Buffer.from(`SIP/2.0 200 OK\r\n${"X: y\r\n".repeat(10_000)}`),
  ],
  [
    "DNS",
    "a name that points at itself",
    (q) => Buffer.concat([q.subarray(0, 2), hex("8180 0001 0001 0000 0000 c00c 0001 0001")]),
  ],
])(
  "%s monitor over UDP › stays bounded in time and memory when the server sends %s",
  async (type, _what, say) => {
    const socket = createSocket("udp4");
    socket.on("message", (question, { port, address }) => {
      for (let turn = 0; turn < 20; turn += 1) {
        socket.send(say(question), port, address);
      }
    });
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    onTestFinished(() => void socket.close());
    await meet(type, socket.address().port);
  },
);
