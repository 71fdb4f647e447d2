import { NDR, uuidBytes, type RpcInterface } from "./interfaces.ts";

/** Connection-oriented RPC packets (C706 chapter 12), little-endian, one fragment each: all that a lookup needs. */
const HEADER_BYTES = 16;
const FIRST_AND_LAST_FRAGMENT = 0x03;
/** Offered size of a fragment, and the longest one that is read, in bytes. */
export const MAX_FRAGMENT_BYTES = 5840;

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

/** What a server's packet says. */
export type RpcAnswer =
  | { readonly kind: "bound" }
  /** `reason` is the server's number: 1 abstract syntax not supported, 2 transfer syntaxes not supported … */
  | { readonly kind: "bind_refused"; readonly reason: number }
  | { readonly kind: "response"; readonly stub: Buffer }
  | { readonly kind: "fault"; readonly status: number }
  | { readonly kind: "invalid"; readonly detail: string };

/** Length of the packet that begins here, from its first 16 bytes; null when they are no RPC header. */
export function fragmentLength(header: Buffer): number | null {
  if (header.length < HEADER_BYTES || header[0] !== 5 || header[1] !== 0) {
    return null;
  }
  // Data representation: only little-endian integers are spoken here, as Windows does.
  if (((header[4] ?? 0) & 0xf0) !== 0x10) {
    return null;
  }
  const length = header.readUInt16LE(8);
  return length >= HEADER_BYTES && length <= MAX_FRAGMENT_BYTES ? length : null;
}

export { HEADER_BYTES as RPC_HEADER_BYTES };

/** Reads one whole packet. Never throws: lengths that lie make it `invalid`. */
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

/** Length of the authentication trailer with its 8-byte header, 0 when there is none. */
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
