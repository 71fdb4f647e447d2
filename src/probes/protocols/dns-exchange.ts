import { randomInt } from "node:crypto";
import type { TlsSettings } from "../../model/tls-settings.ts";
import { dial, type DialFailure } from "../../net/dial.ts";
import type { Connection } from "../../net/connection.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import { MessageReader } from "../../net/line-reader.ts";
import type { Target } from "../../net/probe-context.ts";
import type { ProbeRun } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import { decodeAnswer, encodeQuery, type DnsAnswer, type DnsType } from "./dns-message.ts";

/** One question, ready to be sent. */
export interface DnsQuestion {
  readonly id: number;
  readonly type: DnsType;
  readonly bytes: Buffer;
  /** For the transcript. */
  readonly shown: string;
}

/** Null where the name is none that DNS can hold. */
export function dnsQuestion(name: string, type: DnsType): DnsQuestion | null {
  const id = randomInt(0x10000);
  const bytes = encodeQuery(id, name, type);
  return bytes === null ? null : { id, type, bytes, shown: `query ${name} ${type}` };
}

/** Asks over UDP. Stray and forged datagrams are passed over; the run's deadline ends the wait. */
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
  return decodeAnswer(answer.data, type) ?? protocolError("not a DNS answer");
}

/** Asks over TCP, with the two bytes of length (RFC 7766). */
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
    ? protocolError("not the answer to this DNS question")
    : answer;
}
