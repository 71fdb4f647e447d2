import { PTYPE, uuidBytes, uuidText, writePdu, type Pdu, type RpcInterface } from "./dce-rpc.ts";

/** An interface and the TCP port it is to be found at. */
export interface MappedInterface {
  readonly rpcInterface: RpcInterface;
  readonly port: number;
}

const EPT_MAP = 3;
const NOT_REGISTERED = 0x16c9a0d6;
const NDR = "8a885d04-1ceb-11c9-9fe8-08002b104860";

/** Answers ept_map (C706 appendix O); null for another operation or a malformed request. */
export function answerEptMap(
  pdu: Pdu,
  mapped: readonly MappedInterface[],
  address: string,
): Buffer | null {
  if (pdu.body.length < 8 || pdu.body.readUInt16LE(6) !== EPT_MAP) {
    return null;
  }
  const wanted = wantedInterface(pdu.body.subarray(8));
  if (wanted === null) {
    return null;
  }
  const found = mapped.filter(
    ({ rpcInterface }) => rpcInterface.uuid === wanted.uuid && rpcInterface.major === wanted.major,
  );
  const header = Buffer.alloc(8);
  const stub = responseStub(found.map((entry) => tower(entry, address)));
  header.writeUInt32LE(stub.length, 0);
  return writePdu(PTYPE.response, pdu.callId, Buffer.concat([header, stub]));
}

/** The interface in the tower of a request. */
function wantedInterface(stub: Buffer): { uuid: string; major: number } | null {
  let at = 4;
  if (stub.length < 8) {
    return null;
  }
  if (stub.readUInt32LE(0) !== 0) {
    at += 16; // an object UUID, which the Exchange interfaces do not use
  }
  const floor = at + 12 + 2; // referent, conformance, length; then the count of floors
  if (stub.length < floor + 21 || stub.readUInt8(floor + 2) !== 0x0d) {
    return null;
  }
  return {
    uuid: uuidText(stub.subarray(floor + 3, floor + 19)),
    major: stub.readUInt16LE(floor + 19),
  };
}

function tower({ rpcInterface, port }: MappedInterface, address: string): Buffer {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port, 0);
  const octets = /^[\d.]+$/.test(address) ? address.split(".").map(Number) : [127, 0, 0, 1];
  const floors = [
    syntaxFloor(rpcInterface.uuid, rpcInterface.major, rpcInterface.minor),
    syntaxFloor(NDR, 2, 0),
    floorOf(Buffer.from([0x0b]), Buffer.alloc(2)), // connection-oriented RPC
    floorOf(Buffer.from([0x07]), portBytes), // TCP
    floorOf(Buffer.from([0x09]), Buffer.from(octets)), // IP
  ];
  return Buffer.concat([Buffer.from([floors.length, 0]), ...floors]);
}

function syntaxFloor(uuid: string, major: number, minor: number): Buffer {
  const versions = Buffer.alloc(4);
  versions.writeUInt16LE(major, 0);
  versions.writeUInt16LE(minor, 2);
  const left = Buffer.concat([Buffer.from([0x0d]), uuidBytes(uuid), versions.subarray(0, 2)]);
  return floorOf(left, versions.subarray(2));
}

function floorOf(left: Buffer, right: Buffer): Buffer {
  const sizes = Buffer.alloc(4);
  sizes.writeUInt16LE(left.length, 0);
  sizes.writeUInt16LE(right.length, 2);
  return Buffer.concat([sizes.subarray(0, 2), left, sizes.subarray(2), right]);
}

/** entry handle, count, conformant varying array of pointers, the towers, status. */
function responseStub(towers: readonly Buffer[]): Buffer {
  const words = (...values: number[]): Buffer => {
    const buffer = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => buffer.writeUInt32LE(value, index * 4));
    return buffer;
  };
  const pointers = towers.map((_, index) => words(index + 3));
  const bodies = towers.map((bytes) => {
    const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
    return Buffer.concat([words(bytes.length, bytes.length), bytes, padding]);
  });
  return Buffer.concat([
    Buffer.alloc(20),
    words(towers.length, Math.max(1, towers.length), 0, towers.length),
    ...pointers,
    ...bodies,
    words(towers.length === 0 ? NOT_REGISTERED : 0),
  ]);
}
