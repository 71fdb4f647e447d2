/** Record types that the lab's zone supports (RFC 1035, 3596, 2782). */
export const DNS_TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
} as const;
export type DnsType = keyof typeof DNS_TYPES;

export interface DnsRecord {
  /** Without the final dot. */
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME" | "MX" | "NS" | "PTR" | "SRV" | "TXT";
  /** As a zone file writes it: `192.0.2.1`, `10 mail.example.com`, `0 0 443 mail.example.com`. */
  readonly data: string;
}

export interface DnsQuestion {
  readonly id: number;
  readonly flags: number;
  /** Lower case, without the final dot. */
  readonly name: string;
  readonly type: number;
  /** The question section as sent. */
  readonly raw: Buffer;
}

/** The first question of a query; null if it is not valid. */
export function parseQuestion(message: Buffer): DnsQuestion | null {
  if (message.length < 17 || message.readUInt16BE(4) !== 1 || (message.readUInt8(2) & 0x80) !== 0) {
    return null;
  }
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) {
      return null;
    }
    at += 1;
    if (length === 0) {
      break;
    }
    labels.push(message.toString("latin1", at, at + length));
    at += length;
  }
  if (message.length < at + 4) {
    return null;
  }
  return {
    id: message.readUInt16BE(0),
    flags: message.readUInt16BE(2),
    name: labels.join(".").toLowerCase(),
    type: message.readUInt16BE(at),
    raw: message.subarray(12, at + 4),
  };
}

const TTL_SECONDS = 60;

/** Response codes of RFC 1035. */
export const RCODES = {
  noerror: 0,
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
} as const;

/** An authoritative answer to a question. */
export function dnsAnswer(
  question: DnsQuestion,
  rcode: number,
  records: readonly DnsRecord[],
  truncated = false,
): Buffer {
  const header = Buffer.alloc(12);
  const recursionDesired = question.flags & 0x0100;
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(0x8480 | recursionDesired | (truncated ? 0x0200 : 0) | rcode, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(truncated ? 0 : records.length, 6);
  return Buffer.concat([header, question.raw, ...(truncated ? [] : records.map(recordBytes))]);
}

function recordBytes(record: DnsRecord): Buffer {
  const data = dataBytes(record);
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(DNS_TYPES[record.type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(TTL_SECONDS, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(record.name), fixed, data]);
}

function dataBytes({ type, data }: DnsRecord): Buffer {
  const words = data.split(/\s+/);
  const numbers = words.slice(0, -1).map((word) => uint16(Number(word)));
  switch (type) {
    case "A":
      return Buffer.from(data.split(".").map(Number));
    case "AAAA":
      return ipv6Bytes(data);
    case "TXT": {
      const text = Buffer.from(data, "utf8").subarray(0, 255);
      return Buffer.concat([Buffer.from([text.length]), text]);
    }
    case "MX":
    case "SRV":
      return Buffer.concat([...numbers, nameBytes(words.at(-1) ?? "")]);
    case "CNAME":
    case "NS":
    case "PTR":
      return nameBytes(data);
  }
}

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  const parts = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]),
  );
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function ipv6Bytes(text: string): Buffer {
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = groups(tail ?? "");
  const middle = Array.from({ length: 8 - front.length - back.length }, () => 0);
  return Buffer.concat([...front, ...middle, ...back].map(uint16));
}
