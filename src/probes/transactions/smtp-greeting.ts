import { observe } from "../../net/probe-run.ts";
import { leave } from "./line-session.ts";
import { openSmtp } from "./smtp-dialogue.ts";
import type { TransactionType } from "./spec.ts";

/**
 * The look at a mail server of any make: 220, EHLO, STARTTLS where offered and EHLO again, QUIT. No sender is named, so
 * that nobody's policy about senders is asked; what it hears tells whether this is Exchange.
 */
export const smtpGreeting: TransactionType = {
  transaction: "smtp_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openSmtp(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await leave(session.connection, "QUIT\r\n");
      return run.match("greeting", session.banner);
    }),
};
