import { NDR, uuidBytes, type RpcInterface } from "./interfaces.ts";

/** Operation number of `ept_map` (C706 appendix O, MS-RPCE 2.2.1.2.5). */
export const EPT_MAP = 3;

/** Most towers that are asked for, and read. */
const MAX_TOWERS = 4;
const FLOOR = { rpcConnectionOriented: 0x0b, tcp: 0x07, ip: 0x09, uuid: 0x0d } as const;

/** Arguments of `ept_map`: where does this interface listen over TCP? */
export function encodeEptMap(wanted: RpcInterface): Buffer {
  const tower = encodeTower(wanted);
  const padding = Buffer.alloc((4 - (tower.length % 4)) % 4);
  return Buffer.concat([
    u32(1), // object: a pointer to the nil UUID
    Buffer.alloc(16),
    u32(2), // map_tower: a pointer to the tower
    u32(tower.length), // conformance
    u32(tower.length),
    tower,
    padding,
    Buffer.alloc(20), // entry_handle: nil, the first call
    u32(MAX_TOWERS),
  ]);
}

/** What the endpoint mapper knows of an interface. */
export type EptMapResult =
  /** TCP ports in the order told; empty when the interface is registered without one. */
  | { readonly kind: "ports"; readonly ports: readonly number[] }
  /** `0x16c9a0d6` is ept_s_not_registered: the service is not running. */
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "invalid"; readonly detail: string };

export const EPT_NOT_REGISTERED = 0x16c9a0d6;

/** Reads the answer of `ept_map`. Never throws: counts and lengths that lie make it `invalid`. */
export function parseEptMap(stub: Buffer): EptMapResult {
  const cut: EptMapResult = { kind: "invalid", detail: "ept_map answer cut short" };
  if (stub.length < 40) {
    return cut;
  }
  const actual = stub.readUInt32LE(32);
  if (actual > MAX_TOWERS) {
    return { kind: "invalid", detail: `ept_map answer with ${String(actual)} towers` };
  }
  let at = 36 + 4 * actual; // behind the pointers
  const ports: number[] = [];
  for (let i = 0; i < actual; i += 1) {
    if (at + 8 > stub.length) {
      return cut;
    }
    const length = stub.readUInt32LE(at + 4);
    const tower = stub.subarray(at + 8, at + 8 + length);
    if (tower.length !== length) {
      return cut;
    }
    const port = towerPort(tower);
    if (port !== null) {
      ports.push(port);
    }
    at = Math.ceil((at + 8 + length) / 4) * 4;
  }
  if (at + 4 > stub.length) {
    return cut;
  }
  const status = stub.readUInt32LE(at);
  return status === 0 ? { kind: "ports", ports } : { kind: "status", status };
}

/** Five floors: interface, transfer syntax, RPC protocol, TCP port, IP address (C706 appendix L). */
function encodeTower(wanted: RpcInterface): Buffer {
  const syntaxFloor = ({ uuid, major, minor }: RpcInterface): Buffer =>
    floor(Buffer.concat([Buffer.from([FLOOR.uuid]), uuidBytes(uuid), u16(major)]), u16(minor));
  return Buffer.concat([
    u16(5),
    syntaxFloor(wanted),
    syntaxFloor(NDR),
    floor(Buffer.from([FLOOR.rpcConnectionOriented]), u16(0)),
    floor(Buffer.from([FLOOR.tcp]), Buffer.alloc(2)),
    floor(Buffer.from([FLOOR.ip]), Buffer.alloc(4)),
  ]);
}

function floor(left: Buffer, right: Buffer): Buffer {
  return Buffer.concat([u16(left.length), left, u16(right.length), right]);
}

/** The port of a tower's TCP floor, which is in network order unlike all else; null when it has none. */
function towerPort(tower: Buffer): number | null {
  if (tower.length < 2) {
    return null;
  }
  let at = 2;
  for (let left = tower.readUInt16LE(0); left > 0 && at + 2 <= tower.length; left -= 1) {
    const leftLength = tower.readUInt16LE(at);
    const protocol = tower[at + 2];
    at += 2 + leftLength;
    if (at + 2 > tower.length) {
      return null;
    }
    const rightLength = tower.readUInt16LE(at);
    if (protocol === FLOOR.tcp && leftLength === 1 && rightLength === 2 && at + 4 <= tower.length) {
      return tower.readUInt16BE(at + 2);
    }
    at += 2 + rightLength;
  }
  return null;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
