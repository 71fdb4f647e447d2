import type { Policy } from "../model/policy.ts";
import type { CsBinding, CsVserver } from "../model/vserver.ts";
import { parseRule, type RuleTree } from "../adc/rule-expression.ts";
import { matchesRule, requestsMatching } from "../adc/rule-match.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { command } from "./commands.ts";
import type { LintContext } from "./context.ts";
import type { Hit } from "./finding.ts";
import type { Rule } from "./rule.ts";

/** Content-switching vservers: their state, and which request goes where. */
export const CONTENT_SWITCHING_RULES: readonly Rule[] = [
  { id: "cs_without_stateupdate", severity: "warning", find: withoutStateUpdate },
  { id: "cs_passes_every_url", severity: "warning", find: passesEveryUrl },
  { id: "cs_policies_overlap", severity: "warning", find: policiesOverlap },
];

function csVservers(context: LintContext): CsVserver[] {
  return context.vservers.flatMap(({ vserver }) => (vserver.kind === "cs" ? [vserver] : []));
}

/** NetScaler docs, "Content switching": without it the vserver is UP as long as it is enabled. */
function withoutStateUpdate(context: LintContext): Hit[] {
  return csVservers(context)
    .filter(
      (vserver) =>
        !vserver.stateUpdate && (vserver.targets.length > 0 || vserver.defaultTarget !== null),
    )
    .map((vserver) => ({
      line: vserver.line,
      object: vserver.name,
      message: `${vserver.name} is UP as long as it is enabled, also when every vserver behind it is DOWN.`,
      fix: command("set", "cs", "vserver", vserver.name, "-stateupdate", "ENABLED"),
    }));
}

/** What nobody listed (`/powershell`, `/ecp`) is then published too, past every other rule. */
function passesEveryUrl(context: LintContext): Hit[] {
  return csVservers(context).flatMap((vserver) => {
    const targets = new Set(vserver.targets.map((binding) => csTargetOf(context.estate, binding)));
    if (vserver.defaultTarget !== null && targets.size > 0) {
      return [
        {
          line: vserver.line,
          object: vserver.name,
          message:
            `What no policy of ${vserver.name} names goes to its default ${vserver.defaultTarget}: ` +
            "every URL is published, and leaving one out of the policies blocks nothing.",
          fix: command(
            "unbind",
            "cs",
            "vserver",
            vserver.name,
            "-lbvserver",
            vserver.defaultTarget,
          ),
        },
      ];
    }
    return vserver.targets.flatMap((binding) => {
      const policy = context.estate.policies.get(binding.policy);
      return policy !== undefined && takesEveryUrl(parseRule(policy.rule)) && targets.size > 1
        ? [
            {
              line: policy.line,
              object: policy.name,
              message:
                `Policy ${policy.name} takes every URL of ${vserver.name}: leaving one out of the other policies ` +
                "blocks nothing.",
              fix: pathRule(policy, "/<directory>"),
            },
          ]
        : [];
    });
  });
}

/** Requests that no sensible rule for one directory takes. */
const STRANGE_PATHS = ["/", "/powershell/", "/zzz-not-published/x"];

function takesEveryUrl(tree: RuleTree): boolean {
  return STRANGE_PATHS.every((path) => matchesRule(tree, { path, host: null }) === true);
}

/**
 * `/owa/15.1/resources/ewsprite.css` holds `/ews` and `/owa`: one path, two policies, and the lower priority number
 * decides. One finding per policy that searches anywhere in the URL.
 */
function policiesOverlap(context: LintContext): Hit[] {
  return csVservers(context).flatMap((vserver) => {
    const candidates = vserver.targets.flatMap((binding) => candidateOf(context, binding));
    return candidates.flatMap((one) => {
      if (!searchesAnywhere(one.policy)) {
        return [];
      }
      const rival = candidates.find(
        (other) => other.target !== one.target && sharedPath(one, other) !== null,
      );
      return rival === undefined ? [] : [overlap(vserver, one, rival)];
    });
  });
}

interface Candidate {
  readonly policy: Policy;
  readonly tree: RuleTree;
  readonly target: string | null;
  readonly priority: number;
}

function candidateOf(context: LintContext, binding: CsBinding): Candidate[] {
  const policy = context.estate.policies.get(binding.policy);
  return policy === undefined || policy.literals.urls.length === 0
    ? []
    : [
        {
          policy,
          tree: parseRule(policy.rule),
          target: csTargetOf(context.estate, binding),
          priority: binding.priority ?? Infinity,
        },
      ];
}

function searchesAnywhere({ literals }: Policy): boolean {
  return literals.urls.some(({ operator, negated }) => operator === "CONTAINS" && !negated);
}

/** A path that both rules take for certain, built from their own literals. */
function sharedPath(one: Candidate, other: Candidate): string | null {
  for (const parts of [
    [other.tree, one.tree],
    [one.tree, other.tree],
  ]) {
    const both: RuleTree = { kind: "and", parts };
    const found = requestsMatching(both).find((request) => matchesRule(both, request) === true);
    if (found !== undefined && found.path !== null) {
      return found.path;
    }
  }
  return null;
}

function overlap(vserver: CsVserver, one: Candidate, rival: Candidate): Hit {
  const winner = one.priority <= rival.priority ? one : rival;
  const [literal = "/<directory>"] = one.policy.literals.urls.map(({ value }) => value);
  return {
    line: one.policy.line,
    object: one.policy.name,
    message:
      `Policies ${one.policy.name} and ${rival.policy.name} of ${vserver.name} both take ` +
      `"${sharedPath(one, rival) ?? ""}"; ${winner.policy.name} wins by its priority. ` +
      `A URL that merely holds "${literal}" somewhere goes astray.`,
    fix: pathRule(one.policy, literal),
  };
}

function pathRule(policy: Policy, start: string): string {
  const path = start.startsWith("/") ? start : `/${start}`;
  return command(
    ...["set", "cs", "policy", policy.name, "-rule"],
    `HTTP.REQ.URL.PATH.SET_TEXT_MODE(IGNORECASE).STARTSWITH("${path}")`,
  );
}
