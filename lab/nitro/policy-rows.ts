import type { Estate } from "../../src/model/estate.ts";
import type { Policy, PolicyAction, PolicyBinding } from "../../src/model/policy.ts";
import type { Vserver } from "../../src/model/vserver.ts";
import { rowOf } from "../../src/adc/fields.ts";
import { POLICY_BINDING_FIELDS } from "../../src/adc/vserver-fields.ts";
import type { NitroBackend } from "./backend.ts";
import { double, optional, type Row } from "./wire-values.ts";

/** Features whose policies NITRO shows in resources of the same shape, by the estate's name of the feature. */
export const POLICY_FEATURES: ReadonlyMap<string, PolicyResources> = new Map([
  ["rewrite", { policy: "rewritepolicy", action: "rewriteaction" }],
  ["responder", { policy: "responderpolicy", action: "responderaction" }],
  ["authorization", { policy: "authorizationpolicy", action: null }],
  ["tm traffic", { policy: "tmtrafficpolicy", action: "tmtrafficaction" }],
  ["cache", { policy: "cachepolicy", action: null }],
  ["feo", { policy: "feopolicy", action: "feoaction" }],
  ["cmp", { policy: "cmppolicy", action: "cmpaction" }],
  ["appfw", { policy: "appfwpolicy", action: null }],
]);

export interface PolicyResources {
  readonly policy: string;
  readonly action: string | null;
}

export function policyRows(feature: string): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    for (const policy of estate().policies.values()) {
      if (policy.feature === feature) {
        yield policyRow(policy);
      }
    }
  };
}

const ACTION_FIELDS: ReadonlyMap<string, string> = new Map([
  ["cmp", "resaction"],
  ["appfw", "profilename"],
]);

/** The same three facts under each feature's own field names. */
function policyRow(policy: Policy): Row {
  const name = policy.feature === "cs" || policy.feature === "cache" ? "policyname" : "name";
  const action = ACTION_FIELDS.get(policy.feature) ?? "action";
  return {
    [name]: policy.name,
    rule: policy.rule,
    [action]: optional(policy.action),
    hits: double(0),
  };
}

export function actionRows(feature: string): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    for (const action of estate().actions.values()) {
      if (action.feature === feature) {
        yield actionRow(action);
      }
    }
  };
}

function actionRow(action: PolicyAction): Row {
  switch (action.feature) {
    case "cs":
      return {
        name: action.name,
        targetlbvserver: optional(action.target),
        targetvserverexpr: optional(action.expression),
        hits: double(0),
      };
    case "rewrite":
      return {
        name: action.name,
        type: action.type,
        target: optional(action.target),
        stringbuilderexpr: optional(action.expression),
      };
    case "tm traffic":
      return { name: action.name, ...Object.fromEntries(keyedValues(action.expression ?? "")) };
    default:
      return {
        name: action.name,
        type: action.type,
        target: optional(action.target ?? action.expression),
      };
  }
}

/** `-sso ON -kcdAccount "my account"` as fields. */
function* keyedValues(expression: string): Generator<[string, string]> {
  for (const [, key = "", quoted, plain = ""] of expression.matchAll(
    /-(\w+)\s+(?:"([^"]*)"|(\S+))/g,
  )) {
    yield [key.toLowerCase(), quoted ?? plain];
  }
}

/** The bindings of one feature's policies to the vservers of one kind. */
export function policyBindingRows(
  feature: string,
  kind: Vserver["kind"],
): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    const { lbVservers, csVservers, policies } = estate();
    const vservers: Iterable<Vserver> = (kind === "lb" ? lbVservers : csVservers).values();
    for (const vserver of vservers) {
      for (const binding of vserver.policies) {
        if (policies.get(binding.policy)?.feature === feature) {
          yield {
            name: vserver.name,
            policyname: binding.policy,
            ...rowOf(POLICY_BINDING_FIELDS, binding),
          };
        }
      }
    }
  };
}

/** Policies of one feature that apply to every vserver. */
export function globalRows(
  bound: (estate: Estate) => readonly PolicyBinding[],
): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    for (const binding of bound(estate())) {
      yield {
        policyname: binding.policy,
        ...rowOf(POLICY_BINDING_FIELDS, binding),
        type: "REQ_DEFAULT",
      };
    }
  };
}

export function* globalSessionRows({ estate }: NitroBackend): Generator<Row> {
  for (const policyname of estate().parameters.globalSessionPolicies ?? []) {
    yield { policyname };
  }
}

/** Policies of all groups are shown in one group, because no reader uses the group. */
export function* groupRows({ estate }: NitroBackend): Generator<Row> {
  if ((estate().parameters.groupPolicies ?? []).length > 0) {
    yield { groupname: "clients" };
  }
}

export function groupPolicyRows(
  feature: "authorization" | "tm session",
): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    const { parameters, policies } = estate();
    for (const policy of parameters.groupPolicies ?? []) {
      if ((policies.get(policy)?.feature ?? "authorization") === feature) {
        yield { groupname: "clients", policy, priority: "100" };
      }
    }
  };
}

/** Policies of the ADC's own login, by the resource of their kind, which only the action shows. */
const LOGIN_POLICIES: readonly LoginPolicies[] = [
  { policy: null, action: "tmformssoaction", feature: "tm formsso", type: "formSSO" },
  { policy: "tmsessionpolicy", action: "tmsessionaction", feature: "tm session", type: "session" },
  { policy: "authenticationpolicy", action: null, feature: "authentication", type: null },
  {
    policy: "authenticationldappolicy",
    action: "authenticationldapaction",
    feature: "authentication",
    type: "ldap",
  },
  {
    policy: "authenticationnegotiatepolicy",
    action: "authenticationnegotiateaction",
    feature: "authentication",
    type: "negotiate",
  },
];

interface LoginPolicies {
  readonly policy: string | null;
  readonly action: string | null;
  readonly feature: string;
  readonly type: string | null;
}

function isOfKind(estate: Estate, policy: Policy | undefined, kind: LoginPolicies): boolean {
  const type = estate.actions.get(policy?.action ?? "")?.type ?? null;
  const isTyped = LOGIN_POLICIES.some((each) => each.type === type);
  return policy?.feature === kind.feature && (isTyped ? type : null) === kind.type;
}

type RowSource = (backend: NitroBackend) => Generator<Row>;

/** Rows of the login's policies, their actions and their bindings, by resource. */
export function* loginPolicyRows(): Generator<[string, "plain" | "binding", RowSource]> {
  for (const kind of LOGIN_POLICIES) {
    if (kind.policy !== null) {
      yield [kind.policy, "plain", loginPolicies(kind)];
      yield [`authenticationvserver_${kind.policy}_binding`, "binding", loginBindings(kind)];
    }
    if (kind.action !== null) {
      yield [kind.action, "plain", loginActions(kind)];
    }
  }
}

function loginPolicies(kind: LoginPolicies): RowSource {
  const action = kind.type === "ldap" || kind.type === "negotiate" ? "reqaction" : "action";
  return function* ({ estate }) {
    for (const policy of estate().policies.values()) {
      if (isOfKind(estate(), policy, kind)) {
        yield { name: policy.name, rule: policy.rule, [action]: optional(policy.action) };
      }
    }
  };
}

function loginActions({ feature, type }: LoginPolicies): RowSource {
  return function* ({ estate }) {
    for (const action of estate().actions.values()) {
      if (action.feature === feature && action.type === type) {
        yield { name: action.name, ...Object.fromEntries(keyedValues(action.expression ?? "")) };
      }
    }
  };
}

function loginBindings(kind: LoginPolicies): RowSource {
  return function* ({ estate }) {
    const { authenticationVservers, policies } = estate();
    for (const { name, policies: bound = [] } of authenticationVservers.values()) {
      for (const binding of bound) {
        if (isOfKind(estate(), policies.get(binding.policy), kind)) {
          yield { name, policy: binding.policy, ...rowOf(POLICY_BINDING_FIELDS, binding) };
        }
      }
    }
  };
}
