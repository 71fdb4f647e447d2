import { dial } from "../../net/dial.ts";
import { observe } from "../../net/probe-run.ts";
import { LDAP_RESULT, LdapSession } from "../protocols/ldap-session.ts";
import type { TransactionType } from "./spec.ts";

/**
 * The look at a directory that needs no account: the root's own entry, which RFC 4512 section 5.1 lets everybody read. One
 * that asks for a login first refuses us, and nothing is known to fail.
 */
export const ldapRoot: TransactionType = {
  transaction: "ldap_root",
  needsAccount: false,
  transport: "tcp",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      if (spec.security === "starttls") {
        return run.fault("starttls", "not_configured", "StartTLS of LDAP is not spoken");
      }
      const tls = spec.security === "implicit" ? spec.tls : null;
      const dialled = await dial(run, target, { tls });
      if (dialled.kind === "failed") {
        return run.fail(dialled.step, dialled.why);
      }
      const session = new LdapSession(dialled.connection);
      const found = await session.search({
        baseDn: "",
        scope: "base",
        filter: "(objectClass=*)",
        attributes: ["1.1"],
        sizeLimit: 1,
      });
      run.responseTimeMs = run.phase("first_byte");
      if (found.kind !== "result") {
        return run.fail("response", found);
      }
      session.unbind();
      const words = `root: result ${String(found.code)} ${found.message}`.trimEnd();
      if (found.code === LDAP_RESULT.success || found.code === LDAP_RESULT.sizeLimitExceeded) {
        return run.match("response", words);
      }
      return OWN_TROUBLE.has(found.code)
        ? run.mismatch("response", "backend_unavailable", words)
        : run.fault("response", "policy_refused", words);
    }),
};

/** The directory says that it cannot at the moment (RFC 4511 appendix A): busy, unavailable, other. */
const OWN_TROUBLE: ReadonlySet<number> = new Set([51, 52, 80]);
