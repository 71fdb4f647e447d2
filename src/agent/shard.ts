import { fnv1a } from "../lib/bytes.ts";
import type { Estate } from "../model/estate.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";

/** One agent's share of an estate: the `index`th (from 0) of `count`. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * The part of an estate that falls to one of several agents. What hangs together stays together: vservers with all
 * they lead to (services, content-switching targets, backups), and services that share a server and port, since their
 * verdicts need all of it in one place; likewise GSLB vservers with their services. Shares are disjoint and complete, depend on names alone, and when the count
 * changes by one only what goes to or comes from that one shard moves. Monitors, policies, certificates and servers
 * stay whole: they are looked up by name. Pure; a share of a share of the same shard is itself.
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
    gslb: {
      ...estate.gslb,
      services: kept(estate.gslb.services, (name) => mine(siteNode(name))),
      vservers: kept(estate.gslb.vservers, (name) => mine(nameNode(name))),
    },
  };
}

/** Which of `count` shards a component falls to: rendezvous hashing, the highest of its hashes with each shard wins. */
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

/** For each vserver and service, the name of the component it belongs to: the first of its nodes in code-unit order. */
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
  for (const name of estate.gslb.services.keys()) {
    groups.add(siteNode(name));
  }
  for (const { name, services } of estate.gslb.vservers.values()) {
    groups.add(nameNode(name));
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
  const vservers = [vserver.backupVserver, ...targets].filter(
    (name) => name !== null && (estate.lbVservers.has(name) || estate.csVservers.has(name)),
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

/** Disjoint sets of names, joined by and by (union–find with path halving). */
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
      // The smaller name leads, so that the order of joining does not matter.
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

/** FNV-1a with a final mix (MurmurHash3's): neighbouring names land far apart. */
function hashOf(text: string): number {
  let hash = fnv1a(text);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
