import { MessageReader } from "../../net/message-reader.ts";
import { randomInt } from "node:crypto";
import type { Observation } from "../../model/observation.ts";
import { protocolError, type ExchangeError } from "../../net/exchange-error.ts";
import type { Connection } from "../../net/connection.ts";
import { dial, type DialFailure } from "../../net/dial.ts";
import {
  canonicalAddress,
  decodeAnswer,
  encodeQuery,
  RCODES,
  type DnsAnswer,
  type DnsType,
} from "../protocols/dns-message.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const COMMON = {
  // Answered with failure is DOWN, and UP when reversed; no answer is DOWN either way (Citrix support: CTX115525).
  reversePasses: ["mismatch"],
  source: "SNIP",
  meaningfulAtVip: true,
  defaultPort: 53,
} as const;

/**
 * DNS: asks for `query` (the root when none is given) and `queryType` (Address, Zone, AAAA). The answer must hold at least
 * one address of `IPAddress`; without that list any answer without an error passes. NetScaler docs: "DNS monitors".
 */
export const dnsMonitor: MonitorType = {
  ...COMMON,
  type: "DNS",
  transport: "udp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const query = queryOf(spec);
      return query === null
        ? run.fault("send", "not_configured", `not a name: ${spec.monitor.parameters.query ?? ""}`)
        : judge(run, spec, await byUdp(run, target, query));
    }),
  unsupported: () => null,
};

/** DNS-TCP: the same question over TCP, with its two bytes of length. */
export const dnsTcpMonitor: MonitorType = {
  ...COMMON,
  type: "DNS-TCP",
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const query = queryOf(spec);
      if (query === null) {
        return run.fault(
          "send",
          "not_configured",
          `not a name: ${spec.monitor.parameters.query ?? ""}`,
        );
      }
      const dialled = await dial(run, target, { tls: spec.tls });
      return dialled.kind === "failed"
        ? run.fail(dialled.step, dialled.why)
        : judge(run, spec, await byTcp(dialled.connection, query));
    }),
  unsupported: () => null,
};

interface Query {
  readonly id: number;
  readonly type: DnsType;
  readonly bytes: Buffer;
  readonly shown: string;
}

function queryOf(spec: MonitorSpec): Query | null {
  const { query, queryType } = spec.monitor.parameters;
  // The documented default is the byte 7, which makes no name: the root is asked instead.
  const name = query === null || query === "\u0007" || query === "\\007" ? "." : query;
  const type = typeOf(queryType);
  const id = randomInt(0x10000);
  const bytes = encodeQuery(id, name, type);
  return bytes === null ? null : { id, type, bytes, shown: `query ${name} ${type}` };
}

function typeOf(queryType: string | null): DnsType {
  switch (queryType?.toUpperCase()) {
    case "ZONE":
      return "SOA";
    case "AAAA":
      return "AAAA";
    default:
      return "A";
  }
}

async function byUdp(
  run: ProbeRun,
  target: Parameters<typeof askUdp>[1],
  query: Query,
): Promise<DnsAnswer | ExchangeError | DialFailure> {
  const answer = await askUdp(run, target, {
    payload: query.bytes,
    shown: query.shown,
    accept: (data) => decodeAnswer(data, query.type)?.id === query.id,
  });
  if (answer.kind !== "datagram") {
    return answer;
  }
  return decodeAnswer(answer.data, query.type) ?? protocolError("not a DNS answer");
}

async function byTcp(connection: Connection, query: Query): Promise<DnsAnswer | ExchangeError> {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.bytes.length);
  connection.write(Buffer.concat([length, query.bytes]), query.shown);
  const message = await new MessageReader(connection, (received) =>
    received.length < 2 ? null : 2 + received.readUInt16BE(0),
  ).next();
  if (message.kind !== "message") {
    return message;
  }
  const answer = decodeAnswer(message.data.subarray(2), query.type);
  return answer === null || answer.id !== query.id
    ? protocolError("not the answer to this DNS question")
    : answer;
}

function judge(
  run: ProbeRun,
  spec: MonitorSpec,
  answer: DnsAnswer | ExchangeError | DialFailure,
): Observation {
  if (answer.kind === "failed") {
    return run.fail(answer.step, answer.why);
  }
  if (answer.kind !== "dns") {
    return run.fail("response", answer);
  }
  run.responseTimeMs = run.phase("first_byte");
  const words = RCODES[answer.rcode] ?? `rcode ${answer.rcode}`;
  run.transcript.note(`${words}: ${answer.addresses.join(" ") || `${answer.matching} records`}`);
  if (answer.rcode !== 0) {
    return run.mismatch("response", "bad_status", words);
  }
  const wanted = spec.monitor.parameters.ipAddresses.map(canonicalAddress);
  return wanted.length === 0 || answer.addresses.some((address) => wanted.includes(address))
    ? run.match("response")
    : run.mismatch(
        "response",
        "pattern_missing",
        `none of ${wanted.join(", ")} among ${answer.addresses.join(", ") || "no addresses"}`,
      );
}
