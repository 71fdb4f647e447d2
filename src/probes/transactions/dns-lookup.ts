import { askDnsByTcp, askDnsByUdp, dnsQuestion } from "../protocols/dns-exchange.ts";
import { canonicalAddress, DNS_TYPES, RCODES, type DnsType } from "../protocols/dns-message.ts";
import { observe } from "../../net/probe-run.ts";
import type { TransactionType } from "./spec.ts";

/** So much of one answer is kept: a GSLB name has a few sites. */
const MAX_ANSWERED = 32;

/**
 * Asks a name server a question: `query` (default the host), `type` (default A), over `transport` (default udp), and among
 * the answers one of `expected`, a list of addresses separated by commas. Without it, an answer with at least one record
 * of the type is enough; of the SOA any good answer, since that of a name within a zone stands elsewhere in it (RFC 2308).
 * What was answered is told with the observation.
 */
export const dnsLookup: TransactionType = {
  transaction: "dns_lookup",
  needsAccount: false,
  transport: "udp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const name = String(spec.options["query"] ?? spec.host);
      const type = dnsType(String(spec.options["type"] ?? "A"));
      const question = type === null ? null : dnsQuestion(name, type);
      if (question === null) {
        return run.fault("send", "not_configured", `not a question for DNS: ${name}`);
      }
      const answer =
        spec.options["transport"] === "tcp"
          ? await askDnsByTcp(run, target, question, null)
          : await askDnsByUdp(run, target, question);
      if (answer.kind === "failed") {
        return run.fail(answer.step, answer.why);
      }
      if (answer.kind !== "dns") {
        return run.fail("response", answer);
      }
      run.responseTimeMs = run.phase("first_byte");
      run.answered = [...answer.addresses, ...answer.aliases].slice(0, MAX_ANSWERED);
      const expected = addressList(spec.options["expected"]);
      const isBareSoa = type === "SOA" && expected.length === 0;
      if (isBareSoa && RCODES[answer.rcode] === "REFUSED") {
        return run.fault("response", "policy_refused", "REFUSED: not for this client");
      }
      if (answer.rcode !== 0) {
        return run.mismatch("response", "bad_status", RCODES[answer.rcode] ?? "an error");
      }
      const shown = answer.addresses.slice(0, MAX_ANSWERED).join(", ");
      const found = shown || `${String(answer.matching)} records`;
      const good =
        expected.length === 0
          ? answer.matching > 0 || isBareSoa
          : answer.addresses.some((address) => expected.includes(address));
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
