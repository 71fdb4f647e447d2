import { observe } from "../wire/probe-run.ts";
import { leave } from "./line-session.ts";
import { logInToSmtp } from "./smtp-auth.ts";
import { openSmtp, refused, smtpCommand } from "./smtp-dialogue.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Hands in mail as far as the sender: 220, EHLO, STARTTLS, AUTH, `MAIL FROM` the account's own address, RSET, QUIT. No
 * recipient is named and nothing is sent. A hub transport that drains refuses only after AUTH, at MAIL FROM.
 */
export const smtpSubmission: TransactionType = {
  transaction: "smtp_submission",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.hide(account.password);
      const session = await openSmtp(run, spec, target);
      if (session.kind === "ended") {
        return session.observation;
      }
      const loggedIn = await logInToSmtp(run, session, account, spec);
      if (loggedIn.kind === "ended") {
        return loggedIn.observation;
      }
      const sender = account.address ?? "";
      const from = await smtpCommand(run, session, `MAIL FROM:<${sender}>`, "mail_from");
      if (from.kind === "ended") {
        return from.observation;
      }
      if (from.code !== 250) {
        return refused(run, "mail_from", from).observation;
      }
      const reset = await smtpCommand(run, session, "RSET", "mail_from");
      if (reset.kind === "ended") {
        return reset.observation;
      }
      await leave(session.connection, "QUIT\r\n");
      return run.match("mail_from", `${String(from.code)} ${from.text}`);
    }),
};
