import type { Acl, AclKind, Policy, PolicyAction } from "../../model/policy.ts";
import { ACL_KINDS, aclAction, aclKey, readAcl } from "../acls.ts";
import { classicRule, ruleLiterals } from "../rule-expression.ts";
import { rowSource, text, type Report, type Row, type RowTables } from "./row-values.ts";
import type { PolicyFeature } from "./pull-plan.ts";
import { writeWord } from "../nsconf/statements.ts";
import { LOGIN_ACTION_KEYS } from "../vserver-fields.ts";

/** A row of any feature's policies. Classic content-switching policies have a URL or a domain instead of a rule. */
export function policyFromRow(row: Row, feature: PolicyFeature): Policy | null {
  const name = text(row, feature.nameField) ?? text(row, "name");
  if (name === null) {
    return null;
  }
  const rule =
    text(row, "rule") ??
    classicRule(text(row, "url") ?? undefined, text(row, "domain") ?? undefined) ??
    "";
  const logAction = text(row, "logaction");
  return {
    name,
    feature: feature.feature,
    rule,
    action: text(row, feature.actionField),
    ...(logAction === null ? null : { logAction }),
    literals: ruleLiterals(rule),
    line: null,
  };
}

/** Rows of ACLs of every kind. */
export function aclsFrom(rows: RowTables, report: Report): ReadonlyMap<string, Acl> {
  const acls = ACL_KINDS.flatMap((kind) =>
    (rows.get(`ns${kind}`) ?? []).flatMap((row) => aclFromRow(row, kind, report) ?? []),
  );
  return new Map(acls.map((acl) => [aclKey(acl), acl]));
}

function aclFromRow(row: Row, kind: AclKind, report: Report): Acl | null {
  const prefix = kind === "acl6" ? "acl6" : "acl";
  const name = text(row, `${prefix}name`);
  const action = aclAction.read([text(row, `${prefix}action`) ?? ""]);
  return name === null || action === undefined
    ? null
    : readAcl(kind, { name, action, line: null }, rowSource(row, name, report));
}

/** A row of the actions of a feature. */
export function actionFromRow(
  row: Row,
  { feature, actionType }: Pick<PolicyFeature, "feature" | "actionType">,
): PolicyAction | null {
  const name = text(row, "name");
  if (name === null) {
    return null;
  }
  const common = { name, feature, line: null };
  switch (feature) {
    case "cs":
      return {
        ...common,
        type: "forward",
        target: text(row, "targetlbvserver") ?? text(row, "targetvserver"),
        expression: text(row, "targetvserverexpr"),
      };
    case "rewrite":
      return {
        ...common,
        type: text(row, "type")?.toLowerCase() ?? "",
        target: text(row, "target"),
        expression: text(row, "stringbuilderexpr"),
      };
    case "responder": {
      const target = text(row, "target");
      return {
        ...common,
        type: text(row, "type")?.toLowerCase() ?? "",
        target,
        expression: target,
      };
    }
    default:
      return { ...common, type: actionType, target: null, expression: loginFields(row) };
  }
}

/** In the command line's syntax: what the reader of an AAA configuration has to know. */
function loginFields(row: Row): string {
  return LOGIN_ACTION_KEYS.flatMap((field) => {
    const value = text(row, field);
    return value === null ? [] : [`-${field} ${writeWord(value)}`];
  }).join(" ");
}
