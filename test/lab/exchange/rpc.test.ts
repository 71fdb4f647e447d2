import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExchangeServer } from "../../../lab/exchange/exchange-server.ts";
import { newOrganisation, portOf, rawExchange, startServer } from "./support.ts";

/** Captured by hand from C706 and MS-RPCE: a bind with one presentation context and NDR as transfer syntax. */
function bind(uuidLittleEndian: string, major: number, minor = 0): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt16LE(major, 0);
  version.writeUInt16LE(minor, 2);
  return Buffer.concat([
    Buffer.from(
      "05000b03100000004800000001000000" + "d016d01600000000" + "01000000" + "00000100",
      "hex",
    ),
    Buffer.from(uuidLittleEndian, "hex"),
    version,
    Buffer.from("045d888aeb1cc9119fe808002b10486002000000", "hex"),
  ]);
}

const EMSMDB = "00dbf1a447ca6710b31f00dd010662da";
const NSPI = "185accf564421a108c5908002b2f8426";
const EPM = "0883afe11f5dc91191a408002b14a0fa";

/** ept_map for EMSMDB over TCP, laid out as Windows sends it. */
function eptMap(uuidLittleEndian: string, version: string): Buffer {
  const tower = Buffer.from(
    "0500" +
      `13000d${uuidLittleEndian}${version}02000000` +
      "13000d045d888aeb1cc9119fe808002b1048600200" +
      "02000000" +
      "01000b02000000" +
      "01000702000087" +
      "01000904007f000001",
    "hex",
  );
  const words = (...values: number[]) => {
    const buffer = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => buffer.writeUInt32LE(value, index * 4));
    return buffer;
  };
  const padding = Buffer.alloc((4 - (tower.length % 4)) % 4);
  const stub = Buffer.concat([
    words(1),
    Buffer.alloc(16),
    words(2, tower.length, tower.length),
    tower,
    padding,
    Buffer.alloc(20),
    words(4),
  ]);
  const header = Buffer.from("05000003100000000000000002000000", "hex");
  header.writeUInt16LE(24 + stub.length, 8);
  return Buffer.concat([header, words(stub.length), Buffer.from("00000300", "hex"), stub]);
}

let server: ExchangeServer;

beforeEach(async () => {
  server = await startServer({
    organisation: newOrganisation(),
    version: "2010",
    rpcPort: 22902,
    addressBookPort: 59532,
  });
});

afterEach(() => server.close());

async function answers(port: number, ...pdus: Buffer[]): Promise<Buffer> {
  const { received } = await rawExchange(portOf(server, port), {
    send: Buffer.concat(pdus),
    quietMs: 60,
  });
  return Buffer.from(received, "latin1");
}

describe("lab RPC Client Access port", () => {
  it("acknowledges a bind to EMSMDB", async () => {
    const ack = await answers(22902, bind(EMSMDB, 0, 81));
    expect(ack.readUInt8(2)).toBe(12); // bind_ack
    expect(ack.length).toBe(ack.readUInt16LE(8));
    const results = ack.subarray(-28);
    expect(results.readUInt8(0)).toBe(1);
    expect(results.readUInt16LE(4)).toBe(0); // acceptance
    expect(results.subarray(8, 24).toString("hex")).toBe("045d888aeb1cc9119fe808002b104860");
  });

  it("rejects the context of an unknown interface", async () => {
    const ack = await answers(22902, bind(NSPI, 56));
    expect(ack.readUInt8(2)).toBe(12);
    const results = ack.subarray(-28);
    expect([results.readUInt16LE(4), results.readUInt16LE(6)]).toEqual([2, 1]);
    expect((await answers(59532, bind(NSPI, 56))).subarray(-28).readUInt16LE(4)).toBe(0);
  });

  it("faults a call without authentication and closes on input that is not RPC", async () => {
    const request = Buffer.from("05000003100000001800000002000000" + "0000000000000a00", "hex");
    const both = await answers(22902, bind(EMSMDB, 0, 81), request);
    const fault = both.subarray(both.readUInt16LE(8));
    expect([fault.readUInt8(2), fault.readUInt32LE(24)]).toEqual([3, 5]);
    expect((await rawExchange(portOf(server, 22902), { send: "GET / HTTP/1.0\r\n\r\n" })).end).toBe(
      "closed",
    );
  });
});

describe("lab endpoint mapper", () => {
  it("maps EMSMDB to the static port", async () => {
    const both = await answers(135, bind(EPM, 3), eptMap(EMSMDB, "0000"));
    const response = both.subarray(both.readUInt16LE(8));
    expect(response.readUInt8(2)).toBe(2);
    expect(response.length).toBe(response.readUInt16LE(8));
    const stub = response.subarray(24);
    expect(stub.readUInt32LE(20)).toBe(1); // one tower
    expect(stub.readUInt32LE(stub.length - 4)).toBe(0); // status
    const port = stub.indexOf(Buffer.from("0100070200", "hex"));
    expect(stub.readUInt16BE(port + 5)).toBe(22902);
  });

  it("returns nothing when the interface is not registered", async () => {
    const both = await answers(135, bind(EPM, 3), eptMap(EPM, "0300"));
    const stub = both.subarray(both.readUInt16LE(8) + 24);
    expect(stub.readUInt32LE(20)).toBe(0);
    expect(stub.readUInt32LE(stub.length - 4)).toBe(0x16c9a0d6);
  });

  it("maps another port than the static one when configured", async () => {
    const moved = await startServer({
      organisation: newOrganisation(),
      version: "2010",
      rpcPort: 22902,
      mappedRpcPort: 41234,
    });
    const { received } = await rawExchange(portOf(moved, 135), {
      send: Buffer.concat([bind(EPM, 3), eptMap(EMSMDB, "0000")]),
      quietMs: 60,
    });
    const stub = Buffer.from(received, "latin1");
    const port = stub.lastIndexOf(Buffer.from("0100070200", "hex"));
    expect(stub.readUInt16BE(port + 5)).toBe(41234);
    await moved.close();
  });
});
