import type { PullStep } from "./rows.ts";

/** What an import asks for, in this order: parents before what is bound to them. */
export interface ImportStep extends PullStep {
  /** Without it the estate would be wrong rather than poorer: the import fails. */
  readonly essential?: true;
  /** Resource whose names are the parents of this binding, and the field that holds them. */
  readonly parents?: readonly (readonly [resource: string, field: string])[];
}

/** Features whose policies an estate knows, with NITRO's names for them; `field`s differ from one feature to the next. */
export interface PolicyFeature {
  readonly feature: string;
  readonly policy: string;
  readonly nameField: string;
  readonly actionField: string;
  readonly action: string | null;
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
];

/** Features whose policies are bound in resources of the form `lbvserver_X_binding`. */
export const BOUND_FEATURES: readonly PolicyFeature[] = POLICY_FEATURES.slice(1);

/** Sources: NITRO docs, configuration of basic, load balancing, content switching, SSL and the policies' features. */
export const IMPORT_STEPS: readonly ImportStep[] = [
  // What ends an import comes first: what breaks later can only make it poorer.
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
  ...BOUND_FEATURES.flatMap(({ policy }) => [
    binding("lbvserver", policy),
    binding("csvserver", policy),
  ]),
];

function feature(
  name: string,
  policy: string,
  action: string | null,
  fields: Partial<Pick<PolicyFeature, "nameField" | "actionField">> = {},
): PolicyFeature {
  return { feature: name, policy, action, nameField: "name", actionField: "action", ...fields };
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
  const key = parent === "servicegroup" ? "servicegroupname" : "name";
  return {
    kind: "config",
    resource: `${parent}_${child}_binding`,
    binding: { key },
    parents: [[parent, key]],
    ...options,
  };
}
