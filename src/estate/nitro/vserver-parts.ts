import type { Policy, PolicyAction, PolicyBinding } from "../policy.ts";
import type { CsBinding, ServiceBinding } from "../vserver.ts";
import { number, text } from "./coerce.ts";
import { BOUND_FEATURES } from "./pull-plan.ts";
import { groupBy, type RowTables } from "./row-tables.ts";
import { certKeyBindingFromRow, NO_TLS_VERSIONS, tlsVersions } from "./tls.ts";
import { policyBindingFromRow, type VserverParts } from "./vservers.ts";

/** Services and groups bound to each load-balancing vserver, by its name. */
export function serviceBindings(rows: RowTables): Map<string, readonly ServiceBinding[]> {
  const bindings = new Map<string, Map<string, ServiceBinding>>();
  for (const [resource, field] of [
    ["lbvserver_service_binding", "servicename"],
    ["lbvserver_servicegroup_binding", "servicegroupname"],
  ] as const) {
    for (const row of rows.get(resource) ?? []) {
      const vserver = text(row, "name");
      const service = text(row, field) ?? text(row, "servicename");
      if (vserver === null || service === null) {
        continue;
      }
      const known = bindings.get(vserver) ?? new Map<string, ServiceBinding>();
      known.set(service, { service, weight: number(row, "weight") ?? 1, line: null });
      bindings.set(vserver, known);
    }
  }
  return new Map([...bindings].map(([vserver, bound]) => [vserver, [...bound.values()]]));
}

/** Content-switching decisions of each vserver, by its name; a target may stand in the policy's action. */
export function csTargets(
  rows: RowTables,
  policies: ReadonlyMap<string, Policy>,
  actions: ReadonlyMap<string, PolicyAction>,
): Map<string, readonly CsBinding[]> {
  const targets = new Map<string, CsBinding[]>();
  for (const [vserver, bound] of groupBy(rows, "csvserver_cspolicy_binding", "name")) {
    const bindings = bound.flatMap((row) => {
      const policy = text(row, "policyname");
      const action = policies.get(policy ?? "")?.action ?? "";
      const target = text(row, "targetlbvserver") ?? actions.get(action)?.target ?? null;
      return policy === null
        ? []
        : [{ policy, target, priority: number(row, "priority"), line: null }];
    });
    targets.set(vserver, bindings);
  }
  return targets;
}

/** Policies, certificates, TLS and authentication profile of any vserver. */
export function vserverParts(rows: RowTables): (name: string, kind: "lb" | "cs") => VserverParts {
  const ssl = groupBy(rows, "sslvserver", "vservername");
  const certKeys = groupBy(rows, "sslvserver_sslcertkey_binding", "vservername");
  const profiles = groupBy(rows, "authenticationauthnprofile", "name");
  const policies = { lb: policiesOf(rows, "lbvserver"), cs: policiesOf(rows, "csvserver") };
  return (name, kind) => {
    const sslRow = ssl.get(name)?.[0];
    return {
      policies: policies[kind].get(name) ?? [],
      certKeys: (certKeys.get(name) ?? []).flatMap((row) => certKeyBindingFromRow(row) ?? []),
      tls: sslRow === undefined ? NO_TLS_VERSIONS : tlsVersions(sslRow),
      sslProfile: sslRow === undefined ? null : text(sslRow, "sslprofile"),
      profile: (profileName) => {
        const row = profiles.get(profileName ?? "")?.[0];
        return row === undefined
          ? null
          : { host: text(row, "authenticationhost"), vserver: text(row, "authnvsname") };
      },
    };
  };
}

function policiesOf(
  rows: RowTables,
  parent: "lbvserver" | "csvserver",
): Map<string, PolicyBinding[]> {
  const found = new Map<string, PolicyBinding[]>();
  for (const { policy } of BOUND_FEATURES) {
    for (const [vserver, bound] of groupBy(rows, `${parent}_${policy}_binding`, "name")) {
      const bindings = bound.flatMap((row) => policyBindingFromRow(row) ?? []);
      found.set(vserver, [...(found.get(vserver) ?? []), ...bindings]);
    }
  }
  return found;
}
