import type { Observation } from "../../model/observation.ts";
import { dial } from "../../net/dial.ts";
import { bindMeaning, LDAP_RESULT, LdapSession, parseFilter } from "../protocols/ldap-session.ts";
import { disclose } from "../../net/server-proof.ts";
import { observe, type ProbeRun } from "../../net/probe-run.ts";
import type { Connection } from "../../net/connection.ts";
import { monitorUser, needsCredential, type MonitorSpec, type MonitorType } from "./spec.ts";

/**
 * LDAP: binds as `bindDN` or as the configured user (anonymously without either) and searches `baseDN` with `filter`. The
 * search must succeed, and return an entry if a filter or an attribute is set. The ADC runs nsldap.pl from its NSIP; the
 * number of entries that this script requires is not documented. A rejected bind concerns the account and never means that
 * the server is down. NetScaler docs: "LDAP monitors".
 */
export const ldapMonitor: MonitorType = {
  type: "LDAP",
  probe: (spec, target, context) =>
    observe(context, async (run) => {
      run.redact(spec.credential?.password ?? null);
      const dialled = await dial(run, target, { tls: spec.tls });
      return dialled.kind === "failed"
        ? run.fail(dialled.step, dialled.why)
        : bindAndSearch(run, dialled.connection, spec);
    }),
  reversePasses: ["mismatch"],
  source: "NSIP",
  transport: "tcp",
  meaningfulAtVip: true,
  defaultPort: 389,
  unsupported: (spec) => {
    const { filter } = spec.monitor.parameters;
    if (filter !== null && parseFilter(filter) === null) {
      return `not an LDAP filter: ${filter}`;
    }
    return spec.credential === null && monitorUser(spec.monitor) === null
      ? null
      : needsCredential(spec);
  },
};

async function bindAndSearch(
  run: ProbeRun,
  connection: Connection,
  spec: MonitorSpec,
): Promise<Observation> {
  const { baseDn, filter, attribute } = spec.monitor.parameters;
  const { credential } = spec;
  const password =
    credential === null ? null : disclose(connection, credential.password, spec.tls === null);
  if (password?.kind === "withheld") {
    return password.observation;
  }
  const session = new LdapSession(connection);
  run.login = credential === null ? null : "unanswered";
  const bound = await session.bind(credential?.username ?? "", password?.text ?? "");
  run.phase("login");
  if (bound.kind !== "result") {
    return run.fail("login", bound);
  }
  const { login, reason } = bindMeaning(bound.code);
  run.login = credential === null ? null : login;
  if (reason !== null) {
    const words = `bind: result ${bound.code} ${bound.message}`.trimEnd();
    return reason === "auth_rejected"
      ? run.fault("login", reason, words)
      : run.mismatch("login", reason, words);
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
    return run.fail("response", found);
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
