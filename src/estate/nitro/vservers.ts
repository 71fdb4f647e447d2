import type { PolicyBinding } from "../policy.ts";
import type { CertKeyBinding, TlsVersions } from "../tls-parameters.ts";
import type {
  AuthenticationVserver,
  CsBinding,
  CsVserver,
  LbVserver,
  ServiceBinding,
} from "../vserver.ts";
import { readWhole, type FieldSource } from "../fields.ts";
import {
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
import { rowSource, text, type Report, type Row } from "./coerce.ts";

/** What else was read about a vserver, by its name. */
export interface VserverParts {
  readonly policies: readonly PolicyBinding[];
  readonly certKeys: readonly CertKeyBinding[];
  readonly tls: TlsVersions;
  readonly sslProfile: string | null;
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
    // The global parameter switches it on for vservers whose own setting says DISABLED, which is also the default.
    stateUpdate: fields.stateUpdate === true || globalStateUpdate,
    defaultTarget,
    targets,
  };
}

function commonFromRow(row: Row, source: FieldSource, parts: VserverParts) {
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
    line: null,
  };
}

/** A row of `authenticationvserver`; what is bound to it is not asked for. */
export function authenticationVserverFromRow(
  row: Row,
  report: Report,
): AuthenticationVserver | null {
  const name = text(row, "name");
  if (name === null) {
    return null;
  }
  const source = rowSource(row, name, report);
  return {
    name,
    ...readWhole(LISTENING_FIELDS, source),
    ...readWhole(AUTHENTICATION_VSERVER_FIELDS, source),
    line: null,
  };
}

/** A row of a policy binding of any feature. */
export function policyBindingFromRow(row: Row, report: Report): PolicyBinding | null {
  const policy = text(row, "policyname");
  return policy === null
    ? null
    : {
        policy,
        ...readWhole(POLICY_BINDING_FIELDS, rowSource(row, policy, report)),
        line: null,
      };
}
