import type { PullStep } from "./rows.ts";

/** What an import requests, in this order: parents before their bindings. */
export interface ImportStep extends PullStep {
  /** Without it the estate would be wrong, not just incomplete: the import fails. */
  readonly essential?: true;
  /** Resource whose names are the parents of this binding, and the field that holds them. */
  readonly parents?: readonly (readonly [resource: string, field: string])[];
  /** Not requested if this resource has no rows: old firmware does not have every part of a feature. */
  readonly onlyWith?: string;
  /** Older firmware has no such resource: that is no gap. */
  readonly newer?: true;
}

/** Features whose policies are imported, with NITRO's names for them; `field`s differ between features. */
export interface PolicyFeature {
  readonly feature: string;
  readonly policy: string;
  readonly nameField: string;
  readonly actionField: string;
  readonly action: string | null;
  /** The kind of its actions in an estate, where their fields do not have it. */
  readonly actionType: string;
}

export const POLICY_FEATURES: readonly PolicyFeature[] = [
  feature("cs", "cspolicy", "csaction", { nameField: "policyname" }),
  feature("rewrite", "rewritepolicy", "rewriteaction"),
  feature("responder", "responderpolicy", "responderaction"),
  feature("authorization", "authorizationpolicy", null),
  feature("tm traffic", "tmtrafficpolicy", "tmtrafficaction"),
  feature("cache", "cachepolicy", null, { nameField: "policyname" }),
  feature("feo", "feopolicy", null),
  feature("cmp", "cmppolicy", null, { actionField: "resaction" }),
  feature("appfw", "appfwpolicy", null, { actionField: "profilename" }),
];

/** Features whose policies are bound in resources of the form `lbvserver_X_binding`. */
export const BOUND_FEATURES: readonly PolicyFeature[] = POLICY_FEATURES.slice(1);

/** The ADC's own login, whose policies are bound to authentication vservers (`authenticationvserver_X_binding`). */
export const LOGIN_FEATURES: readonly PolicyFeature[] = [
  feature("tm session", "tmsessionpolicy", "tmsessionaction", { actionType: "session" }),
  feature("authentication", "authenticationpolicy", null),
  feature("authentication", "authenticationldappolicy", "authenticationldapaction", {
    actionField: "reqaction",
    actionType: "ldap",
  }),
  feature("authentication", "authenticationnegotiatepolicy", "authenticationnegotiateaction", {
    actionField: "reqaction",
    actionType: "negotiate",
  }),
];

/** Objects that policies can be bound to, and of which kinds. */
export const LOGIN_HOLDERS = ["aaagroup", "aaauser"] as const;
export const GROUP_POLICIES = ["authorizationpolicy", "tmsessionpolicy"] as const;

/** Forms that the ADC fills in for users, named by traffic actions: no policy has them. */
export const FORM_SSO = { feature: "tm formsso", action: "tmformssoaction", actionType: "formSSO" };

/** The field that names an object, where it is not `name`. */
const NAME_FIELDS: ReadonlyMap<string, string> = new Map([
  ["servicegroup", "servicegroupname"],
  ["aaagroup", "groupname"],
  ["aaauser", "username"],
  ["gslbservice", "servicename"],
  ["gslbservicegroup", "servicegroupname"],
]);

/** Sources: NITRO docs, configuration of basic, load balancing, content switching, SSL, GSLB and the policies' features. */
export const IMPORT_STEPS: readonly ImportStep[] = [
  // Essential resources first: a failure after them only leaves a gap.
  plain("service", { paged: true, essential: true }),
  plain("servicegroup", { paged: true, essential: true }),
  plain("lbmonitor", { paged: true, essential: true }),
  plain("lbvserver", { paged: true, essential: true }),
  binding("servicegroup", "servicegroupmember", { essential: true }),
  binding("servicegroup", "lbmonitor", { essential: true }),
  binding("service", "lbmonitor", { essential: true }),
  binding("lbvserver", "service", { essential: true }),
  binding("lbvserver", "servicegroup", { essential: true }),
  plain("csvserver", { paged: true }),
  binding("csvserver", "cspolicy"),
  binding("csvserver", "lbvserver"),
  plain("server", { paged: true }),
  plain("nsversion"),
  plain("nsconfig", { attributes: ["ipaddress"] }),
  plain("nsip", { attributes: ["ipaddress", "type"] }),
  plain("lbparameter"),
  plain("csparameter"),
  plain("sslparameter"),
  plain("tmsessionparameter"),
  plain("netprofile"),
  { ...plain("ipset"), onlyWith: "netprofile" },
  ...["nsip", "nsip6"].map((each) => ({ ...binding("ipset", each), onlyWith: "ipset" })),
  plain("nsacl", { paged: true }),
  ...["nsacl6", "nssimpleacl", "nssimpleacl6"].map((each) => ({
    ...plain(each, { paged: true }),
    newer: true as const,
  })),
  plain("responderglobal_responderpolicy_binding"),
  plain("authenticationvserver"),
  plain("authenticationauthnprofile"),
  plain("sslcertkey", { paged: true }),
  plain("sslprofile"),
  plain("sslvserver", { paged: true }),
  plain("sslservice", { paged: true }),
  plain("sslservicegroup", { paged: true }),
  ...POLICY_FEATURES.flatMap(({ policy, action }) => [
    plain(policy, { paged: true }),
    ...(action === null ? [] : [plain(action, { paged: true })]),
  ]),
  {
    ...binding("sslvserver", "sslcertkey"),
    binding: { key: "vservername" },
    parents: [["sslvserver", "vservername"]],
  },
  ...[
    ["sslservice", "servicename"] as const,
    ["sslservicegroup", "servicegroupname"] as const,
    ["lbmonitor", "monitorname"] as const,
  ].map(([parent, key]) => ({
    ...binding(parent, "sslcertkey"),
    binding: { key },
    parents: [[parent, key]] as const,
    newer: true as const,
  })),
  ...BOUND_FEATURES.flatMap(({ policy }) => [
    binding("lbvserver", policy),
    binding("csvserver", policy),
  ]),
  { ...plain("appfwglobal_appfwpolicy_binding"), onlyWith: "appfwpolicy" },
  ...[
    ...LOGIN_FEATURES.flatMap(({ policy, action }) => [
      plain(policy, { paged: true }),
      ...(action === null ? [] : [plain(action, { paged: true })]),
      binding("authenticationvserver", policy),
    ]),
    plain(FORM_SSO.action),
    plain("tmglobal_tmsessionpolicy_binding"),
    plain("aaagroup", { paged: true, attributes: ["groupname"] }),
    plain("aaauser", { paged: true, attributes: ["username"] }),
    ...LOGIN_HOLDERS.flatMap((holder) => GROUP_POLICIES.map((policy) => binding(holder, policy))),
  ].map((step) => ({ ...step, onlyWith: "authenticationvserver" })),
  plain("gslbsite"),
  ...[
    plain("gslbvserver", { paged: true }),
    plain("gslbservice", { paged: true }),
    { ...plain("gslbservicegroup"), newer: true as const },
    binding("gslbvserver", "domain"),
    binding("gslbvserver", "gslbservice"),
    { ...binding("gslbvserver", "gslbservicegroup"), newer: true as const },
    binding("gslbservice", "lbmonitor"),
    binding("gslbservice", "dnsview"),
    binding("gslbservicegroup", "lbmonitor"),
    binding("gslbservicegroup", "gslbservicegroupmember"),
  ].map((step) => ({ ...step, onlyWith: "gslbsite" })),
];

function feature(
  name: string,
  policy: string,
  action: string | null,
  fields: Partial<Pick<PolicyFeature, "nameField" | "actionField" | "actionType">> = {},
): PolicyFeature {
  const usual = { nameField: "name", actionField: "action", actionType: "traffic" };
  return { feature: name, policy, action, ...usual, ...fields };
}

function plain(
  resource: string,
  options: Pick<ImportStep, "attributes" | "paged" | "essential"> = {},
): ImportStep {
  return { kind: "config", resource, ...options };
}

function binding(
  parent: string,
  child: string,
  options: Pick<ImportStep, "essential"> = {},
): ImportStep {
  const key = NAME_FIELDS.get(parent) ?? "name";
  return {
    kind: "config",
    resource: `${parent}_${child}_binding`,
    binding: { key },
    parents: [[parent, key]],
    ...options,
  };
}
