import { fnv1a } from "../lib/bytes.ts";
import type { Estate } from "../model/estate.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";

/** One agent's part of an estate: number `index` (from 0) of `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * The part of an estate that one of several agents probes. Connected objects stay in one shard, because verdicts need all of
 * them: vservers with their services, content-switching targets and backups; services that share a server and port; GSLB
 * vservers with their services. Shards are disjoint and complete, and depend only on names. When the count changes by one,
 * only objects of the added or removed shard move. Monitors, policies, certificates and servers are in every shard. Pure and
 * idempotent.
 */
export function applyShard(estate: Estate, shard: Shard | null): Estate {
  if (shard === null || shard.count <= 1) {
    return estate;
  }
  const components = componentsOf(estate);
  const mine = (node: string): boolean =>
    shardOf(components.get(node) ?? node, shard.count) === shard.index;
  return {
    ...estate,
    services: kept(estate.services, (name) => mine(serviceNode(name))),
    lbVservers: kept(estate.lbVservers, (name) => mine(vserverNode(name))),
    csVservers: kept(estate.csVservers, (name) => mine(vserverNode(name))),
    authenticationVservers: kept(estate.authenticationVservers, (name) => mine(vserverNode(name))),
    gslb: {
      ...estate.gslb,
      services: kept(estate.gslb.services, (name) => mine(siteNode(name))),
      vservers: kept(estate.gslb.vservers, (name) => mine(nameNode(name))),
    },
  };
}

/** The shard of a component, by rendezvous hashing: the shard with the highest hash wins. */
export function shardOf(component: string, count: number): number {
  let best = 0;
  let bestWeight = -1;
  for (let index = 0; index < count; index++) {
    const weight = hashOf(`${String(index)}\u0000${component}`);
    if (weight > bestWeight) {
      best = index;
      bestWeight = weight;
    }
  }
  return best;
}

/** The component of each vserver and service, named by its first node in code-unit order. */
export function componentsOf(estate: Estate): ReadonlyMap<string, string> {
  const groups = new Groups();
  for (const service of estate.services.values()) {
    const node = serviceNode(service.name);
    groups.add(node);
    for (const member of service.members) {
      groups.join(node, `endpoint ${member.server}\u0000${String(member.port)}`);
    }
  }
  for (const vserver of [...estate.lbVservers.values(), ...estate.csVservers.values()]) {
    const node = vserverNode(vserver.name);
    groups.add(node);
    for (const next of leadsTo(estate, vserver)) {
      groups.join(node, next);
    }
  }
  for (const name of estate.authenticationVservers.keys()) {
    groups.add(vserverNode(name));
  }
  for (const name of estate.gslb.services.keys()) {
    groups.add(siteNode(name));
  }
  for (const { name, services, backupVserver } of estate.gslb.vservers.values()) {
    groups.add(nameNode(name));
    if (estate.gslb.vservers.has(backupVserver ?? "")) {
      groups.join(nameNode(name), nameNode(backupVserver ?? ""));
    }
    for (const { service } of services.filter((bound) => estate.gslb.services.has(bound.service))) {
      groups.join(nameNode(name), siteNode(service));
    }
  }
  return groups.names();
}

function leadsTo(estate: Estate, vserver: Vserver): string[] {
  const targets =
    vserver.kind === "cs"
      ? [vserver.defaultTarget, ...vserver.targets.map((binding) => csTargetOf(estate, binding))]
      : [];
  const vservers = [vserver.backupVserver, vserver.authentication.vserver, ...targets].filter(
    (name) =>
      name !== null &&
      (estate.lbVservers.has(name) ||
        estate.csVservers.has(name) ||
        estate.authenticationVservers.has(name)),
  );
  const services =
    vserver.kind === "lb"
      ? vserver.services.filter(({ service }) => estate.services.has(service))
      : [];
  return [
    ...vservers.map((name) => vserverNode(name ?? "")),
    ...services.map(({ service }) => serviceNode(service)),
  ];
}

function serviceNode(name: string): string {
  return `service ${name}`;
}

function vserverNode(name: string): string {
  return `vserver ${name}`;
}

function siteNode(name: string): string {
  return `gslb service ${name}`;
}

function nameNode(name: string): string {
  return `gslb vserver ${name}`;
}

/** Disjoint sets of names (union–find with path halving). */
class Groups {
  readonly #parents = new Map<string, string>();

  add(name: string): void {
    if (!this.#parents.has(name)) {
      this.#parents.set(name, name);
    }
  }

  join(one: string, other: string): void {
    const [a, b] = [this.#root(one), this.#root(other)];
    if (a !== b) {
      // The smaller name becomes the root, so that the order of joins does not matter.
      this.#parents.set(a < b ? b : a, a < b ? a : b);
    }
  }

  names(): Map<string, string> {
    return new Map([...this.#parents.keys()].map((name) => [name, this.#root(name)]));
  }

  #root(name: string): string {
    this.add(name);
    let at = name;
    for (;;) {
      const parent = this.#parents.get(at) ?? at;
      if (parent === at) {
        return at;
      }
      const grandparent = this.#parents.get(parent) ?? parent;
      this.#parents.set(at, grandparent);
      at = grandparent;
    }
  }
}

function kept<T>(
  map: ReadonlyMap<string, T>,
  keeps: (name: string) => boolean,
): ReadonlyMap<string, T> {
  return new Map([...map].filter(([name]) => keeps(name)));
}

/** FNV-1a with MurmurHash3's final mix, which spreads similar names. */
function hashOf(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
