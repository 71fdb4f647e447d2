import { isIPv6 } from "node:net";
import { converse } from "./conversation.ts";
import {
  match,
  mismatch,
  NO_RESPONSE,
  refused,
  timedOut,
  type MonitorResult,
  type MonitorTask,
} from "./result.ts";
import { askByDatagram } from "./udp.ts";

const RECORD_TYPES: Readonly<Record<string, number>> = { ADDRESS: 1, ZONE: 6, AAAA: 28 };

/** DNS: a query must be answered without an error, and with one of `-IPAddress` where any is given. */
export async function runDns(task: MonitorTask): Promise<MonitorResult> {
  const answer = await askByDatagram(task.endpoint, queryMessage(task), task.timeoutMs);
  switch (answer.kind) {
    case "unreachable":
      return refused("Failure - ICMP port unreachable received.");
    case "silence":
      return timedOut("Failure - Response timed out");
    case "answer":
      return judge(answer.bytes, task.monitor.parameters.ipAddresses);
  }
}

/** DNS-TCP: the same over TCP, with two bytes of length in front. */
export async function runDnsTcp(task: MonitorTask): Promise<MonitorResult> {
  return converse(task, async ({ socket, source, within }) => {
    const query = queryMessage(task);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
    let seen: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await within(source.some());
      if (chunk === null) {
        return mismatch(NO_RESPONSE);
      }
      seen = Buffer.concat([seen, chunk]);
      if (seen.length >= 2 && seen.length >= 2 + seen.readUInt16BE(0)) {
        return judge(seen.subarray(2), task.monitor.parameters.ipAddresses);
      }
    }
  });
}

function queryMessage(task: MonitorTask): Buffer {
  const { query, queryType } = task.monitor.parameters;
  const header = Buffer.from([0x4e, 0x53, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
  const name = (query ?? "").replace(/\.$/, "");
  const labels = /^[\w.-]+$/.test(name) ? name.split(".") : [];
  const encoded = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]),
  );
  const type = RECORD_TYPES[(queryType ?? "Address").toUpperCase()] ?? 1;
  return Buffer.concat([header, ...encoded, Buffer.from([0, 0, type, 0, 1])]);
}

function judge(message: Buffer, wanted: readonly string[]): MonitorResult {
  if (message.length < 12 || (message.readUInt8(3) & 0x0f) !== 0) {
    return mismatch("Failure - DNS query answered with an error");
  }
  const found =
    wanted.length === 0 || wanted.some((address) => message.includes(addressBytes(address)));
  return found
    ? match("Success - DNS response received.")
    : mismatch("Failure - IP address not found in response");
}

/** A response contains an address as four or sixteen consecutive bytes; the monitor only searches for them. */
function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) {
    return Buffer.from(address.split(".").map(Number));
  }
  const [front = "", back = ""] = address.split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const head = groups(front);
  const tail = address.includes("::") ? groups(back) : [];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Buffer.from(
    [...head, ...zeros, ...tail].map((group) => group.padStart(4, "0")).join(""),
    "hex",
  );
}
