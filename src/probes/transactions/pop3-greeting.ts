import { observe } from "../wire/probe-run.ts";
import { leave } from "./line-session.ts";
import { openPop3 } from "./pop3-dialogue.ts";
import type { TransactionType } from "./spec.ts";

/** The look at POP3 that needs no account: TLS where it is due, greeting, CAPA, QUIT. As `imap_greeting` otherwise. */
export const pop3Greeting: TransactionType = {
  transaction: "pop3_greeting",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const session = await openPop3(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      await leave(session.connection, "QUIT\r\n");
      return run.match("greeting", session.greeting);
    }),
};
