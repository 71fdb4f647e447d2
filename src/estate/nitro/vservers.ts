import type { PolicyBinding } from "../policy.ts";
import type { CertKeyBinding, TlsVersions } from "../tls-parameters.ts";
import type {
  AuthenticationVserver,
  CsBinding,
  CsVserver,
  LbVserver,
  ServiceBinding,
} from "../vserver.ts";
import { address, flag, number, port, text, textOrNone, type Row } from "./coerce.ts";
import { secondsAsMs } from "./services.ts";

/** What else was read about a vserver, by its name. */
export interface VserverParts {
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
  /** Host and AAA vserver of an authentication profile, by its name. */
  readonly profile: (name: string | null) => AuthenticationProfile | null;
}

export interface AuthenticationProfile {
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
export function policyBindingFromRow(row: Row): PolicyBinding | null {
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
