import { z } from "zod";
import {
  duration,
  file,
  flag,
  hostName,
  hostPort,
  invalid,
  listOf,
  name,
  oneOf,
  pattern,
  secretKeys,
  text,
  words,
} from "./leaves.ts";
import { parseUrl } from "../lib/host-port.ts";
import { URGENCIES, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../model/verdicts.ts";

const ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[^\s@<>,;:"()[\]\\]{1,255}$/;
const address = (): z.ZodString =>
  text("a mail address such as mail-team@example.com", "write it without a name", (value) =>
    ADDRESS.test(value),
  );

const VERDICTS = [...new Set([...MEMBER_VERDICTS, ...VSERVER_VERDICTS])];

const patterns = (what: string) =>
  listOf(pattern(), `${what} or patterns`)
    .default([])
    .describe(`Only ${what} of these names; * matches any characters; empty: all.`);

const mail = z.strictObject(
  {
    server: hostPort().describe("SMTP server that accepts the messages, as host:port."),
    from: address().describe("Sender."),
    to: listOf(address(), "mail addresses")
      .min(1, invalid("at least one address", "add one"))
      .describe("Recipients."),
    security: oneOf(["auto", "starttls", "implicit", "none"])
      .default("auto")
      .describe("How TLS starts; auto: STARTTLS if offered, and never for a login."),
    username: words("a user name").optional().describe("Logs in first, which needs TLS."),
    ...secretKeys("Password of that user"),
    ca_file: file().optional().describe("CA certificates (PEM) used to verify the server."),
    server_name: hostName().optional().describe("Name expected in the server's certificate."),
    verify: flag()
      .optional()
      .describe("Default: true, but false where auto is used without a login, as mail servers do."),
  },
  invalid("a mapping with server, from and to", "write the keys below it"),
);

const webhook = z.strictObject(
  {
    url: text("an http or https URL, or ${NAME}", "write https://…", isUrlOrVariable)
      .optional()
      .describe("Where to POST; an environment variable if the URL contains a secret: ${NAME}."),
    url_file: file().optional().describe("File that contains the URL."),
    template: oneOf(["json", "slack", "teams"])
      .optional()
      .describe(
        "Body: adc-witness's own JSON (the default), Slack's, or an Adaptive Card for a Teams workflow.",
      ),
    body: words("JSON with {{subject}}, {{text}} and {{kind}} in its texts")
      .optional()
      .describe("Custom body, as JSON with {{subject}}, {{text}} and {{kind}} in its texts."),
    ca_file: file().optional().describe("CA certificates (PEM) used to verify the server."),
    verify: flag().default(true).describe("False accepts any certificate."),
  },
  invalid("a mapping with url or url_file", "write the keys below it"),
);

/** One of `notify`. */
export const notifier = z.strictObject(
  {
    name: name().describe("Unique name, for logs, metrics and `notify test`."),
    when: z
      .strictObject(
        {
          severity: oneOf(URGENCIES).default("warning").describe("Lowest severity that is sent."),
          verdicts: listOf(
            oneOf(VERDICTS as [(typeof VERDICTS)[number], ...typeof VERDICTS]),
            "verdicts",
          )
            .default([])
            .describe("Only these verdicts; empty: all."),
          adcs: patterns("ADCs"),
          servers: patterns("servers"),
          vservers: patterns("vservers"),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("What is sent; default: everything critical and every warning."),
    mail: mail.optional().describe("Sends e-mail."),
    webhook: webhook.optional().describe("Sends an HTTP POST."),
    command: listOf(words("a word of the command"), "words")
      .min(1, invalid("at least the program", "add it"))
      .optional()
      .describe(
        "Runs a program, without a shell; the message is in ADC_WITNESS_KIND, _SUBJECT, _TEXT and _JSON of its environment.",
      ),
    group_wait: duration()
      .default("30s")
      .describe("Time that a cause, a change or an end must last before it is sent."),
    repeat: duration()
      .default("12h")
      .describe("Time after which a cause that still persists is sent again."),
  },
  invalid("a mapping with name and one of mail, webhook and command", "write the keys below it"),
);

function isUrlOrVariable(value: string): boolean {
  if (/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(value)) {
    return true;
  }
  return isWebUrl(value);
}

/** Whether the URL accepts a POST. */
export function isWebUrl(value: string): boolean {
  const url = parseUrl(value);
  return url !== null && (url.protocol === "https:" || url.protocol === "http:");
}

/** Why a URL from a file or a variable is invalid; null if valid. Never quotes it. */
export function webhookUrlProblem(value: string): string | null {
  return isWebUrl(value) ? null : "contains no http or https URL";
}
