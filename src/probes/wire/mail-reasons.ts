import type { FailureReason } from "../reason.ts";

/**
 * What a refusal of SMTP means. Texts are Exchange's own: `421 4.3.2 Service not active` (or not available) is a server
 * component out of service, "maximum number of concurrent" a connection limit, `452 4.3.1` back pressure.
 */
export function reasonOfSmtpReply(code: number, text: string): FailureReason {
  if (/per(-| )source|from (this|your) (source|address|ip)/i.test(text) && code === 421) {
    return "source_limit";
  }
  if (/maximum number of concurrent|too many (concurrent )?connections/i.test(text)) {
    return "throttled";
  }
  if (/not (active|available)/i.test(text) && code === 421) {
    return "service_not_active";
  }
  if (code === 452 || /4\.3\.1\b/.test(text)) {
    return "back_pressure";
  }
  return "bad_status";
}

/** `* BYE` of IMAP, `-ERR` of POP3 as a greeting or in the middle: the server ends the conversation. */
export function reasonOfMailRefusal(text: string): FailureReason {
  if (/connection (is )?(closed|refused)\.? *10\b|too many|maximum/i.test(text)) {
    return "throttled";
  }
  return "bye";
}
