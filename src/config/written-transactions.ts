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
  says,
  secretKeys,
  text,
  wholeNumber,
  words,
} from "./leaves.ts";

/** One of `transactions.accounts`. */
export const account = z.strictObject(
  {
    name: name().describe("By this name transactions refer to it, and `login_suspended` shows it."),
    username: words("a user name").describe(
      "As a client types it: user, DOMAIN\\user or user@example.com.",
    ),
    address: text("a mail address", "write user@example.com", (value) =>
      /^[^\s@<>]+@[^\s@<>]+$/.test(value),
    )
      .optional()
      .describe("Mail address of the probe's own mailbox; the round trip needs it."),
    domain: words("a domain")
      .optional()
      .describe("Windows domain for NTLM, where the user name holds none."),
    ...secretKeys("Password of the account"),
  },
  says("a mapping with name, username and a password", "write the keys below it"),
);

/** One of `transactions.run`. */
export const run = z.strictObject(
  {
    transaction: oneOf(
      TRANSACTIONS as unknown as [
        (typeof TRANSACTIONS)[number],
        ...(typeof TRANSACTIONS)[number][],
      ],
    ).describe("What is done."),
    account: words("the name of an account")
      .optional()
      .describe("Name of one of `transactions.accounts`."),
    every: duration().optional().describe("Interval; default: 60 s, 5 minutes for a round trip."),
    timeout: duration()
      .optional()
      .describe("Longest time of one exchange; default: 30 s, 2 minutes for a round trip."),
    members: z
      .strictObject(
        {
          server: oneOrMany(pattern(), "a server or a pattern").describe(
            "Servers; empty matches all.",
          ),
          port: oneOrMany(wholeNumber(1, 65_535), "a port from 1 to 65535").describe(
            "Ports; empty: those the transaction is usually spoken at, over HTTPS wherever Exchange is recognised.",
          ),
          adc_service: oneOrMany(pattern(), "a service or a pattern").describe(
            "Services and groups; empty matches all.",
          ),
          vserver: oneOrMany(pattern(), "a vserver or a pattern").describe(
            "Vservers served; empty matches all.",
          ),
        },
        says("a mapping", "write the keys below it"),
      )
      .prefault({})
      .describe("Which members it is asked of."),
    vantages: listOf(oneOf(["vip", "backend", "public"]), "vip, backend or public")
      .min(1, says("at least one vantage", "add one, or leave the key out"))
      .default(["vip", "backend"])
      .describe(
        "From where: through the ADC, straight to the server, or at a client-facing address.",
      ),
    path: httpPath().optional().describe("HTTP path, where the transaction has one."),
    host: hostName().optional().describe("Host name a client would type."),
    security: oneOf(["none", "implicit", "starttls"])
      .optional()
      .describe(
        "How TLS begins; default: by port, and without an account STARTTLS only where it is offered.",
      ),
    expect: oneOf(["works", "blocked"])
      .default("works")
      .describe("blocked: it must not be reachable."),
    allow_plaintext: flag()
      .default(false)
      .describe("Lets the account's password travel without TLS."),
    options: z
      .record(
        words("an option's name"),
        z.union(
          [z.string(), z.number(), z.boolean()],
          says("a text, a number, true or false", "correct it"),
        ),
        says("a mapping", "write name: value"),
      )
      .default({})
      .describe("Options of this transaction, for example padding_bytes."),
  },
  says("a mapping with transaction", "write the keys below it"),
);
