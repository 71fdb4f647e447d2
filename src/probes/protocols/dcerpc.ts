/** An RPC interface: UUID and version. */
export interface RpcInterface {
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
}

/** The endpoint mapper (C706 appendix O). */
export const EPM: RpcInterface = {
  uuid: "e1af8308-5d1f-11c9-91a4-08002b14a0fa",
  major: 3,
  minor: 0,
};
/** Exchange's mailbox interface (MS-OXCRPC 1.9). */
export const EMSMDB: RpcInterface = {
  uuid: "a4f1db00-ca47-1067-b31f-00dd010662da",
  major: 0,
  minor: 81,
};
/** NDR 2.0, the transfer syntax that every server supports (C706 appendix I). */
const NDR: RpcInterface = {
  uuid: "8a885d04-1ceb-11c9-9fe8-08002b104860",
  major: 2,
  minor: 0,
};

/** The 16 bytes of a UUID in little-endian RPC: the first three groups are byte-swapped. */
function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** Connection-oriented RPC packets (C706 chapter 12), little-endian, one fragment each, which is enough for a lookup. */
const HEADER_BYTES = 16;
const FIRST_AND_LAST_FRAGMENT = 0x03;
/** Offered fragment size and maximum fragment read, in bytes. */
const MAX_FRAGMENT_BYTES = 5840;

const TYPE = { request: 0, response: 2, fault: 3, bind: 11, bindAck: 12, bindNak: 13 } as const;

/** A `bind` that offers one interface over NDR. */
export function encodeBind(callId: number, offered: RpcInterface): Buffer {
  const body = Buffer.alloc(56);
  body.writeUInt16LE(MAX_FRAGMENT_BYTES, 0);
  body.writeUInt16LE(MAX_FRAGMENT_BYTES, 2);
  body.writeUInt8(1, 8); // one context
  body.writeUInt8(1, 14); // with one transfer syntax
  writeSyntax(body, 16, offered);
  writeSyntax(body, 36, NDR);
  return packet(TYPE.bind, callId, body);
}

/** A `request` in context 0. */
export function encodeRequest(callId: number, operation: number, stub: Buffer): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(stub.length, 0);
  body.writeUInt16LE(operation, 6);
  return packet(TYPE.request, callId, Buffer.concat([body, stub]));
}

/** Decoded packet of a server. */
export type RpcAnswer =
  | { readonly kind: "bound" }
  /** `reason` is the server's number: 1 abstract syntax not supported, 2 transfer syntaxes not supported … */
  | { readonly kind: "bind_refused"; readonly reason: number }
  | { readonly kind: "response"; readonly stub: Buffer }
  | { readonly kind: "fault"; readonly status: number }
  | { readonly kind: "invalid"; readonly detail: string };

/** Length of the packet from its first 16 bytes; null if they are not an RPC header. */
export function fragmentLength(header: Buffer): number | null {
  if (header.length < HEADER_BYTES || header[0] !== 5 || header[1] !== 0) {
    return null;
  }
  // Data representation: only little-endian integers, as Windows sends them.
  if (((header[4] ?? 0) & 0xf0) !== 0x10) {
    return null;
  }
  const length = header.readUInt16LE(8);
  return length >= HEADER_BYTES && length <= MAX_FRAGMENT_BYTES ? length : null;
}

export { HEADER_BYTES as RPC_HEADER_BYTES };

/** Decodes one whole packet. Never throws: inconsistent lengths give `invalid`. */
export function parseAnswer(fragment: Buffer): RpcAnswer {
  const length = fragmentLength(fragment);
  if (length === null || length !== fragment.length) {
    return { kind: "invalid", detail: "not an RPC packet" };
  }
  const end = length - authLength(fragment);
  switch (fragment[2]) {
    case TYPE.bindAck:
      return parseBindAck(fragment, end);
    case TYPE.bindNak:
      return length >= 18
        ? { kind: "bind_refused", reason: fragment.readUInt16LE(16) }
        : { kind: "invalid", detail: "bind_nak cut short" };
    case TYPE.response:
      return end >= 24
        ? { kind: "response", stub: fragment.subarray(24, end) }
        : { kind: "invalid", detail: "response cut short" };
    case TYPE.fault:
      return length >= 28
        ? { kind: "fault", status: fragment.readUInt32LE(24) }
        : { kind: "invalid", detail: "fault cut short" };
    default:
      return { kind: "invalid", detail: `unexpected packet type ${String(fragment[2])}` };
  }
}

function parseBindAck(fragment: Buffer, end: number): RpcAnswer {
  const cut: RpcAnswer = { kind: "invalid", detail: "bind_ack cut short" };
  if (end < 26) {
    return cut;
  }
  const addressLength = fragment.readUInt16LE(24);
  const resultsAt = Math.ceil((26 + addressLength) / 4) * 4;
  if (resultsAt + 8 > end) {
    return cut;
  }
  const result = fragment.readUInt16LE(resultsAt + 4);
  return result === 0
    ? { kind: "bound" }
    : { kind: "bind_refused", reason: fragment.readUInt16LE(resultsAt + 6) };
}

/** Length of the authentication trailer with its 8-byte header; 0 without one. */
function authLength(fragment: Buffer): number {
  const length = fragment.readUInt16LE(10);
  return length === 0 ? 0 : length + 8;
}

function packet(type: number, callId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(5, 0);
  header.writeUInt8(type, 2);
  header.writeUInt8(FIRST_AND_LAST_FRAGMENT, 3);
  header.writeUInt8(0x10, 4);
  header.writeUInt16LE(HEADER_BYTES + body.length, 8);
  header.writeUInt32LE(callId, 12);
  return Buffer.concat([header, body]);
}

function writeSyntax(body: Buffer, at: number, syntax: RpcInterface): void {
  uuidBytes(syntax.uuid).copy(body, at);
  body.writeUInt16LE(syntax.major, at + 16);
  body.writeUInt16LE(syntax.minor, at + 18);
}

/** Operation number of `ept_map` (C706 appendix O, MS-RPCE 2.2.1.2.5). */
export const EPT_MAP = 3;

/** Maximum number of towers requested and read. */
const MAX_TOWERS = 4;
const FLOOR = { rpcConnectionOriented: 0x0b, tcp: 0x07, ip: 0x09, uuid: 0x0d } as const;

/** Arguments of `ept_map`: the TCP endpoints of this interface. */
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

/** The endpoint mapper's entry for an interface. */
type EptMapResult =
  /** TCP ports in the order of the response; empty if the interface is registered without one. */
  | { readonly kind: "ports"; readonly ports: readonly number[] }
  /** `0x16c9a0d6` is ept_s_not_registered: the service is not running. */
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "invalid"; readonly detail: string };

export const EPT_NOT_REGISTERED = 0x16c9a0d6;

/** Decodes the response of `ept_map`. Never throws: inconsistent counts and lengths give `invalid`. */
export function parseEptMap(stub: Buffer): EptMapResult {
  const cut: EptMapResult = { kind: "invalid", detail: "ept_map response cut short" };
  if (stub.length < 40) {
    return cut;
  }
  const actual = stub.readUInt32LE(32);
  if (actual > MAX_TOWERS) {
    return { kind: "invalid", detail: `ept_map response with ${String(actual)} towers` };
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

/** Port of a tower's TCP floor, which is in network byte order unlike the rest; null without one. */
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
