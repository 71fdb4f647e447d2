import { z } from "zod";
import { TRANSACTIONS } from "../model/transactions.ts";
import {
  duration,
  flag,
  hostName,
  httpPath,
  listOf,
  name,
  oneOf,
  oneOrMany,
  pattern,
  invalid,
  secretKeys,
  text,
  trustKeys,
  wholeNumber,
  words,
} from "./leaves.ts";

/** One of `transactions.accounts`. */
export const account = z.strictObject(
  {
    name: name().describe("Name used in transactions and in the label `account`."),
    username: words("a user name").describe(
      "As a client sends it: user, DOMAIN\\user or user@example.com.",
    ),
    address: text("a mail address", "write user@example.com", (value) =>
      /^[^\s@<>]+@[^\s@<>]+$/.test(value),
    )
      .optional()
      .describe("Mail address of the probe's own mailbox; required for the round trip."),
    domain: words("a domain")
      .optional()
      .describe("Windows domain for NTLM, if the user name contains none."),
    ...secretKeys("Password of the account"),
    ...trustKeys("with this account"),
  },
  invalid("a mapping with name, username and a password", "write the keys below it"),
);

/** One of `transactions.run`. */
export const run = z.strictObject(
  {
    transaction: oneOf(
      TRANSACTIONS as unknown as [
        (typeof TRANSACTIONS)[number],
        ...(typeof TRANSACTIONS)[number][],
      ],
    ).describe("Transaction to run."),
    account: words("the name of an account")
      .optional()
      .describe("Name of one of `transactions.accounts`."),
    every: duration().optional().describe("Interval; default: 60 s, 5 minutes for a round trip."),
    timeout: duration()
      .optional()
      .describe("Timeout of one exchange; default: 30 s, 2 minutes for a round trip."),
    members: z
      .strictObject(
        {
          server: oneOrMany(pattern(), "a server or a pattern").describe(
            "Servers; empty matches all.",
          ),
          port: oneOrMany(wholeNumber(1, 65_535), "a port from 1 to 65535").describe(
            "Ports; empty means the usual ports of the protocol, and for HTTPS every member recognised as Exchange.",
          ),
          adc_service: oneOrMany(pattern(), "a service or a pattern").describe(
            "Services and groups; empty matches all.",
          ),
          vserver: oneOrMany(pattern(), "a vserver or a pattern").describe(
            "Vservers served; empty matches all.",
          ),
        },
        invalid("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Members it runs against."),
    vantages: listOf(oneOf(["vip", "backend", "public"]), "vip, backend or public")
      .min(1, invalid("at least one vantage", "add one, or leave the key out"))
      .default(["vip", "backend"])
      .describe("Vantage: through the VIP, directly at the server, or at a public address."),
    path: httpPath().optional().describe("HTTP path, for transactions that have one."),
    host: hostName().optional().describe("Host name that clients use."),
    security: oneOf(["none", "implicit", "starttls"])
      .optional()
      .describe("How TLS starts; default: by port; without an account STARTTLS only if offered."),
    expect: oneOf(["works", "blocked"])
      .default("works")
      .describe("blocked: the target must not be reachable."),
    allow_plaintext: flag()
      .default(false)
      .describe("Allows the account's password to be sent without TLS."),
    options: z
      .record(
        words("an option's name"),
        z.union(
          [z.string(), z.number(), z.boolean()],
          invalid("a text, a number, true or false", "correct it"),
        ),
        invalid("a mapping", "write name: value"),
      )
      .default({})
      .describe("Options of this transaction, for example padding_bytes."),
  },
  invalid("a mapping with transaction", "write the keys below it"),
);
