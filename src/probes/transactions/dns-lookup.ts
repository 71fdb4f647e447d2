import { randomInt } from "node:crypto";
import {
  canonicalAddress,
  decodeAnswer,
  DNS_TYPES,
  encodeQuery,
  RCODES,
  type DnsType,
} from "../protocols/dns-message.ts";
import { observe } from "../../net/probe-run.ts";
import { askUdp } from "../../net/udp.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Asks a name server a question: `query` (default the host), `type` (default A), and among the answers one of `expected`,
 * a list of addresses separated by commas. Without it, an answer with at least one record of the type is enough.
 */
export const dnsLookup: TransactionType = {
  transaction: "dns_lookup",
  needsAccount: false,
  transport: "udp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const name = String(spec.options["query"] ?? spec.host);
      const type = dnsType(String(spec.options["type"] ?? "A"));
      const id = randomInt(0x10000);
      const payload = type === null ? null : encodeQuery(id, name, type);
      if (type === null || payload === null) {
        return run.fault("send", "not_configured", `not a question for DNS: ${name}`);
      }
      const answer = await askUdp(run, target, {
        payload,
        shown: `query ${name} ${type}`,
        accept: (data) => decodeAnswer(data, type)?.id === id,
      });
      if (answer.kind === "failed") {
        return run.broken(answer.step, answer.why);
      }
      if (answer.kind !== "datagram") {
        return run.broken("response", answer);
      }
      run.responseTimeMs = run.phase("first_byte");
      const decoded = decodeAnswer(answer.data, type);
      if (decoded === null) {
        return run.ended("failed", "response", "protocol_error", "not a DNS answer");
      }
      if (decoded.rcode !== 0) {
        return run.mismatch("response", "bad_status", RCODES[decoded.rcode] ?? "an error");
      }
      const found = decoded.addresses.join(", ") || `${String(decoded.matching)} records`;
      const expected = addressList(spec.options["expected"]);
      const good =
        expected.length === 0
          ? decoded.matching > 0
          : decoded.addresses.some((address) => expected.includes(address));
      return good
        ? run.match("response", found)
        : run.mismatch("response", "pattern_missing", `answers ${found}`);
    }),
};

function dnsType(text: string): DnsType | null {
  const type = text.toUpperCase();
  return Object.keys(DNS_TYPES).find((known): known is DnsType => known === type) ?? null;
}

function addressList(value: string | number | boolean | undefined): readonly string[] {
  return typeof value === "string"
    ? value
        .split(",")
        .map((address) => canonicalAddress(address.trim()))
        .filter((address) => address !== "")
    : [];
}
