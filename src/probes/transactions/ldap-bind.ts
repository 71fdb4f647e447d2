import { dial } from "../../net/dial.ts";
import { LDAP_RESULT, LdapSession, parseFilter } from "../protocols/ldap-session.ts";
import { observe } from "../../net/probe-run.ts";
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
      run.hide(account.password);
      const dialled = await dial(run, target, {
        tls: spec.security === "implicit" ? spec.tls : null,
      });
      if (dialled.kind === "failed") {
        return run.broken(dialled.step, dialled.why);
      }
      const session = new LdapSession(dialled.connection);
      const bound = await session.bind(account.username, account.password);
      run.phase("login");
      if (bound.kind !== "result") {
        return run.broken("login", bound);
      }
      if (bound.code !== LDAP_RESULT.success) {
        const words = `bind: result ${String(bound.code)} ${bound.message}`.trimEnd();
        return bound.code === LDAP_RESULT.invalidCredentials
          ? run.fault("login", "auth_rejected", words)
          : run.mismatch("login", bindReason(bound.code), words);
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
        return run.broken("transaction", found);
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

/** 8 strongerAuthRequired and 13 confidentialityRequired ask for TLS; 51 and 52 are busy and unavailable (RFC 4511). */
function bindReason(code: number): "auth_schemes_differ" | "backend_unavailable" | "bad_status" {
  if (code === 8 || code === 13 || code === 7 || code === 48) {
    return "auth_schemes_differ";
  }
  return code === 51 || code === 52 ? "backend_unavailable" : "bad_status";
}
