/** What the ADC's own sentence about a probe comes to. A bounded set: the sentence itself is never a label. */
export const LAST_RESPONSE_CLASSES = [
  "success",
  "refused",
  "tcp_timeout",
  "tls_timeout",
  "tls_failure",
  "app_timeout",
  "bad_status",
  "pattern_missing",
  "unreachable",
  "no_source_ip",
  "skipped",
  "not_owner",
  "failed",
  "script",
  "unknown",
] as const;
export type LastResponseClass = (typeof LAST_RESPONSE_CLASSES)[number];

/**
 * Classifies `lastresponse`. Confirmed in public sources are "Success - TCP syn+ack received.", "Failure - No MIP/SNIP
 * available to send the monitor probe.", "Failure - Time out during SSL handshake stage", "Probing ownership is with some
 * other node in cluster." and the Ticket Tag pair of the XML service; the others follow their wording and are UNCONFIRMED.
 * `scripted`: the monitor runs a script on the ADC, which words its message as it likes.
 */
export function classifyLastResponse(text: string, scripted: boolean): LastResponseClass {
  const words = text.trim().replace(/\.+$/, "").toLowerCase();
  const found = TABLE.find(([pattern]) => pattern.test(words));
  return found?.[1] ?? (scripted && words !== "" && words !== "unknown" ? "script" : "unknown");
}

/** First match wins: causes before effects, and success before anything a banner may say. */
const TABLE: readonly (readonly [RegExp, LastResponseClass])[] = [
  [/probing ownership is with some other node/, "not_owner"],
  [/\bno (mip|snip)\b.*\bavailable\b/, "no_source_ip"],
  [/^(success|probe succeeded)\b/, "success"],
  [/\bskipped\b/, "skipped"],
  [/\b(timed?[ -]?out)\b.*\b(ssl|tls)\b|\b(ssl|tls)\b.*\b(timed?[ -]?out)\b/, "tls_timeout"],
  [/\b(ssl|tls)\b/, "tls_failure"],
  [/\breset\b|\brefused\b|\brst\b/, "refused"],
  [/\bunreachable\b/, "unreachable"],
  [/\btimed?[ -]?out\b.*\b(tcp|connect|connection)\b.*\bestablish/, "tcp_timeout"],
  [/\bsyn\b.*\b(timed?[ -]?out|no response)\b/, "tcp_timeout"],
  [/\b(pattern|tag|string)\b.*\b(not found|missing)\b/, "pattern_missing"],
  [/\b(response|status) code\b/, "bad_status"],
  [/\btimed?[ -]?out\b|\bno response\b/, "app_timeout"],
  [/^(failure - )?probe failed$/, "failed"],
];
