import { otherAddresses } from "../other-addresses.ts";
import { readWhole, type FieldSource, type Values } from "../fields.ts";
import type { Policy, PolicyAction, PolicyBinding } from "../../model/policy.ts";
import {
  CLIENT_AUTH_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  TLS_VERSION_FIELDS,
} from "../tls-fields.ts";
import type {
  CsBinding,
  ServiceBinding,
  AuthenticationVserver,
  CsVserver,
  LbVserver,
} from "../../model/vserver.ts";
import {
  AUTHENTICATION_PROFILE_FIELDS,
  SERVICE_BINDING_FIELDS,
  AUTHENTICATION_FIELDS,
  AUTHENTICATION_VSERVER_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  LISTENING_FIELDS,
  PERSISTENCE_FIELDS,
  POLICY_BINDING_FIELDS,
  withAuthenticationProfile,
  type AuthenticationProfile,
} from "../vserver-fields.ts";
import { isEnabled } from "./states.ts";
import { rowSource, text, type Report, groupBy, type RowTables, type Row } from "./row-values.ts";
import { BOUND_FEATURES, LOGIN_FEATURES, type PolicyFeature } from "./pull-plan.ts";
import { certKeyBindingFromRow } from "./tls.ts";
import type { CertKeyBinding, TlsVersions } from "../../model/tls-settings.ts";

/** Services and groups bound to each load-balancing vserver, by its name. */
export function serviceBindings(
  rows: RowTables,
  report: Report,
): Map<string, readonly ServiceBinding[]> {
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
      known.set(service, {
        service,
        ...readWhole(SERVICE_BINDING_FIELDS, rowSource(row, vserver, report)),
        line: null,
      });
      bindings.set(vserver, known);
    }
  }
  return new Map([...bindings].map(([vserver, bound]) => [vserver, [...bound.values()]]));
}

/** Content-switching targets of each vserver, by its name; a target may be in the policy's action. */
export function csTargets(
  rows: RowTables,
  policies: ReadonlyMap<string, Policy>,
  actions: ReadonlyMap<string, PolicyAction>,
  report: Report,
): Map<string, readonly CsBinding[]> {
  const targets = new Map<string, CsBinding[]>();
  for (const [vserver, bound] of groupBy(rows, "csvserver_cspolicy_binding", "name")) {
    const bindings = bound.flatMap((row) => {
      const binding = policyBindingFromRow(row, report);
      if (binding === null) {
        return [];
      }
      const { policy, priority } = binding;
      const action = policies.get(policy)?.action ?? "";
      const target = text(row, "targetlbvserver") ?? actions.get(action)?.target ?? null;
      return [{ policy, target, priority, line: null }];
    });
    targets.set(vserver, bindings);
  }
  return targets;
}

/** Policies, certificates, TLS and authentication profile of any vserver. */
export function vserverParts(
  rows: RowTables,
  report: Report,
): (name: string, kind: "lb" | "cs") => VserverParts {
  const ssl = groupBy(rows, "sslvserver", "vservername");
  const certKeys = groupBy(rows, "sslvserver_sslcertkey_binding", "vservername");
  const profiles = groupBy(rows, "authenticationauthnprofile", "name");
  const policies = {
    lb: policiesOf(rows, "lbvserver", BOUND_FEATURES, report),
    cs: policiesOf(rows, "csvserver", BOUND_FEATURES, report),
  };
  return (name, kind) => {
    const source = rowSource(ssl.get(name)?.[0] ?? {}, name, report);
    return {
      policies: policies[kind].get(name) ?? [],
      certKeys: (certKeys.get(name) ?? []).flatMap(
        (row) => certKeyBindingFromRow(row, report) ?? [],
      ),
      tls: readWhole(TLS_VERSION_FIELDS, source),
      ...readWhole(SSL_PROFILE_REFERENCE_FIELDS, source),
      clientAuth: readWhole(CLIENT_AUTH_FIELDS, source),
      profile: (profileName) => {
        const row = profiles.get(profileName)?.[0];
        return row === undefined
          ? undefined
          : readWhole(AUTHENTICATION_PROFILE_FIELDS, rowSource(row, profileName, report));
      },
    };
  };
}

/** Policies bound to each vserver of a kind, by its name. */
export function policiesOf(
  rows: RowTables,
  parent: "lbvserver" | "csvserver" | "authenticationvserver",
  features: readonly PolicyFeature[],
  report: Report,
): Map<string, PolicyBinding[]> {
  const found = new Map<string, PolicyBinding[]>();
  for (const { policy } of features) {
    for (const [vserver, bound] of groupBy(rows, `${parent}_${policy}_binding`, "name")) {
      const bindings = bound.flatMap((row) => policyBindingFromRow(row, report) ?? []);
      found.set(vserver, [...(found.get(vserver) ?? []), ...bindings]);
    }
  }
  return found;
}

/** What else was read about a vserver, by its name. */
interface VserverParts {
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
  readonly clientAuth: Values<typeof CLIENT_AUTH_FIELDS>;
  /** Host and AAA vserver of an authentication profile, by its name. */
  readonly profile: (name: string) => AuthenticationProfile | undefined;
}

/** A row of `lbvserver`. */
export function lbVserverFromRow(
  row: Row,
  name: string,
  parts: VserverParts,
  services: readonly ServiceBinding[],
  report: Report,
): LbVserver {
  const source = rowSource(row, name, report);
  return {
    ...commonFromRow(row, source, parts),
    kind: "lb",
    ...readWhole(LB_VSERVER_FIELDS, source),
    enabled: isEnabled(row, "curstate"),
    persistence: readWhole(PERSISTENCE_FIELDS, source),
    services,
  };
}

/** A row of `csvserver`. */
export function csVserverFromRow(
  row: Row,
  name: string,
  parts: VserverParts,
  targets: readonly CsBinding[],
  defaultTarget: string | null,
  globalStateUpdate: boolean,
  report: Report,
): CsVserver {
  const source = rowSource(row, name, report);
  const fields = readWhole(CS_VSERVER_FIELDS, source);
  return {
    ...commonFromRow(row, source, parts),
    kind: "cs",
    ...fields,
    enabled: isEnabled(row, "curstate"),
    // The global parameter enables it also for vservers with DISABLED, which is the default.
    stateUpdate: fields.stateUpdate === true || globalStateUpdate,
    defaultTarget,
    targets,
  };
}

function commonFromRow(row: Row, source: FieldSource, parts: VserverParts) {
  const message = otherAddresses({
    pattern: text(row, "ippattern"),
    set: text(row, "ipset"),
  });
  if (message !== null) {
    const { object } = source;
    source.report({ severity: "info", rule: "addresses_not_asked", line: null, object, message });
  }
  const authentication = readWhole(AUTHENTICATION_FIELDS, source);
  return {
    name: source.object,
    serviceType: text(row, "servicetype")?.toUpperCase() ?? "ANY",
    ...readWhole(LISTENING_FIELDS, source),
    authentication: withAuthenticationProfile(
      authentication,
      parts.profile(authentication.profile ?? ""),
    ),
    policies: parts.policies,
    certKeys: parts.certKeys,
    tls: parts.tls,
    sslProfile: parts.sslProfile,
    ...parts.clientAuth,
    line: null,
  };
}

/** A row of `authenticationvserver`; its policies are not requested. `certKeys`: by vserver. */
export function authenticationVserverFromRow(
  row: Row,
  certKeys: ReadonlyMap<string, readonly Row[]>,
  policies: ReadonlyMap<string, readonly PolicyBinding[]>,
  rows: RowTables,
  report: Report,
): AuthenticationVserver | null {
  const name = text(row, "name");
  if (name === null) {
    return null;
  }
  const source = rowSource(row, name, report);
  const hasAllPolicies = LOGIN_FEATURES.every(({ policy }) =>
    rows.has(`authenticationvserver_${policy}_binding`),
  );
  return {
    name,
    ...readWhole(LISTENING_FIELDS, source),
    ...readWhole(AUTHENTICATION_VSERVER_FIELDS, source),
    ...(hasAllPolicies ? { policies: policies.get(name) ?? [] } : {}),
    certKeys: (certKeys.get(name) ?? []).flatMap(
      (each) => certKeyBindingFromRow(each, report) ?? [],
    ),
    line: null,
  };
}

/** A row of a policy binding of any feature. */
export function policyBindingFromRow(row: Row, report: Report): PolicyBinding | null {
  // Bindings of authentication vservers have another field name.
  const policy = text(row, "policyname") ?? text(row, "policy");
  return policy === null
    ? null
    : {
        policy,
        ...readWhole(POLICY_BINDING_FIELDS, rowSource(row, policy, report)),
        line: null,
      };
}
