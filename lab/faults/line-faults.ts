import { DRIP_MS, type Fault, type Step } from "./fault.ts";
import { answerImap, answerPop3, answerSmtp } from "./healthy-servers.ts";

/** What IMAP, POP3 and SMTP servers can all do wrong. */
type LineFault =
  | "reset_mid_greeting"
  | "reset_after_greeting"
  | "close_after_greeting"
  | "silent_after_greeting"
  | "drip_greeting"
  | "fragmented_greeting"
  | "endless_greeting"
  | "endless_greetings"
  | "nul_in_greeting"
  | "latin1_greeting"
  | "bare_lf"
  | "reset_after_command"
  | "close_after_command"
  | "silent_after_command"
  | "half_close_after_greeting"
  | "endless_answer"
  | "greeting_and_answer_at_once"
  | "customised_greeting"
  | "answers_garbage";

interface LineProtocol {
  /** `* OK `, `+OK `, `220 `. */
  readonly prefix: string;
  readonly text: string;
  readonly answer: (line: string) => string;
}

function lineFaults<P extends string>(
  name: P,
  { prefix, text, answer }: LineProtocol,
): Readonly<Record<`${P}.${LineFault}`, Fault>> {
  const greet: Step = { send: `${prefix}${text}\r\n` };
  const talk: Step = { talk: answer };
  const reset: Step = { end: "reset" };
  const close: Step = { end: "close" };
  const silence: Step = { end: "silence" };
  const faults: Readonly<Record<LineFault, Fault>> = {
    reset_mid_greeting: {
      about: "resets in the middle of its greeting",
      steps: [{ send: prefix }, reset],
    },
    reset_after_greeting: { about: "greets, then resets", steps: [greet, reset] },
    close_after_greeting: { about: "greets, then closes", steps: [greet, close] },
    silent_after_greeting: { about: "greets, and no more", steps: [greet, silence] },
    drip_greeting: {
      about: "greets at a byte a second",
      steps: [{ drip: `${prefix}${text}\r\n`, everyMs: DRIP_MS }, talk],
    },
    fragmented_greeting: {
      about: "greets in segments of one byte, and is well",
      steps: [{ drip: `${prefix}${text}\r\n`, everyMs: 1 }, talk],
    },
    endless_greeting: {
      about: "a greeting without end",
      steps: [{ send: prefix }, { repeat: "x".repeat(4096) }],
    },
    endless_greetings: {
      about: "greets again and again",
      steps: [{ repeat: `${prefix}${text}\r\n`.repeat(32) }],
    },
    nul_in_greeting: {
      about: "NUL bytes in the greeting",
      steps: [{ send: `${prefix}\0\0${text}\r\n` }, talk],
    },
    latin1_greeting: {
      about: "a greeting in a charset that is no UTF-8",
      steps: [{ send: Buffer.from(`${prefix}Gr\xfc\xdfe ${text}\r\n`, "latin1") }, talk],
    },
    bare_lf: {
      about: "lines ended by LF alone",
      steps: [
        { send: `${prefix}${text}\n` },
        { talk: (line) => answer(line).replaceAll("\r\n", "\n") },
      ],
    },
    reset_after_command: {
      about: "resets at the first command",
      steps: [greet, { await: "line" }, reset],
    },
    close_after_command: {
      about: "closes at the first command",
      steps: [greet, { await: "line" }, close],
    },
    silent_after_command: {
      about: "does not answer the first command",
      steps: [greet, { await: "line" }, silence],
    },
    half_close_after_greeting: {
      about: "greets, ends its own direction, and goes on reading",
      steps: [greet, { end: "half_close" }],
    },
    endless_answer: {
      about: "answers the first command for ever",
      steps: [greet, { await: "line" }, { repeat: "* and more\r\n".repeat(64) }],
    },
    greeting_and_answer_at_once: {
      about: "greeting and a stray line in one segment",
      steps: [{ send: `${prefix}${text}\r\n${prefix}unasked\r\n` }, talk],
    },
    customised_greeting: {
      about: "well, with a greeting of the administrator's own",
      steps: [{ send: `${prefix}Authorised users only\r\n` }, talk],
    },
    answers_garbage: {
      about: "answers what no client understands",
      steps: [greet, { talk: () => "\x7f\x00??\r\n" }],
    },
  };
  return Object.fromEntries(
    Object.entries(faults).map(([fault, steps]) => [`${name}.${fault}`, steps]),
  ) as Readonly<Record<`${P}.${LineFault}`, Fault>>;
}

const IMAP_GREETING: Step = { send: "* OK The Microsoft Exchange IMAP4 service is ready.\r\n" };
const POP3_GREETING: Step = { send: "+OK The Microsoft Exchange POP3 service is ready.\r\n" };
const SMTP_GREETING: Step = { send: "220 fault.lab.example.com Microsoft ESMTP MAIL Service\r\n" };

/** Faults of IMAP, POP3 and SMTP servers. */
export const LINE_FAULTS = {
  ...lineFaults("imap", {
    prefix: "* OK ",
    text: "The Microsoft Exchange IMAP4 service is ready.",
    answer: answerImap,
  }),
  "imap.bye": {
    about: "too many connections: BYE as greeting",
    steps: [{ send: "* BYE Connection is closed. 10\r\n" }, { end: "close" }],
  },
  "imap.preauth": {
    about: "greets as logged in already",
    steps: [{ send: "* PREAUTH IMAP4rev1 server ready\r\n" }, { talk: answerImap }],
  },
  "imap.literal_4g": {
    about: "answers with a literal of four gigabytes",
    steps: [
      IMAP_GREETING,
      { await: "line" },
      { send: "* 1 FETCH (BODY[] {4294967296}\r\n" },
      { repeat: "x".repeat(4096) },
    ],
  },
  "imap.literal_in_greeting": {
    about: "a literal in the greeting",
    steps: [{ send: "* OK {5}\r\nhello there\r\n" }, { talk: answerImap }],
  },
  "imap.wrong_tag": {
    about: "answers with a tag that nobody sent",
    steps: [IMAP_GREETING, { talk: () => "XYZ123 OK done.\r\n" }],
  },
  "imap.bad_to_everything": {
    about: "every command is bad",
    steps: [
      IMAP_GREETING,
      { talk: (line) => `${line.split(" ")[0] ?? "*"} BAD Command Error. 12\r\n` },
    ],
  },
  ...lineFaults("pop3", {
    prefix: "+OK ",
    text: "The Microsoft Exchange POP3 service is ready.",
    answer: answerPop3,
  }),
  "pop3.err": {
    about: "refuses at the greeting",
    steps: [{ send: "-ERR BYE Connection refused\r\n" }, { end: "close" }],
  },
  "pop3.apop_greeting": {
    about: "well, with an APOP timestamp in the greeting",
    steps: [{ send: "+OK POP3 ready <1896.697170952@lab.example.com>\r\n" }, { talk: answerPop3 }],
  },
  "pop3.dot_stuffed": {
    about: "multi-line answers with stuffed dots",
    steps: [POP3_GREETING, { talk: answerWithDots }],
  },
  "pop3.multi_line_without_end": {
    about: "a multi-line answer that never ends",
    steps: [
      POP3_GREETING,
      { await: "line" },
      { send: "+OK\r\n" },
      { repeat: "line after line\r\n".repeat(64) },
    ],
  },
  "pop3.err_to_everything": {
    about: "every command is an error",
    steps: [POP3_GREETING, { talk: () => "-ERR Protocol error. 19\r\n" }],
  },
  ...lineFaults("smtp", {
    prefix: "220 ",
    text: "fault.lab.example.com Microsoft ESMTP MAIL Service ready",
    answer: answerSmtp,
  }),
  "smtp.multi_line_greeting": {
    about: "well, with a greeting of several lines",
    steps: [
      { send: "220-fault.lab.example.com\r\n220-Authorised users only\r\n220 ready\r\n" },
      { talk: answerSmtp },
    ],
  },
  "smtp.greeting_without_last_line": {
    about: "a greeting of several lines whose last never comes",
    steps: [{ send: "220-fault.lab.example.com\r\n220-please wait\r\n" }, { end: "silence" }],
  },
  "smtp.greeting_code_changes": {
    about: "a greeting that changes its code in the middle",
    steps: [{ send: "220-fault.lab.example.com\r\n554 go away\r\n" }, { end: "silence" }],
  },
  "smtp.no_service": {
    about: "554 as greeting",
    steps: [{ send: "554 No SMTP service here\r\n" }, { end: "close" }],
  },
  "smtp.too_many_connections": {
    about: "421 as greeting, for the count of connections",
    steps: [
      {
        send: "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel\r\n",
      },
      { end: "close" },
    ],
  },
  "smtp.not_active": {
    about: "421 Service not active at MAIL FROM",
    steps: [
      SMTP_GREETING,
      { await: "line" },
      { send: "250-fault.lab.example.com Hello\r\n250 SIZE\r\n" },
      { await: "line" },
      { send: "421 4.3.2 Service not active\r\n" },
      { end: "close" },
    ],
  },
  "smtp.no_ehlo": {
    about: "knows HELO only",
    steps: [
      SMTP_GREETING,
      {
        talk: (line) =>
          /^EHLO/i.test(line) ? "500 5.3.3 Unrecognized command\r\n" : answerSmtp(line),
      },
    ],
  },
  "smtp.masked_ehlo": {
    about: "a firewall masks the EHLO answer",
    steps: [
      SMTP_GREETING,
      {
        talk: (line) =>
          /^EHLO/i.test(line) ? "250-XXXXXXXXXXXX\r\n250 XXXXXXXA\r\n" : answerSmtp(line),
      },
    ],
  },
  "smtp.starttls_then_silence": {
    about: "offers STARTTLS, agrees, and never shakes hands",
    steps: [
      SMTP_GREETING,
      { await: "line" },
      { send: "250-fault.lab.example.com\r\n250 STARTTLS\r\n" },
      { await: "line" },
      { send: "220 2.0.0 SMTP server ready\r\n" },
      { end: "silence" },
    ],
  },
  "smtp.starttls_then_clear": {
    about: "agrees to STARTTLS and goes on in clear",
    steps: [
      SMTP_GREETING,
      { await: "line" },
      { send: "250-fault.lab.example.com\r\n250 STARTTLS\r\n" },
      { await: "line" },
      { send: "220 2.0.0 SMTP server ready\r\n" },
      { await: "data" },
      { send: "250 2.0.0 OK\r\n" },
      { end: "silence" },
    ],
  },
} satisfies Readonly<Record<string, Fault>>;

function answerWithDots(line: string): string {
  return /^CAPA/i.test(line)
    ? "+OK\r\nTOP\r\n..hidden\r\nUSER\r\n.\r\n"
    : /^(LIST|UIDL|RETR|TOP)/i.test(line)
      ? "+OK\r\n..\r\n..leading dot\r\nno dot\r\n.\r\n"
      : answerPop3(line);
}
