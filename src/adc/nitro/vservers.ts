import type { Policy, PolicyAction, PolicyBinding } from "../../model/policy.ts";
import type {
  CsBinding,
  ServiceBinding,
  AuthenticationVserver,
  CsVserver,
  LbVserver,
} from "../../model/vserver.ts";
import {
  number,
  text,
  groupBy,
  type RowTables,
  address,
  flag,
  port,
  textOrNone,
  type Row,
} from "./row-values.ts";
import { BOUND_FEATURES } from "./pull-plan.ts";
import { certKeyBindingFromRow, NO_TLS_VERSIONS, tlsVersions } from "./tls.ts";
import type { CertKeyBinding, TlsVersions } from "../../model/tls-parameters.ts";
import { secondsAsMs } from "./services.ts";

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

/** What else was read about a vserver, by its name. */
interface VserverParts {
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
  /** Host and AAA vserver of an authentication profile, by its name. */
  readonly profile: (name: string | null) => AuthenticationProfile | null;
}

interface AuthenticationProfile {
  readonly host: string | null;
  readonly vserver: string | null;
}

/** A row of `lbvserver`. */
export function lbVserverFromRow(
  row: Row,
  name: string,
  parts: VserverParts,
  services: readonly ServiceBinding[],
): LbVserver {
  return {
    ...commonFromRow(row, name, parts),
    kind: "lb",
    redirectUrl: text(row, "redirurl"),
    method: text(row, "lbmethod")?.toUpperCase() ?? "LEASTCONNECTION",
    persistence: {
      type: text(row, "persistencetype")?.toUpperCase() ?? "NONE",
      timeoutMs: (number(row, "timeout") ?? 2) * 60_000,
      rule: textOrNone(row, "rule"),
      cookieName: text(row, "cookiename"),
    },
    services,
    healthThreshold: number(row, "healththreshold") ?? 0,
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
): CsVserver {
  return {
    ...commonFromRow(row, name, parts),
    kind: "cs",
    redirectUrl: text(row, "redirecturl"),
    // The global parameter switches it on for vservers whose own setting says DISABLED, which is also the default.
    stateUpdate: (flag(row, "stateupdate") ?? false) || globalStateUpdate,
    caseSensitive: flag(row, "casesensitive") ?? true,
    defaultTarget,
    targets,
  };
}

function commonFromRow(row: Row, name: string, parts: VserverParts) {
  const profileName = text(row, "authnprofile");
  const profile = parts.profile(profileName);
  return {
    name,
    serviceType: text(row, "servicetype")?.toUpperCase() ?? "ANY",
    address: address(row, "ipv46"),
    port: port(row, "port"),
    range: number(row, "range") ?? 1,
    enabled: flag(row, "state") ?? true,
    trafficDomain: number(row, "td") ?? 0,
    clientTimeoutMs: secondsAsMs(row, "clttimeout"),
    redirectFromPort: number(row, "redirectfromport"),
    httpsRedirectUrl: text(row, "httpsredirecturl"),
    backupVserver: text(row, "backupvserver"),
    authentication: {
      form: flag(row, "authentication") ?? false,
      http401: flag(row, "authn401") ?? false,
      host: text(row, "authenticationhost") ?? profile?.host ?? null,
      vserver: text(row, "authnvsname") ?? profile?.vserver ?? null,
      profile: profileName,
    },
    policies: parts.policies,
    certKeys: parts.certKeys,
    tls: parts.tls,
    sslProfile: parts.sslProfile,
    comment: text(row, "comment"),
    line: null,
  };
}

/** A row of `authenticationvserver`; what is bound to it is not asked for. */
export function authenticationVserverFromRow(row: Row): AuthenticationVserver | null {
  const name = text(row, "name");
  return name === null
    ? null
    : {
        name,
        address: address(row, "ipv46"),
        port: port(row, "port"),
        domain: text(row, "authenticationdomain"),
        line: null,
      };
}

/** A row of a policy binding of any feature. */
function policyBindingFromRow(row: Row): PolicyBinding | null {
  const policy = text(row, "policyname");
  const bindPoint = text(row, "bindpoint")?.toUpperCase();
  return policy === null
    ? null
    : {
        policy,
        priority: number(row, "priority"),
        goto: text(row, "gotopriorityexpression"),
        bindPoint: bindPoint === "REQUEST" || bindPoint === "RESPONSE" ? bindPoint : null,
        line: null,
      };
}
