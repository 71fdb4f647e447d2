import { longestTurnMs } from "../../support/longest-turn.ts";
import { expect, test } from "vitest";
import {
  classifyLastResponse,
  LAST_RESPONSE_CLASSES,
  type LastResponseClass,
} from "../../../src/adc/nitro/roles.ts";

const SENTENCES: readonly (readonly [string, LastResponseClass])[] = [
  ["Success - TCP syn+ack received.", "success"],
  ["Success - HTTP response code 200 received.", "success"],
  ["Success - Pattern found in response.", "success"],
  ["Success - ICMP echo reply received.", "success"],
  ["Success - SSL handshake completed successfully.", "success"],
  ["Success: Ticket Tag found in the Response", "success"],
  ["SUCCESS - tcp SYN+ACK received", "success"],
  ["Failure - No MIP/SNIP available to send the monitor probe.", "no_source_ip"],
  ["Failure - Time out during SSL handshake stage", "tls_timeout"],
  ["Failure - SSL handshake failure.", "tls_failure"],
  ["Probing ownership is with some other node in cluster.", "not_owner"],
  ["Failure: Ticket Tag not found in Response", "pattern_missing"],
  ["Failure - Pattern not found in response", "pattern_missing"],
  ["Failure - HTTP response code 503 received", "bad_status"],
  ["Failure - TCP syn sent, reset received.", "refused"],
  ["Failure - Time out during TCP connection establishment stage", "tcp_timeout"],
  ["Failure - TCP connection successful, but application timed out", "app_timeout"],
  ["Failure - Probe timed out.", "app_timeout"],
  ["Failure - Response timed out", "app_timeout"],
  ["Failure - ICMP host unreachable", "unreachable"],
  ["Probe skipped - live traffic", "skipped"],
  ["Failure - Probe failed.", "failed"],
  ["Unknown", "unknown"],
  ["", "unknown"],
  ["Misslyckades", "unknown"],
];

test.each(SENTENCES)("last response › %s is classified as %s", (sentence, expected) => {
  expect(classifyLastResponse(sentence, false)).toBe(expected);
});

test("last response › is the script's when a script uses its own words", () => {
  expect(classifyLastResponse("Login failed for itest", true)).toBe("script");
  expect(classifyLastResponse("Unknown", true)).toBe("unknown");
  expect(classifyLastResponse("Probing ownership is with some other node in cluster.", true)).toBe(
    "not_owner",
  );
});

test("last response › has a sentence in this table for every class", () => {
  const reached = new Set<LastResponseClass>([...SENTENCES.map(([, found]) => found), "script"]);
  expect([...LAST_RESPONSE_CLASSES].filter((name) => !reached.has(name))).toEqual([]);
});

test.each(["x" + ".".repeat(300_000) + "!", "no mip".repeat(50_000), "ssl timeou ".repeat(30_000)])(
  "classifyLastResponse › takes little work when the sentence is made against it (%#)",
  async (sentence) => {
    const work = async (): Promise<void> => {
      expect(LAST_RESPONSE_CLASSES).toContain(classifyLastResponse(sentence, false));
    };
    expect(await longestTurnMs(work)).toBeLessThan(50);
  },
);
