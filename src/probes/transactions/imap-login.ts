import { observe } from "../../net/probe-run.ts";
import { logInToImap } from "./imap-client.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Logs in over IMAP as a client does: greeting, CAPABILITY, login, EXAMINE INBOX, LOGOUT. With the option `fetch_newest`, the newest
 * message's size as well, which proves that the store can be read.
 */
export const imapLogin: TransactionType = {
  transaction: "imap_login",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      if (account === null) {
        return run.fault("transaction", "not_configured", "no account is configured");
      }
      run.redact(account.password);
      const mailbox = await logInToImap(run, spec, target, account);
      if (mailbox.kind === "ended") {
        return mailbox.observation;
      }
      const opened = await mailbox.call((client) =>
        client.mailboxOpen("INBOX", { readOnly: true }),
      );
      run.phase("transaction");
      if (opened.kind === "ended") {
        return opened.observation;
      }
      let detail = `${String(opened.value.exists)} messages`;
      if (spec.options["fetch_newest"] === true && opened.value.exists > 0) {
        const newest = await mailbox.call((client) =>
          client.fetchOne("*", { size: true, internalDate: true }),
        );
        run.phase("transaction");
        if (newest.kind === "ended") {
          return newest.observation;
        }
        const message = newest.value;
        const size = message === undefined || message === false ? undefined : message.size;
        detail +=
          size === undefined || size === null ? "" : `, the newest of ${String(size)} bytes`;
      }
      await mailbox.leave();
      return run.match("transaction", detail);
    }),
};
