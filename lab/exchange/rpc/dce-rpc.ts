import type { LineConnection } from "../line-connection.ts";

/** Connection-oriented DCE/RPC (C706 chapter 12), as much as a bind and one request need. Little-endian only. */
export const PTYPE = {
  request: 0,
  response: 2,
  fault: 3,
  bind: 11,
  bindAck: 12,
  bindNak: 13,
  alter: 14,
  alterAck: 15,
} as const;

const HEADER_BYTES = 16;
/** Largest fragment a client may send before anything larger is agreed, with slack. */
const FRAGMENT_LIMIT = 65_535;

export interface Pdu {
  readonly type: number;
  readonly callId: number;
  /** What follows the common header, the authentication trailer included. */
  readonly body: Buffer;
}

/** Reads one PDU; null if the client has disconnected or does not speak DCE/RPC 5. */
export async function readPdu(connection: LineConnection): Promise<Pdu | null> {
  const header = await connection.readBytes(HEADER_BYTES);
  if (header === null || header.readUInt8(0) !== 5 || header.readUInt8(4) !== 0x10) {
    return null;
  }
  const length = header.readUInt16LE(8);
  if (length < HEADER_BYTES || length > FRAGMENT_LIMIT) {
    return null;
  }
  const body = await connection.readBytes(length - HEADER_BYTES);
  return body && { type: header.readUInt8(2), callId: header.readUInt32LE(12), body };
}

export function writePdu(type: number, callId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(5, 0);
  header.writeUInt8(type, 2);
  header.writeUInt8(0x03, 3); // first and last fragment
  header.writeUInt32LE(0x10, 4); // little-endian, ASCII, IEEE
  header.writeUInt16LE(HEADER_BYTES + body.length, 8);
  header.writeUInt32LE(callId, 12);
  return Buffer.concat([header, body]);
}

/** An interface a server has registered: UUID in text form, and its versions. */
export interface RpcInterface {
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
}

export const EMSMDB: RpcInterface = {
  uuid: "a4f1db00-ca47-1067-b31f-00dd010662da",
  major: 0,
  minor: 81,
};
export const NSPI: RpcInterface = {
  uuid: "f5cc5a18-4264-101a-8c59-08002b2f8426",
  major: 56,
  minor: 0,
};
export const RFRI: RpcInterface = {
  uuid: "1544f5e0-613c-11d1-93df-00c04fd7bd09",
  major: 1,
  minor: 0,
};
export const EPM: RpcInterface = {
  uuid: "e1af8308-5d1f-11c9-91a4-08002b14a0fa",
  major: 3,
  minor: 0,
};
const NDR = "8a885d04-1ceb-11c9-9fe8-08002b104860";

/** A UUID in wire format: the first three fields little-endian. */
export function uuidBytes(uuid: string): Buffer {
  const hex = Buffer.from(uuid.replaceAll("-", ""), "hex");
  hex.subarray(0, 4).reverse();
  hex.subarray(4, 6).reverse();
  hex.subarray(6, 8).reverse();
  return hex;
}

export function uuidText(bytes: Buffer): string {
  const copy = Buffer.from(bytes);
  copy.subarray(0, 4).reverse();
  copy.subarray(4, 6).reverse();
  copy.subarray(6, 8).reverse();
  const hex = copy.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

interface Context {
  readonly uuid: string;
  readonly major: number;
  readonly offersNdr: boolean;
}

/** The presentation contexts of a bind; null when it is cut short. */
function bindContexts(body: Buffer): Context[] | null {
  const contexts: Context[] = [];
  if (body.length < 12) {
    return null;
  }
  let at = 12;
  for (let left = body.readUInt8(8); left > 0; left--) {
    const transfers = body.length >= at + 24 ? body.readUInt8(at + 2) : 0;
    const end = at + 24 + transfers * 20;
    if (body.length < end || transfers === 0) {
      return null;
    }
    const syntaxes = Array.from({ length: transfers }, (_, index) =>
      uuidText(body.subarray(at + 24 + index * 20, at + 40 + index * 20)),
    );
    contexts.push({
      uuid: uuidText(body.subarray(at + 4, at + 20)),
      major: body.readUInt16LE(at + 20),
      offersNdr: syntaxes.includes(NDR),
    });
    at = end;
  }
  return contexts;
}

/** Answers a bind or alter_context: bind_ack with a result for each context, or bind_nak for garbage. */
export function answerBind(pdu: Pdu, registered: readonly RpcInterface[], port: number): Buffer {
  const contexts = bindContexts(pdu.body);
  if (contexts === null) {
    const reason = Buffer.from([4, 0, 0, 0, 0]); // protocol version not supported, no versions listed
    return writePdu(PTYPE.bindNak, pdu.callId, reason);
  }
  const results = contexts.map((context) => {
    const known = registered.some(
      (one) => one.uuid === context.uuid && one.major === context.major,
    );
    const accepted = known && context.offersNdr;
    const result = Buffer.alloc(24);
    if (accepted) {
      uuidBytes(NDR).copy(result, 4);
      result.writeUInt32LE(2, 20);
    } else {
      result.writeUInt16LE(2, 0); // provider rejection
      result.writeUInt16LE(known ? 2 : 1, 2); // transfer, or abstract, syntax not supported
    }
    return result;
  });
  const address = Buffer.from(`${port}\0`, "latin1");
  const secondary = Buffer.alloc(Math.ceil((2 + address.length) / 4) * 4);
  secondary.writeUInt16LE(address.length, 0);
  address.copy(secondary, 2);
  const sizes = Buffer.alloc(8);
  pdu.body.copy(sizes, 0, 0, 4); // max_xmit_frag and max_recv_frag as offered
  sizes.writeUInt32LE(0x1000 + pdu.callId, 4);
  const count = Buffer.from([results.length, 0, 0, 0]);
  const type = pdu.type === PTYPE.alter ? PTYPE.alterAck : PTYPE.bindAck;
  return writePdu(type, pdu.callId, Buffer.concat([sizes, secondary, count, ...results]));
}

/** A fault with an NCA or Windows status. */
export function fault(callId: number, status: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(status, 8);
  return writePdu(PTYPE.fault, callId, body);
}
