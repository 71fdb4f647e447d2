import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RealServer, missing } from "../../../support/real-servers.ts";
import { startChrony } from "../../../support/servers/chrony.ts";
import { lacksPlugin, ours, plugin, title, type Named } from "./opinions.ts";

/** Seconds between 1900 and 1970. */
const NTP_EPOCH_S = 2_208_988_800;

/** A scripted server for responses that chrony cannot be made to give; null: no response. */
type Answer = ((question: Buffer) => Buffer) | null;
const FAKES = {
  silent: null,
  garbage: () => Buffer.alloc(48, 0xa5),
  an_hour_ahead: (question) => answer(question, 2, 0, 3_600),
  unsynchronised: (question) => answer(question, 16, 3, 0),
} satisfies Readonly<Record<string, Answer>>;

function answer(question: Buffer, stratum: number, leap: number, aheadS: number): Buffer {
  const packet = Buffer.alloc(48);
  packet[0] = (leap << 6) | 0x24;
  packet[1] = stratum;
  question.copy(packet, 24, 40, 48);
  for (const at of [16, 32, 40]) {
    const seconds = Date.now() / 1000 + NTP_EPOCH_S + aheadS;
    packet.writeUInt32BE(Math.floor(seconds), at);
    packet.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), at + 4);
  }
  return packet;
}

interface Case extends Named {
  readonly server: "chrony" | "nobody" | keyof typeof FAKES;
  /** How far the local clock is moved; the plug-in is given the same offset to compensate. */
  readonly clockAheadS?: number;
}

// prettier-ignore
const CASES: readonly Case[] = [
  { what: "a right clock", server: "chrony", we: "up", reason: "ok", peer: "up" },
  { what: "a clock an hour ahead", server: "an_hour_ahead", we: "down", reason: "bad_status", peer: "down" },
  { what: "the local clock an hour ahead", server: "chrony", clockAheadS: 3600, we: "down", reason: "bad_status", peer: "down" },
  { what: "not synchronised", server: "unsynchronised", we: "down", reason: "bad_status", peer: "down" },
  { what: "a closed port", server: "nobody", we: "down", reason: "refused", peer: "down" },
  { what: "no response", server: "silent", we: "down", reason: "response_timeout", peer: "down" },
  { what: "garbage", server: "garbage", we: "down", reason: "response_timeout", peer: "down" },
];

const lacking = missing("chronyd", "chrony") ?? lacksPlugin("check_ntp_time");
describe.skipIf(lacking !== null)("ntp_time against check_ntp_time", () => {
  let chrony: RealServer;
  const sockets: Socket[] = [];
  const ports: Record<string, number> = { nobody: 1 };
  beforeAll(async () => {
    chrony = await startChrony();
    ports["chrony"] = chrony.ports["ntp"] ?? 0;
    for (const [name, say] of Object.entries<Answer>(FAKES)) {
      const socket = createSocket("udp4");
      sockets.push(socket);
      socket.on("message", (question, { port, address }) => {
        if (say !== null) {
          socket.send(say(question), port, address);
        }
      });
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      ports[name] = socket.address().port;
    }
  });
  afterAll(async () => {
    for (const socket of sockets) {
      socket.close();
    }
    await chrony.stop();
  });

  test.each(CASES.map((row) => [title("check_ntp_time", row), row] as const))(
    "%s",
    async (_, row) => {
      const port = ports[row.server] ?? 0;
      const ahead = row.clockAheadS ?? 0;
      const [us, them] = await Promise.all([
        ours(
          "ntp_time",
          port,
          { options: { max_offset_ms: 10_000 } },
          () => Date.now() + ahead * 1000,
        ),
        plugin("check_ntp_time", [
          "-H",
          "127.0.0.1",
          "-p",
          String(port),
          "-w",
          "10",
          "-c",
          "10",
          "-o",
          String(ahead),
        ]),
      ]);
      const { words } = them;
      expect({ we: us.opinion, reason: us.observation.reason, peer: them.opinion, words }).toEqual({
        we: row.we,
        reason: row.reason,
        peer: row.peer,
        words,
      });
    },
  );
});
