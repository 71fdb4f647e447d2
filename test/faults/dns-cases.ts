import type { DnsBehaviour } from "../../lab/exchange/directory.ts";
import type { Outcome } from "../../src/model/observation.ts";
import type { Reason, Step } from "../../src/model/reasons.ts";

/** What is asked for, and the answer that is right: not the name server's own address, which dig prints as well. */
export const DNS_NAME = "mail.lab.example.com";
export const DNS_ADDRESS = "127.0.0.53";

/** The DNS monitors, which ask the server; and `name`, a member that is known by its name only. */
export type DnsCheckName = "dns" | "dns-tcp";
export type DnsFault = DnsBehaviour["kind"] | "stopped" | "another_address";

/** Fault, check, opinion after six probes, and outcome, step and reason of the last of these that did not pass. */
export type DnsCase = readonly [
  fault: DnsFault,
  check: DnsCheckName | "name",
  opinion: "up" | "down" | "unknown",
  outcome: Outcome,
  step: Step,
  reason: Reason,
];

export const DNS_CASES: readonly DnsCase[] = [
  ["healthy", "dns", "up", "match", "response", "ok"],
  ["healthy", "dns-tcp", "up", "match", "response", "ok"],
  ["healthy", "name", "up", "match", "connect", "ok"],
  ["nxdomain", "dns", "down", "mismatch", "response", "bad_status"],
  ["nxdomain", "dns-tcp", "down", "mismatch", "response", "bad_status"],
  ["nxdomain", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["servfail", "dns", "down", "mismatch", "response", "bad_status"],
  ["servfail", "dns-tcp", "down", "mismatch", "response", "bad_status"],
  ["servfail", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["refused", "dns", "down", "mismatch", "response", "bad_status"],
  ["refused", "dns-tcp", "down", "mismatch", "response", "bad_status"],
  ["refused", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["slow", "dns", "down", "timeout", "response", "response_timeout"],
  ["slow", "dns-tcp", "down", "timeout", "response", "response_timeout"],
  ["slow", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["silent", "dns", "down", "timeout", "response", "response_timeout"],
  ["silent", "dns-tcp", "down", "timeout", "response", "response_timeout"],
  ["silent", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["stopped", "dns", "down", "refused", "response", "refused"],
  ["stopped", "dns-tcp", "down", "refused", "connect", "refused"],
  ["stopped", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["wrong_id", "dns", "down", "timeout", "response", "response_timeout"],
  ["wrong_id", "dns-tcp", "down", "failed", "response", "protocol_error"],
  ["wrong_id", "name", "unknown", "fault", "resolve", "dns_failure"],
  ["another_address", "dns", "down", "mismatch", "response", "pattern_missing"],
  ["another_address", "dns-tcp", "down", "mismatch", "response", "pattern_missing"],
  ["flapping", "dns", "up", "mismatch", "response", "bad_status"],
  ["flapping", "dns-tcp", "up", "mismatch", "response", "bad_status"],
  // A silent DNS takes no address away that it gave before.
  ["flapping", "name", "up", "match", "connect", "ok"],
];
