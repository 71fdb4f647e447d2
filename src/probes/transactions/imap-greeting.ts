import { observe } from "../wire/probe-run.ts";
import { openImap } from "./imap-dialogue.ts";
import { leave } from "./line-session.ts";
import type { TransactionType } from "./spec.ts";

/**
 * The look at IMAP that needs no account: TLS where it is due, greeting, CAPABILITY, LOGOUT. Exchange's front end in
 * maintenance accepts and closes without a byte (`closed_without_data`). A greeting of other words is no failure here:
 * Exchange's banner can be customised.
 */
export const imapGreeting: TransactionType = {
  transaction: "imap_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openImap(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await leave(session.connection, "a9 LOGOUT\r\n");
      return run.match("greeting", session.greeting);
    }),
};
