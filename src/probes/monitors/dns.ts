import type { Observation } from "../../model/observation.ts";
import type { ExchangeError } from "../../net/exchange-error.ts";
import type { DialFailure } from "../../net/dial.ts";
import {
  askDnsByTcp,
  askDnsByUdp,
  dnsQuestion,
  type DnsQuestion,
  canonicalAddress,
  RCODES,
  type DnsAnswer,
  type DnsType,
} from "../protocols/dns-message.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { MonitorSpec, MonitorType } from "./spec.ts";

const COMMON = {
  // A negative answer is DOWN, or UP if reversed; no answer is DOWN in both cases (Citrix support: CTX115525).
  reversePasses: ["mismatch"],
  source: "SNIP",
  meaningfulAtVip: true,
  defaultPort: 53,
} as const;

/**
 * DNS: queries `query` (the root by default) for `queryType` (Address, Zone, AAAA). The response must contain at least one
 * address of `IPAddress`; without that list, any response without an error passes. NetScaler docs: "DNS monitors".
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
        : judge(run, spec, await askDnsByUdp(run, target, query));
    }),
  unsupported: () => null,
};

/** DNS-TCP: the same query over TCP, with a two-byte length prefix. */
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
      return judge(run, spec, await askDnsByTcp(run, target, query, spec.tls));
    }),
  unsupported: () => null,
};

function queryOf(spec: MonitorSpec): DnsQuestion | null {
  const { query, queryType } = spec.monitor.parameters;
  // The documented default is the byte 7, which is not a valid name, so the root is queried.
  const name = query === null || query === "\u0007" || query === "\\007" ? "." : query;
  return dnsQuestion(name, typeOf(queryType));
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
