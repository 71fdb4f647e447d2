import { dial } from "../../net/dial.ts";
import { bindMeaning, LDAP_RESULT, LdapSession, parseFilter } from "../protocols/ldap-session.ts";
import { disclose } from "../../net/server-proof.ts";
import { observe } from "../../net/probe-run.ts";
import { refusedLogin } from "./line-session.ts";
import type { TransactionType } from "./spec.ts";

/**
 * Binds to a directory with the account (its `username` as DN, `DOMAIN\user` or user principal name) and reads the root's
 * own entry; with `base_dn`, searches there for `filter`, which must find something. TLS from the first byte (636); the
 * StartTLS operation is not spoken.
 */
export const ldapBind: TransactionType = {
  transaction: "ldap_bind",
  needsAccount: true,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      const { account } = spec;
      const filter = String(spec.options["filter"] ?? "(objectClass=*)");
      if (account === null || parseFilter(filter) === null || spec.security === "starttls") {
        const detail = account === null ? "no account is configured" : "not possible over LDAP";
        return run.fault("transaction", "not_configured", detail);
      }
      run.redact(account.password);
      const dialled = await dial(run, target, {
        tls: spec.security === "implicit" ? spec.tls : null,
      });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const password = disclose(dialled.connection, account.password, spec.allowPlaintext);
      if (password.kind === "withheld") {
        return password.observation;
      }
      const session = new LdapSession(dialled.connection);
      run.login = "unanswered";
      const bound = await session.bind(account.username, password.text);
      run.phase("login");
      if (bound.kind !== "result") {
        return run.fail("login", bound);
      }
      const meaning = bindMeaning(bound.code);
      run.login = meaning.login;
      if (meaning.reason !== null) {
        const words = `bind: result ${String(bound.code)} ${bound.message}`.trimEnd();
        return refusedLogin(run, meaning, words).observation;
      }
      const baseDn = spec.options["base_dn"];
      const found = await session.search({
        baseDn: typeof baseDn === "string" ? baseDn : "",
        scope: typeof baseDn === "string" ? "sub" : "base",
        filter,
        attributes: ["1.1"],
        sizeLimit: 1,
      });
      run.phase("transaction");
      if (found.kind !== "result") {
        return run.fail("transaction", found);
      }
      session.unbind();
      const answered =
        found.code === LDAP_RESULT.success || found.code === LDAP_RESULT.sizeLimitExceeded;
      if (!answered) {
        const words = `search: result ${String(found.code)} ${found.message}`.trimEnd();
        return run.mismatch("transaction", "bad_status", words);
      }
      return found.entries.length === 0
        ? run.mismatch("transaction", "pattern_missing", "the search found no entry")
        : run.match("transaction", "bound, and an entry was read");
    }),
};
