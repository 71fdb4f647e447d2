import { isIPv4 } from "../../lib/ip.ts";
import { parseUrl } from "../../lib/host-port.ts";
import { randomInt } from "node:crypto";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { dial, type DialFailure } from "../../net/dial.ts";
import type { Connection } from "../../net/connection.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import { MessageReader } from "../../net/line-reader.ts";
import type { Target } from "../../net/probe-context.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";

/** Record types that probes query. */
export const DNS_TYPES = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, AAAA: 28, SRV: 33 } as const;
export type DnsType = keyof typeof DNS_TYPES;

export interface DnsAnswer {
  readonly kind: "dns";
  readonly id: number;
  /** 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED … */
  readonly rcode: number;
  readonly truncated: boolean;
  readonly authoritative: boolean;
  /** Addresses of all A and AAAA records of the answer section, in canonical form. */
  readonly addresses: readonly string[];
  /** Targets of the first CNAME records of the answer section, in lower case without the final dot. */
  readonly aliases: readonly string[];
  /** Number of records of the queried type. */
  readonly matching: number;
}

export const RCODES: readonly string[] = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
];

/** A query with recursion desired (RFC 1035 section 4.1); null for an invalid name. */
export function encodeQuery(id: number, name: string, type: DnsType): Buffer | null {
  const labels = name.split(".").filter((label) => label !== "");
  const parts: Buffer[] = [];
  for (const label of labels) {
    const bytes = Buffer.from(label, "utf8");
    if (bytes.length > 63) {
      return null;
    }
    parts.push(Buffer.from([bytes.length]), bytes);
  }
  const question = Buffer.concat([...parts, Buffer.from([0, 0, DNS_TYPES[type], 0, 1])]);
  if (question.length > 255 + 4) {
    return null;
  }
  const header = Buffer.alloc(12);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  return Buffer.concat([header, question]);
}

/** Decodes a response; null if it is not one or its lengths are inconsistent. */
export function decodeAnswer(data: Buffer, type: DnsType): DnsAnswer | null {
  if (data.length < 12 || (data.readUInt16BE(2) & 0x8000) === 0) {
    return null;
  }
  const flags = data.readUInt16BE(2);
  let at: number | null = 12;
  for (let question = 0; question < data.readUInt16BE(4); question += 1) {
    at = skipName(data, at);
    if (at === null || at + 4 > data.length) {
      return null;
    }
    at += 4;
  }
  const addresses: string[] = [];
  const aliases: string[] = [];
  let aliasesRead = 0;
  let matching = 0;
  for (let record = 0; record < data.readUInt16BE(6); record += 1) {
    at = skipName(data, at);
    if (at === null || at + 10 > data.length) {
      return null;
    }
    const kind = data.readUInt16BE(at);
    const length = data.readUInt16BE(at + 8);
    const body = data.subarray(at + 10, at + 10 + length);
    if (body.length < length) {
      return null;
    }
    matching += kind === DNS_TYPES[type] ? 1 : 0;
    if (kind === DNS_TYPES.A && length === 4) {
      addresses.push(body.join("."));
    } else if (kind === DNS_TYPES.AAAA && length === 16) {
      addresses.push(canonicalAddress(ipv6Text(body)));
    } else if (kind === DNS_TYPES.CNAME && aliasesRead < MAX_ALIASES) {
      aliasesRead += 1;
      const alias = readName(data, at + 10);
      aliases.push(...(alias === null ? [] : [alias]));
    }
    at += 10 + length;
  }
  return {
    kind: "dns",
    id: data.readUInt16BE(0),
    rcode: flags & 0x000f,
    truncated: (flags & 0x0200) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    addresses,
    aliases,
    matching,
  };
}

/** Maximum number of aliases read per response: real chains are short, and decoding can be made expensive. */
const MAX_ALIASES = 32;
/** RFC 1035: a name has at most 255 bytes. This also ends loops of compressed names. */
const MAX_NAME_BYTES = 255;

/** Decodes a name; null if it is invalid or leads out of the message. */
function readName(data: Buffer, start: number): string | null {
  const labels: string[] = [];
  let at = start;
  for (let steps = 0, bytes = 0; steps < MAX_NAME_BYTES && bytes <= MAX_NAME_BYTES; steps += 1) {
    const length = data[at];
    if (length === undefined) {
      return null;
    }
    if (length === 0) {
      return labels.join(".").toLowerCase();
    }
    const next = data[at + 1] ?? 0;
    if ((length & 0xc0) === 0xc0) {
      at = ((length & 0x3f) << 8) | next;
    } else if (length > 63 || at + 1 + length > data.length) {
      return null;
    } else {
      labels.push(data.toString("latin1", at + 1, at + 1 + length));
      bytes += length + 1;
      at += length + 1;
    }
  }
  return null;
}

/** Skips a name, compressed or not; null if it ends beyond the message. */
function skipName(data: Buffer, start: number): number | null {
  let at = start;
  for (;;) {
    const length = data[at];
    if (length === undefined) {
      return null;
    }
    if (length === 0) {
      return at + 1;
    }
    if ((length & 0xc0) === 0xc0) {
      return at + 2;
    }
    if ((length & 0xc0) !== 0) {
      return null;
    }
    at += 1 + length;
  }
}

function ipv6Text(body: Buffer): string {
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(body.readUInt16BE(at).toString(16));
  }
  return groups.join(":");
}

/** One spelling per address: IPv6 in the short form of RFC 5952, as the URL standard makes it. */
export function canonicalAddress(address: string): string {
  if (isIPv4(address)) {
    return address;
  }
  return parseUrl(`http://[${address}]/`)?.hostname.slice(1, -1) ?? address.toLowerCase();
}

/** One query, ready to be sent. */
export interface DnsQuestion {
  readonly id: number;
  readonly type: DnsType;
  readonly bytes: Buffer;
  /** Text for the transcript. */
  readonly shown: string;
}

/** Null for a name that is invalid in DNS. */
export function dnsQuestion(name: string, type: DnsType): DnsQuestion | null {
  const id = randomInt(0x10000);
  const bytes = encodeQuery(id, name, type);
  return bytes === null ? null : { id, type, bytes, shown: `query ${name} ${type}` };
}

/** Queries over UDP. Stray and forged datagrams are ignored; the run's deadline ends the wait. */
export async function askDnsByUdp(
  run: ProbeRun,
  target: Target,
  question: DnsQuestion,
): Promise<DnsAnswer | ExchangeError | DialFailure> {
  const { bytes, id, shown, type } = question;
  const answer = await askUdp(run, target, {
    payload: bytes,
    shown,
    accept: (data) => decodeAnswer(data, type)?.id === id,
  });
  if (answer.kind !== "datagram") {
    return answer;
  }
  return decodeAnswer(answer.data, type) ?? protocolError("not a DNS response");
}

/** Queries over TCP, with a two-byte length prefix (RFC 7766). */
export async function askDnsByTcp(
  run: ProbeRun,
  target: Target,
  question: DnsQuestion,
  tls: TlsSettings | null,
): Promise<DnsAnswer | ExchangeError | DialFailure> {
  const dialled = await dial(run, target, { tls });
  return dialled.kind === "failed" ? dialled : overTcp(dialled.connection, question);
}

async function overTcp(
  connection: Connection,
  { bytes, id, shown, type }: DnsQuestion,
): Promise<DnsAnswer | ExchangeError> {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  connection.write(Buffer.concat([length, bytes]), shown);
  const message = await new MessageReader(connection, (received) =>
    received.length < 2 ? null : 2 + received.readUInt16BE(0),
  ).next();
  if (message.kind !== "message") {
    return message;
  }
  const answer = decodeAnswer(message.data.subarray(2), type);
  return answer === null || answer.id !== id
    ? protocolError("not the response to this DNS query")
    : answer;
}
