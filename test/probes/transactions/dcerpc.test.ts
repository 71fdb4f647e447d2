import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeEptMap,
  EPT_NOT_REGISTERED,
  parseEptMap,
  EMSMDB,
  EPM,
  encodeBind,
  encodeRequest,
  fragmentLength,
  parseAnswer,
} from "../../../src/probes/protocols/dcerpc.ts";

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ""), "hex");
}

/** The tower another implementation (impacket 0.10.0) writes for EMSMDB over TCP. */
const TOWER = `0500 1300 0d 00dbf1a447ca6710b31f00dd010662da 0000 0200 5100
  1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000
  0100 0b 0200 0000  0100 07 0200 0000  0100 09 0400 00000000`;

/** An answer as the same implementation writes it: one tower, port 22902. */
const ANSWER = `0000000000000000000000000000000000000000 01000000 01000000 00000000 01000000 97e70000
  4b000000 4b000000 0500 1300 0d 00dbf1a447ca6710b31f00dd010662da 0000 0200 5100
  1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000
  0100 0b 0200 0100  0100 07 0200 5976  0100 09 0400 c0a8019a bf 00000000`;

describe("DCE/RPC encoder", () => {
  test("writes a bind to EMSMDB byte for byte", () => {
    expect(encodeBind(1, EMSMDB).toString("hex")).toBe(
      hex(`05000b03 10000000 4800 0000 01000000 d016 d016 00000000 01 000000 0000 01 00
        00dbf1a447ca6710b31f00dd010662da 0000 5100
        045d888aeb1cc9119fe808002b104860 0200 0000`).toString("hex"),
    );
  });

  test("writes ept_map with tower, nil object, nil handle and tower count", () => {
    expect(encodeEptMap(EMSMDB).toString("hex")).toBe(
      hex(`01000000 00000000000000000000000000000000 02000000 4b000000 4b000000 ${TOWER} 00
        0000000000000000000000000000000000000000 04000000`).toString("hex"),
    );
  });

  test("writes a request with its operation and argument length", () => {
    expect(encodeRequest(2, 3, hex("aabbcc")).toString("hex")).toBe(
      hex("05000003 10000000 1b00 0000 02000000 03000000 0000 0300 aabbcc").toString("hex"),
    );
  });
});

describe("DCE/RPC parser", () => {
  const ack = (result: string): Buffer =>
    hex(`05000c03 10000000 3c00 0000 01000000 d016 d016 78560000 0400 31333500 0000
      01000000 ${result} 045d888aeb1cc9119fe808002b104860 02000000`);

  test("reads a bind_ack that accepts", () => {
    expect(parseAnswer(ack("0000 0000"))).toEqual({ kind: "bound" });
  });

  test("reads a bind_ack that refuses the interface", () => {
    expect(parseAnswer(ack("0200 0100"))).toEqual({ kind: "bind_refused", reason: 1 });
  });

  test("reads a bind_nak as a refusal", () => {
    expect(parseAnswer(hex("05000d03 10000000 1800 0000 01000000 0400 0200 05000000"))).toEqual({
      kind: "bind_refused",
      reason: 4,
    });
  });

  test("reads a fault with its status", () => {
    expect(
      parseAnswer(hex("05000303 10000000 2000 0000 02000000 20000000 0000 0000 05000000 00000000")),
    ).toEqual({ kind: "fault", status: 5 });
  });

  test("reads the ports of an endpoint mapper response", () => {
    const stub = hex(ANSWER);
    const packet = Buffer.concat([
      hex("05000203 10000000 0000 0000 02000000 00000000 0000 0000"),
      stub,
    ]);
    packet.writeUInt16LE(packet.length, 8);
    expect(parseAnswer(packet)).toEqual({ kind: "response", stub });
    expect(parseEptMap(stub)).toEqual({ kind: "ports", ports: [22902] });
  });

  test("reads EPT_NOT_REGISTERED when the interface is not registered", () => {
    expect(
      parseEptMap(hex(`${"00".repeat(20)} 00000000 04000000 00000000 00000000 d6a0c916`)),
    ).toEqual({ kind: "status", status: EPT_NOT_REGISTERED });
  });

  test("returns invalid when a length or count is wrong", () => {
    const tooMany = hex(ANSWER);
    tooMany.writeUInt32LE(0xffffffff, 32);
    expect(parseEptMap(tooMany).kind).toBe("invalid");
    const tooLong = hex(ANSWER);
    tooLong.writeUInt32LE(0xfffffff0, 44);
    expect(parseEptMap(tooLong).kind).toBe("invalid");
    expect(parseEptMap(hex(ANSWER).subarray(0, 60)).kind).toBe("invalid");
  });

  test("returns no fragment length when the header is not RPC", () => {
    expect(fragmentLength(Buffer.from("HTTP/1.1 400 Bad Request"))).toBeNull();
    expect(fragmentLength(encodeBind(1, EPM))).toBe(72);
  });

  test("never throws when the bytes are arbitrary", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (bytes, type) => {
        const packet = Buffer.concat([encodeBind(1, EPM).subarray(0, 16), Buffer.from(bytes)]);
        packet[2] = type;
        packet.writeUInt16LE(packet.length, 8);
        expect(parseAnswer(packet).kind).toBeTypeOf("string");
        expect(parseEptMap(Buffer.from(bytes)).kind).toBeTypeOf("string");
      }),
    );
  });
});
