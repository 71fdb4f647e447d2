import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  berElement,
  berInteger,
  berObjectIdentifier,
  readElements,
  readInteger,
} from "../../src/probes/protocols/ber.ts";
import type { Connection } from "../../src/net/connection.ts";
import { dial } from "../../src/net/dial.ts";
import {
  canonicalAddress,
  decodeAnswer,
  encodeQuery,
} from "../../src/probes/protocols/dns-message.ts";
import { LdapSession } from "../../src/probes/protocols/ldap-session.ts";
import { LineReader } from "../../src/net/line-reader.ts";
import { MysqlSession } from "../../src/probes/monitors/mysql.ts";
import { observe } from "../../src/net/probe-run.ts";
import { decodeRadiusAnswer, type RadiusRequest } from "../../src/probes/monitors/radius.ts";
import { readReply } from "../../src/net/mail-replies.ts";
import { decodeSnmpResponse, encodeSnmpGet } from "../../src/probes/monitors/snmp.ts";
import { probeContext } from "../support/probe-context.ts";
import { serve } from "../support/scripted-server.ts";
import { sealed } from "../support/sealed.ts";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 2000);
const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
/** Bytes near a valid message: some of them changed, and perhaps cut. */
function mutations(valid: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  return fc
    .tuple(fc.array(change, { maxLength: 6 }), fc.nat(valid.length))
    .map(([changes, cut]) => {
      const copy = Buffer.from(valid);
      for (const [at, byte] of changes) {
        copy[at] = byte;
      }
      return copy.subarray(0, cut > 3 ? cut : copy.length);
    });
}

const radius: RadiusRequest = {
  id: 7,
  authenticator: Buffer.alloc(16, 1),
  username: "u",
  password: "p",
  secret: "s",
  nasId: null,
  nasIp: null,
};
const snmpGet = encodeSnmpGet({
  version: "V2",
  community: "c",
  requestId: 9,
  oid: "1.3.6.1.2.1.1.3.0",
});
const dnsQuery = encodeQuery(7, "mail.lab.example.com", "A") ?? Buffer.alloc(0);
const dnsAnswer = Buffer.concat([
  Buffer.from([0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]),
  dnsQuery.subarray(12),
  Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 10]),
]);

describe("datagram decoders", () => {
  test("DNS reads a valid answer and never throws on arbitrary bytes", () => {
    expect(decodeAnswer(dnsAnswer, "A")).toMatchObject({
      id: 7,
      rcode: 0,
      addresses: ["192.0.2.10"],
      matching: 1,
    });
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutations(dnsAnswer)), (data) => {
        decodeAnswer(data, "A");
      }),
      { numRuns: RUNS },
    );
  });
  test("SNMP and BER never throw on arbitrary bytes", () => {
    const valid = snmpGet ?? Buffer.alloc(0);
    fc.assert(
      fc.property(fc.oneof(anyBytes, mutations(valid)), (data) => {
        decodeSnmpResponse(data, 9);
        readElements(data);
      }),
      { numRuns: RUNS },
    );
  });
  test("RADIUS returns null on arbitrary bytes", () => {
    fc.assert(
      fc.property(anyBytes, (data) => {
        expect(decodeRadiusAnswer(data, radius)).toBeNull();
      }),
      { numRuns: RUNS },
    );
  });
  test("BER encodes integers and object identifiers as expected", () => {
    fc.assert(
      fc.property(fc.nat(0x7fff_ffff), (value) => {
        const [element] = readElements(berInteger(value)) ?? [];
        expect(readInteger(element?.content ?? Buffer.alloc(0))).toBe(value);
      }),
    );
    expect(berObjectIdentifier("1.3.6.1.4.1.311")?.toString("hex")).toBe("06072b060104018237");
    expect(berObjectIdentifier("no.oid")).toBeNull();
    expect(berElement(4, Buffer.alloc(300)).subarray(0, 4).toString("hex")).toBe("0482012c");
  });
  test("canonicalAddress gives an address one spelling", () => {
    expect(canonicalAddress("2001:DB8:0:0::25")).toBe("2001:db8::25");
    expect(canonicalAddress("192.0.2.1")).toBe("192.0.2.1");
  });
});

/** Feeds bytes to a reader through a real connection that then closes. */
async function feed(
  data: Buffer,
  read: (connection: Connection) => Promise<unknown>,
): Promise<void> {
  const server = await serve((socket) => socket.end(data));
  const seen = await observe(probeContext(10_000), async (run) => {
    const dialled = await dial(
      run,
      { host: "127.0.0.1", port: server.port, server: null },
      { tls: null },
    );
    if (dialled.kind === "connected") {
      await read(dialled.connection);
    }
    return run.match("response");
  });
  await server.close();
  // An exception of the reader would show as agent_fault.
  expect(seen).toMatchObject({ outcome: "match" });
}

describe("stream readers", () => {
  const few = { numRuns: Math.ceil(RUNS / 20) };
  const bind = Buffer.from([0x30, 12, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0, 4, 0]);
  test("LineReader never throws on arbitrary bytes", async () => {
    const text = fc
      .stringMatching(/^([0-9]{3}[ -]?[a-z]{0,5}\r?\n?|\.{0,2}\r\n){0,6}$/)
      .map((line) => Buffer.from(line));
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyBytes, text), (data) =>
        feed(data, (connection) => readReply(new LineReader(connection))),
      ),
      few,
    );
  });
  test("LdapSession never throws on arbitrary bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyBytes, mutations(bind)), (data) =>
        feed(data, (connection) => new LdapSession(connection).bind("", "")),
      ),
      few,
    );
  });
  test("MysqlSession never throws on arbitrary bytes", async () => {
    const login = { username: "u", password: sealed("p"), database: null, tls: null };
    const greeting = Buffer.concat([
      Buffer.from([74, 0, 0, 0, 10]),
      Buffer.from("8.0\0"),
      Buffer.alloc(46, 7),
      Buffer.from("mysql_native_password\0"),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyBytes, mutations(greeting)), (data) =>
        feed(data, (connection) => new MysqlSession(connection).logIn(login)),
      ),
      few,
    );
  });
});
