import type { Observation } from "../../model/observation.ts";
import { dial } from "../../net/dial.ts";
import { LDAP_RESULT, LdapSession, parseFilter } from "../protocols/ldap-session.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { Connection } from "../../net/connection.ts";
import { needsCredential, type MonitorSpec, type MonitorType } from "./spec.ts";

/**
 * LDAP: binds as `bindDN` (anonymously without one) and searches `baseDN` with `filter`. Passes when the search returns;
 * with a filter or an attribute it must return an entry. The ADC runs nsldap.pl from its NSIP; how many entries that
 * script wants is not documented. A rejected bind says something about the account, never that the server is down.
 * NetScaler docs: "LDAP monitors".
 */
export const ldapMonitor: MonitorType = {
  type: "LDAP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      run.hide(spec.credential?.password ?? null);
      const dialled = await dial(run, target, { tls: spec.tls });
      return dialled.kind === "failed"
        ? run.broken(dialled.step, dialled.why)
        : converse(run, dialled.connection, spec);
    }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 389,
  unsupported: (spec) => {
    const { bindDn, filter } = spec.monitor.parameters;
    if (filter !== null && parseFilter(filter) === null) {
      return `not an LDAP filter: ${filter}`;
    }
    return bindDn === null && spec.credential === null ? null : needsCredential(spec);
  },
};

async function converse(
  run: ProbeRun,
  connection: Connection,
  spec: MonitorSpec,
): Promise<Observation> {
  const { baseDn, bindDn, filter, attribute } = spec.monitor.parameters;
  const session = new LdapSession(connection);
  const bound = await session.bind(
    bindDn ?? spec.credential?.username ?? "",
    spec.credential?.password ?? "",
  );
  run.phase("login");
  if (bound.kind !== "result") {
    return run.broken("login", bound);
  }
  if (bound.code !== LDAP_RESULT.success) {
    const words = `bind: result ${bound.code} ${bound.message}`.trimEnd();
    return bound.code === LDAP_RESULT.invalidCredentials
      ? run.fault("login", "auth_rejected", words)
      : run.mismatch("login", "bad_status", words);
  }
  const found = await session.search({
    baseDn: baseDn ?? "",
    scope: baseDn === null ? "base" : "sub",
    filter: filter ?? "(objectClass=*)",
    attributes: attribute === null ? ["1.1"] : [attribute],
    sizeLimit: 1,
  });
  run.phase("transaction");
  if (found.kind !== "result") {
    return run.broken("response", found);
  }
  run.responseTimeMs = run.elapsedMs();
  session.unbind();
  const answered =
    found.code === LDAP_RESULT.success || found.code === LDAP_RESULT.sizeLimitExceeded;
  if (!answered) {
    const words = `search: result ${found.code} ${found.message}`.trimEnd();
    return run.mismatch("response", "bad_status", words);
  }
  const entryWanted = filter !== null || attribute !== null;
  return entryWanted && found.entries.length === 0
    ? run.mismatch("response", "pattern_missing", "the search found no entry")
    : run.match("response", found.entries[0] ?? null);
}
