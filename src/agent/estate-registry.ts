import { fnv1a } from "../lib/bytes.ts";
import type { Estate } from "../model/estate.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { oneAtATime } from "../lib/pacing.ts";
import type { Log } from "../lib/log.ts";
import type { AdcConfig, Config } from "../config/schema.ts";
import { type Steps, inTurns } from "../lib/steps.ts";
import type { Network } from "../net/network.ts";
import { learnedKey } from "../adc/recognise.ts";
import type { AccountKeeper } from "./accounts/account-keeper.ts";
import type { AgentEvents } from "./run-probe.ts";
import type { PlannedProbe } from "./plan/planned-probe.ts";
import { clientFacingNames, PublicNames, type ResolvedNames } from "./public-names.ts";
import { planSteps, idleSettings } from "./plan/plan.ts";
import { ownAddressesTowards } from "./own-addresses.ts";
import { planSettings } from "./plan/settings.ts";
import { formatProblem } from "../config/problems.ts";
import type { ProbeSchedule } from "./probe-schedule.ts";
import { inheritRecords, recordSteps, type EstateRecords } from "./records/build-records.ts";
import type { SecretBindings } from "./secret-bindings.ts";
import type { ProbeRecord } from "./records/probe-record.ts";
import type { WitnessState } from "./records/witness-state.ts";

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
    authenticationVservers: kept(estate.authenticationVservers, (name) => mine(vserverNode(name))),
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

export interface EstateRegistryOptions {
  readonly config: Config;
  readonly network: Network;
  readonly state: WitnessState;
  readonly schedule: ProbeSchedule;
  /** Aborted when everything ends: no estate comes into force any more. */
  readonly signal: AbortSignal;
  readonly events: Pick<AgentEvents, "probesPlanned">;
  readonly log: Pick<Log, "warn">;
  readonly bindings: SecretBindings;
  /** Keeps what the bindings are, over restarts. */
  readonly keeper: Pick<AccountKeeper, "bindSecrets">;
  readonly now: () => number;
  readonly monotonic: () => number;
  /** From before a reload, for `inherit`. */
  readonly earlier: EstateRegistryMemory | null;
}

/** What outlives a reload. */
export interface EstateRegistryMemory {
  /** By ADC: members that have shown themselves to be Exchange. */
  readonly learned: ReadonlyMap<string, ReadonlySet<string>>;
  readonly resolved: ResolvedNames;
  readonly state: Pick<WitnessState, "recordsOf">;
}

/** A look for servers of any make, where `seen` has shown that Exchange is there. */
export function isOutgrown(
  { server, transaction, planned: { action } }: ProbeRecord,
  seen: Pick<ProbeRecord, "server">,
): boolean {
  return (
    server !== "" &&
    server === seen.server &&
    (transaction === "smtp_greeting" ||
      transaction === "web_answer" ||
      (action.kind === "transaction" && action.run?.spec.options["greeting_only"] === true))
  );
}

/** From an imported estate to what is probed and kept of it: shard, plan, records, schedule; and when to plan again. */
export class EstateRegistry {
  #options: EstateRegistryOptions;
  /** By ADC; a member that leaves its estate is forgotten with it. */
  readonly #learned = new Map<string, Set<string>>();
  readonly #names: PublicNames;
  /** ADCs whose plan no longer fits what was learnt. */
  readonly #toPlanAgain = new Set<string>();
  /** Mistakes of the configuration that have been logged. */
  readonly #toldIdle = new Set<string>();
  /** Estates that come into force, one after another. */
  readonly #inTurn = oneAtATime();

  constructor(options: EstateRegistryOptions) {
    const { config, network, earlier } = options;
    this.#options = options;
    for (const { name } of config.adcs) {
      this.#learned.set(name, new Set(earlier?.learned.get(name)));
    }
    this.#names = new PublicNames(network, clientFacingNames(config), earlier?.resolved);
  }

  get memory(): EstateRegistryMemory {
    return {
      learned: this.#learned,
      resolved: this.#names.resolved,
      state: this.#options.state,
    };
  }

  /** Takes over the estates that were in force before, with all that was known of them. */
  async inherit(): Promise<void> {
    const { config, state, earlier } = this.#options;
    for (const adc of config.adcs) {
      const estate = earlier?.state.recordsOf(adc.name)?.estate;
      if (estate !== undefined) {
        await this.#bringIntoForce(adc, estate);
      }
    }
    await state.evaluateInTurns();
    // What was before must not be kept alive, reload after reload.
    this.#options = { ...this.#options, earlier: null };
  }

  /** Brings an estate into force, one at a time. Ends early when everything ends. */
  apply(adc: AdcConfig, imported: Estate): Promise<void> {
    return this.#inTurn(async () => {
      const { signal, state } = this.#options;
      if (!signal.aborted) {
        await this.#bringIntoForce(adc, imported);
        await state.evaluateInTurns();
      }
    });
  }

  async #bringIntoForce(adc: AdcConfig, imported: Estate): Promise<void> {
    const { config, network, bindings, keeper, log } = this.#options;
    const resolved = this.#names.resolved;
    const estate = applyShard(imported, config.shard);
    const learned = new Set([...this.#learned.values()].flatMap((own) => [...own]));
    const own = await ownAddressesTowards(estate, config, network);
    const settings = planSettings(config, adc, resolved, own);
    const planned = await inTurns(planSteps(estate, settings, learned));
    const { plan, news } = await bindings.bind(planned, config.monitors, keeper);
    for (const why of news) {
      log.warn({ adc: adc.name }, why);
    }
    if (!this.#options.signal.aborted) {
      await inTurns(this.#applySteps(adc, estate, plan, resolved));
      this.#tellIdleSettings();
    }
  }

  /** Records with their memory, and the schedule without disturbing what goes on unchanged. */
  *#applySteps(
    adc: AdcConfig,
    estate: Estate,
    plan: readonly PlannedProbe[],
    resolved: ResolvedNames,
  ): Steps<void> {
    const { config, state, schedule, events, now, monotonic, earlier } = this.#options;
    const records = yield* recordSteps(estate, plan, {
      pollMs: adc.nitro?.pollEveryMs ?? 0,
      vservers: config.vservers,
      exclude: config.exclude ?? [],
      resolved,
      now,
      monotonic,
    });
    const before = state.recordsOf(adc.name) ?? earlier?.state.recordsOf(adc.name);
    inheritRecords(records, before ?? null);
    state.setRecords(adc.name, records);
    this.#forgetLearned(adc.name, records);
    events.probesPlanned(state.probes.length);
    yield* schedule.follow(adc.name, records.probes);
  }

  /** Once every estate is known: what of the configuration selects nothing in any of them, each logged once. */
  #tellIdleSettings(): void {
    const { config, state, log } = this.#options;
    const planned = config.adcs.flatMap((adc) => {
      const estate = state.recordsOf(adc.name)?.estate;
      const settings = planSettings(config, adc, this.#names.resolved);
      const learned = this.#learned.get(adc.name) ?? new Set<string>();
      return estate === undefined ? [] : [{ estate, settings, learned }];
    });
    const whole = planned.length === config.adcs.length && config.shard === null;
    for (const problem of whole ? idleSettings(config, planned) : []) {
      const text = formatProblem(problem);
      if (!this.#toldIdle.has(text)) {
        this.#toldIdle.add(text);
        log.warn({ path: problem.path, line: problem.line }, text);
      }
    }
  }

  /** A member that has shown itself to be Exchange gets the looks of one from the next plan on. */
  learn(record: ProbeRecord): void {
    if (record.vantage !== "backend" || record.last?.exchangeSeen !== true || record.port === "") {
      return;
    }
    const key = learnedKey(record.server, record.port);
    const learned = this.#learned.get(record.adc);
    if (learned === undefined || learned.has(key)) {
      return;
    }
    learned.add(key);
    const probes = this.#options.state.recordsOf(record.adc)?.probes ?? [];
    if (probes.some((probe) => isOutgrown(probe, record))) {
      this.#toPlanAgain.add(record.adc);
    }
  }

  #forgetLearned(adc: string, { members }: EstateRecords): void {
    const learned = this.#learned.get(adc) ?? new Set();
    const here = new Set(members.map(({ server, port }) => learnedKey(server, port)));
    for (const key of learned) {
      if (!here.has(key)) {
        learned.delete(key);
      }
    }
  }

  /** Asks DNS about client-facing names whose answers have grown old. */
  askForNames(): void {
    this.#names.ask();
  }

  /** Follows what was learnt of members and names since the last plan. To be called at most once a second. */
  async planAgain(): Promise<void> {
    const { config, state } = this.#options;
    // Sites of client-facing names come and go with what DNS answers.
    const newSites = this.#names.takeNews();
    this.askForNames();
    for (const adc of config.adcs) {
      const outgrown = this.#toPlanAgain.delete(adc.name) || newSites;
      const estate = state.recordsOf(adc.name)?.estate;
      if (outgrown && estate !== undefined) {
        await this.apply(adc, estate);
      }
    }
  }
}
