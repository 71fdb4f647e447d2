import type { CsBinding, CsVserver, Estate } from "./model.ts";
import { parseRule, type RuleTree } from "./rule-expression.ts";
import { matchesRule, requestsMatching, type RuleRequest } from "./rule-match.ts";

/** One way to a load-balancing vserver through content switching: a request that the policy sends there. */
export interface CsPath {
  readonly csVserver: string;
  /** Null when it is the default target, reached by what no policy takes. */
  readonly policy: string | null;
  /** Null where the rule does not look at the URL (or, for a default target, where every known path is taken). */
  readonly path: string | null;
  /** Null where the rule does not look at the host name. */
  readonly host: string | null;
}

/** Vservers that a service or group serves: the load-balancing ones that bind it, then content switching before those. */
export function vserversOfService(estate: Estate, serviceName: string): string[] {
  const lb = [...estate.lbVservers.values()]
    .filter((vserver) => vserver.services.some((binding) => binding.service === serviceName))
    .map((vserver) => vserver.name);
  const targets = new Set(lb);
  const cs = [...estate.csVservers.values()]
    .filter((vserver) => csTargets(estate, vserver).some((target) => targets.has(target)))
    .map((vserver) => vserver.name);
  return [...lb, ...cs];
}

/** Where a content-switching binding leads: its own target, else that of the policy's action; null when unknown. */
export function csTargetOf(estate: Estate, binding: CsBinding): string | null {
  if (binding.target !== null) {
    return binding.target;
  }
  const action = estate.policies.get(binding.policy)?.action ?? null;
  return action === null ? null : (estate.actions.get(action)?.target ?? null);
}

/**
 * How to reach a load-balancing vserver through content switching, one entry per policy and default. The request is
 * built from the policy's literals and avoids what a policy of higher priority would take; `preferredPath` (a monitor's
 * own path, say) is used where the policy accepts it.
 */
export function csPathTo(
  estate: Estate,
  lbVserverName: string,
  preferredPath: string | null = null,
): CsPath[] {
  return [...estate.csVservers.values()].flatMap((vserver) =>
    pathsThrough(estate, vserver, lbVserverName, preferredPath),
  );
}

function csTargets(estate: Estate, vserver: CsVserver): string[] {
  const targets = vserver.targets.map((binding) => csTargetOf(estate, binding));
  return [...targets, vserver.defaultTarget].filter((target) => target !== null);
}

function pathsThrough(
  estate: Estate,
  vserver: CsVserver,
  lbVserverName: string,
  preferredPath: string | null,
): CsPath[] {
  const bindings = vserver.targets
    .map((binding) => ({ binding, tree: treeOf(estate, binding) }))
    .sort((a, b) => (a.binding.priority ?? Infinity) - (b.binding.priority ?? Infinity));
  const paths = bindings.flatMap(({ binding, tree }, position): CsPath[] => {
    if (csTargetOf(estate, binding) !== lbVserverName) {
      return [];
    }
    const earlier = bindings.slice(0, position).map((other) => other.tree);
    const request = chooseRequest(tree, earlier, preferredPath);
    return [{ csVserver: vserver.name, policy: binding.policy, ...request }];
  });
  if (vserver.defaultTarget !== lbVserverName) {
    return paths;
  }
  const trees = bindings.map((other) => other.tree);
  const path = [preferredPath, "/"].find(
    (candidate) => candidate !== null && !takenBy(trees, { path: candidate, host: null }),
  );
  return [...paths, { csVserver: vserver.name, policy: null, path: path ?? null, host: null }];
}

function treeOf(estate: Estate, binding: CsBinding): RuleTree {
  return parseRule(estate.policies.get(binding.policy)?.rule ?? "");
}

function chooseRequest(
  tree: RuleTree,
  earlier: readonly RuleTree[],
  preferredPath: string | null,
): RuleRequest {
  const built = requestsMatching(tree);
  const preferred = built
    .map((request) => ({ ...request, path: preferredPath }))
    .filter((request) => request.path !== null && matchesRule(tree, request) !== false);
  const candidates = [...preferred, ...built];
  const free = candidates.find((request) => !takenBy(earlier, request));
  return free ?? candidates[0] ?? { path: null, host: null };
}

/** Only what is certain counts: a rule that also looks at the client's address may let the request pass. */
function takenBy(trees: readonly RuleTree[], request: RuleRequest): boolean {
  return trees.some((tree) => matchesRule(tree, request) === true);
}
