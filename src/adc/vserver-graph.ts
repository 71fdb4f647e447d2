import type { Estate } from "../model/estate.ts";
import type { CsBinding, CsVserver } from "../model/vserver.ts";
import { parseRule, type RuleTree } from "./rule-expression.ts";
import { matchesRule, requestsMatching, type RuleRequest } from "./rule-match.ts";
import type { Monitor } from "../model/monitor.ts";

/** One route to a load-balancing vserver through content switching: a request that the policy sends there. */
export interface CsPath {
  readonly csVserver: string;
  /** Null for the default target, which gets everything that no policy matches. */
  readonly policy: string | null;
  /** Null if the rule does not check the URL (or, for a default target, if every known path is taken). */
  readonly path: string | null;
  /** Null if the rule does not check the host name. */
  readonly host: string | null;
}

/** Answers many queries about one estate; shared results are computed once, so that thousands of queries stay cheap. */
export interface VserverGraph {
  /**
   * The vservers that use a service or group: the load-balancing and GSLB ones that bind it, then content switching.
   */
  readonly vserversOfService: (serviceName: string) => readonly string[];
  /**
   * The routes to a load-balancing vserver through content switching, one per policy and default. The request is built
   * from the policy's literals and avoids policies of higher priority; `preferredPath` (for example a monitor's own
   * path) is used if the policy accepts it.
   */
  readonly csPathTo: (lbVserverName: string, preferredPath?: string | null) => readonly CsPath[];
  /**
   * Where a content-switching vserver may send this request: the targets of the rules that depend on something unknown,
   * and of the first certain match. Empty: no rule matches.
   */
  readonly csTargets: (csVserverName: string, request: RuleRequest) => readonly string[];
  /**
   * Which policies certainly match which of these paths, and their targets: one route for each policy and path to a
   * wanted target. `isAsked`: whether clients send such a request at all.
   */
  readonly csRoutes: (
    paths: readonly string[],
    isWanted: (target: string) => boolean,
    isAsked: (request: { readonly path: string; readonly host: string | null }) => boolean,
  ) => CsRoute[];
  /** A name for which DNS answers with this address (GSLB); null: none is configured. */
  readonly domainAt: (address: string, port: number) => string | null;
}

/** A path that a content-switching policy certainly matches before all others. */
export interface CsRoute {
  readonly csVserver: string;
  readonly policy: string;
  readonly target: string;
  readonly path: string;
  /** Null if the rule does not check the host name. */
  readonly host: string | null;
}

export function createVserverGraph(estate: Estate): VserverGraph {
  const switches = [...estate.csVservers.values()].map((vserver) => switchOf(estate, vserver));
  const positionOf = new Map(switches.map((one, position) => [one, position]));
  const direct = new Map<string, string[]>();
  for (const vserver of estate.lbVservers.values()) {
    for (const service of new Set(vserver.services.map((binding) => binding.service))) {
      append(direct, service, vserver.name);
    }
  }
  for (const vserver of estate.gslb.vservers.values()) {
    for (const service of new Set(vserver.services.map((binding) => binding.service))) {
      append(direct, estate.gslb.services.get(service)?.shownAs ?? service, vserver.shownAs);
    }
  }
  const domains = gslbDomains(estate);
  const before = new Map<string, Switch[]>();
  for (const one of switches) {
    for (const target of new Set([...one.entries.map((entry) => entry.target), one.fallback])) {
      if (target !== null) {
        append(before, target, one);
      }
    }
  }
  // Every monitor and look at a vserver asks for the way to it, most of them with the same path.
  const pathsTo = new Map<string, Map<string | null, readonly CsPath[]>>();
  return {
    vserversOfService(serviceName) {
      const lb = direct.get(serviceName) ?? [];
      const through = [...new Set(lb.flatMap((name) => before.get(name) ?? []))];
      through.sort((a, b) => (positionOf.get(a) ?? 0) - (positionOf.get(b) ?? 0));
      return [...lb, ...through.map((one) => one.name)];
    },
    csPathTo(lbVserverName, preferredPath = null) {
      const inFront = before.get(lbVserverName);
      if (inFront === undefined) {
        return [];
      }
      const known = pathsTo.get(lbVserverName) ?? new Map<string | null, readonly CsPath[]>();
      pathsTo.set(lbVserverName, known);
      const paths =
        known.get(preferredPath) ??
        inFront.flatMap((one) => pathsThrough(one, lbVserverName, preferredPath));
      known.set(preferredPath, paths);
      return paths;
    },
    csTargets(csVserverName, request) {
      const one = switches.find(({ name }) => name === csVserverName);
      return one === undefined ? [] : targetsOf(one, request);
    },
    csRoutes: (paths, isWanted, isAsked) =>
      switches.flatMap((one) => routesThrough(one, paths, isWanted, isAsked)),
    domainAt: (address, port) => domains.get(`${address} ${String(port)}`) ?? null,
  };
}

/** The first domain name of each address and port that a GSLB vserver answers with. */
function gslbDomains({ gslb }: Estate): ReadonlyMap<string, string> {
  const domains = new Map<string, string>();
  for (const vserver of gslb.vservers.values()) {
    const [domain] = vserver.domains;
    const services = vserver.services.flatMap(({ service }) => gslb.services.get(service) ?? []);
    for (const { address, port } of services.flatMap(({ members }) => members)) {
      const key = `${address ?? ""} ${String(port)}`;
      if (domain !== undefined && !domains.has(key)) {
        domains.set(key, domain.name);
      }
    }
  }
  return domains;
}

function targetsOf({ entries, fallback }: Switch, request: RuleRequest): string[] {
  const targets: string[] = [];
  for (const { tree, target } of entries) {
    const takes = matchesRule(tree(), request);
    if (takes !== false && target !== null) {
      targets.push(target);
    }
    if (takes === true) {
      return targets;
    }
  }
  return fallback === null ? targets : [...targets, fallback];
}

function routesThrough(
  { name, entries }: Switch,
  paths: readonly string[],
  isWanted: (target: string) => boolean,
  isAsked: (request: { readonly path: string; readonly host: string | null }) => boolean,
): CsRoute[] {
  return entries.flatMap(({ policy, target, tree }, position): CsRoute[] => {
    if (target === null || !isWanted(target)) {
      return [];
    }
    const earlier = entries.slice(0, position);
    return paths.flatMap((path): CsRoute[] => {
      const request = requestsMatching(tree())
        .map(({ host }) => ({ path, host }))
        .find(
          (each) => isAsked(each) && matchesRule(tree(), each) === true && !takenBy(earlier, each),
        );
      return request === undefined ? [] : [{ csVserver: name, policy, target, ...request }];
    });
  });
}

/** The target of a content-switching binding: its own, or else that of the policy's action; null if unknown. */
export function csTargetOf(estate: Estate, binding: CsBinding): string | null {
  if (binding.target !== null) {
    return binding.target;
  }
  const action = estate.policies.get(binding.policy)?.action ?? null;
  return action === null ? null : (estate.actions.get(action)?.target ?? null);
}

/** A content-switching vserver with its policies in the order of evaluation. */
interface Switch {
  readonly name: string;
  readonly entries: readonly SwitchEntry[];
  readonly fallback: string | null;
}

interface SwitchEntry {
  readonly policy: string;
  readonly target: string | null;
  /** Parsed on first use: most rules of a large estate are never needed. */
  readonly tree: () => RuleTree;
}

function switchOf(estate: Estate, vserver: CsVserver): Switch {
  const entries = vserver.targets
    .map((binding) => ({ binding, priority: binding.priority ?? Infinity }))
    .sort((a, b) => (a.priority === b.priority ? 0 : a.priority - b.priority))
    .map(({ binding }) => ({
      policy: binding.policy,
      target: csTargetOf(estate, binding),
      tree: once(() => parseRule(estate.policies.get(binding.policy)?.rule ?? "")),
    }));
  return { name: vserver.name, entries, fallback: vserver.defaultTarget };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function append<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) {
    lists.set(key, [item]);
  } else {
    list.push(item);
  }
}

function pathsThrough(
  { name, entries, fallback }: Switch,
  lbVserverName: string,
  preferredPath: string | null,
): CsPath[] {
  const paths = entries.flatMap((entry, position): CsPath[] => {
    if (entry.target !== lbVserverName) {
      return [];
    }
    const request = chooseRequest(entry.tree(), entries.slice(0, position), preferredPath);
    return [{ csVserver: name, policy: entry.policy, ...request }];
  });
  if (fallback !== lbVserverName) {
    return paths;
  }
  const path = [preferredPath, "/"].find(
    (candidate) => candidate !== null && !takenBy(entries, { path: candidate, host: null }),
  );
  return [...paths, { csVserver: name, policy: null, path: path ?? null, host: null }];
}

function chooseRequest(
  tree: RuleTree,
  earlier: readonly SwitchEntry[],
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

/** Only certain matches count: a rule that also checks the client's address may not match. */
function takenBy(entries: readonly SwitchEntry[], request: RuleRequest): boolean {
  return entries.some(({ tree }) => matchesRule(tree(), request) === true);
}

/** The NSIP, subnet addresses and VIPs of this ADC. */
export function ownAddresses(
  estate: Pick<Estate, "lbVservers" | "csVservers" | "nsip" | "snips">,
): ReadonlySet<string> {
  const vips = [...estate.lbVservers.values(), ...estate.csVservers.values()].map(
    ({ address }) => address,
  );
  return new Set([estate.nsip, ...estate.snips, ...vips].filter((address) => address !== null));
}

/** 127.0.0.0/8 and ::1: on the ADC, its own address. */
export function isLoopback(address: string): boolean {
  return /^127\.|^::1$/.test(address);
}

/**
 * Whether a monitor's fixed destination is intended: it is the ADC itself or one of its VIPs (dummies that keep a
 * vserver UP, GSLB), a reversed monitor for a standby (CTX115525), or a monitor that must have a destination (NITRO
 * error 2129).
 */
export function isIntendedDestination(own: ReadonlySet<string>, monitor: Monitor): boolean {
  const { reverse, transparent, ipTunnel, tos, destIp } = monitor;
  return (
    [reverse, transparent, ipTunnel, tos].includes(true) ||
    destIp === null ||
    isLoopback(destIp) ||
    own.has(destIp)
  );
}
