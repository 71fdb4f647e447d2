import type { AdcService, Member, MonitorBinding } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { Monitor } from "../model/monitor.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { createRecogniser, type Recognition } from "../adc/recognise.ts";
import { SERVICE_TYPES } from "../adc/nsconf/grammar.ts";
import { gslbUsersOfMonitors } from "../adc/gslb-fields.ts";
import { createNames, type Names } from "./names.ts";
import { idleReason, type IdleReason } from "../adc/idle-services.ts";
import type { MonitorUse } from "./monitor-change.ts";
import type { LintSettings } from "./settings.ts";
import { append } from "../lib/steps.ts";
import { parseRule, type RuleTree } from "../adc/rule-expression.ts";
import type { Policy } from "../model/policy.ts";

/** Exchange's virtual directories. */
export type Directory =
  "owa" | "ecp" | "ews" | "mapi" | "rpc" | "oab" | "autodiscover" | "activesync";

const PATHS: readonly (readonly [RegExp, Directory])[] = [
  [/^\/owa(\/|$)/i, "owa"],
  [/^\/ecp(\/|$)/i, "ecp"],
  [/^\/ews(\/|$)/i, "ews"],
  [/^\/mapi(\/|$)/i, "mapi"],
  [/^\/rpc(\/|$)/i, "rpc"],
  [/^\/oab(\/|$)/i, "oab"],
  [/^\/autodiscover(\/|$)/i, "autodiscover"],
  [/^\/microsoft(-server-activesync|$)/i, "activesync"],
];

/** The directory that a path or a rule's literal names; null if it names none. */
export function directoryOf(path: string): Directory | null {
  return PATHS.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}

const NAMES: readonly (readonly [RegExp, Directory])[] = [
  [/(^|[^a-z])owa([^a-z]|$)/i, "owa"],
  [/(^|[^a-z])ecp([^a-z]|$)/i, "ecp"],
  [/(^|[^a-z])ews([^a-z]|$)/i, "ews"],
  [/(^|[^a-z])mapi([^a-z]|$)/i, "mapi"],
  [/(^|[^a-z])(rpc|outlook[ _-]?anywhere)([^a-z]|$)/i, "rpc"],
  [/(^|[^a-z])oab([^a-z]|$)/i, "oab"],
  [/autodiscover/i, "autodiscover"],
  [/activesync|(^|[^a-z])eas([^a-z]|$)/i, "activesync"],
];

/** The directory that an object's name contains. */
function directoryOfName(name: string): Directory | null {
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** The path of a directory, as clients and health pages write it. */
export const DIRECTORY_PATH: Readonly<Record<Directory, string>> = {
  owa: "/owa",
  ecp: "/ecp",
  ews: "/ews",
  mapi: "/mapi",
  rpc: "/rpc",
  oab: "/oab",
  autodiscover: "/Autodiscover",
  activesync: "/Microsoft-Server-ActiveSync",
};

/** Directories whose clients log in with NTLM or Kerberos: all forms of Outlook. */
export const NTLM_DIRECTORIES: readonly Directory[] = ["ews", "mapi", "rpc", "oab", "autodiscover"];

/** The data that all rules use, computed once. */
export interface LintContext {
  readonly estate: Estate;
  readonly settings: LintSettings;
  readonly services: readonly LintService[];
  /**
   * Services for which a monitor is possible and useful: of a type that the ADC has, and in a whole configuration with
   * services behind its vservers, only those. In the output of a search, only those whose monitors it shows.
   */
  readonly watched: readonly LintService[];
  readonly vservers: readonly LintVserver[];
  /** Services that use a monitor, by its name. */
  readonly usersOf: (monitor: Monitor) => readonly LintService[];
  /** How many GSLB services use a monitor, by its name. */
  readonly gslbUsers: ReadonlyMap<string, number>;
  readonly names: Names;
  /** A policy's rule, parsed once. */
  readonly treeOf: (policy: Policy) => RuleTree;
  /**
   * A monitor of this estate requests Exchange's health page, or a rule names what only Exchange 2013 and newer has.
   */
  readonly hasHealthPages: boolean;
}

export interface LintService {
  readonly service: AdcService;
  /** Every binding whose monitor is known. */
  readonly bound: readonly BoundMonitor[];
  /** All its monitors are known: what a partial configuration does not show may check more than the others. */
  readonly isKnown: boolean;
  /** The bindings that decide: health monitoring, binding and monitor are enabled, and it does not only set weights. */
  readonly deciding: readonly BoundMonitor[];
  /** The role of its members in Exchange, from the first that has one; null if none has. */
  readonly exchange: Recognition | null;
  /** Exchange is behind it: recognised itself, or on a server with another recognised service. */
  readonly onExchange: boolean;
  /**
   * Virtual directories that content-switching rules route here; if there are none, those in the names of group and
   * vserver.
   */
  readonly directories: ReadonlySet<Directory>;
  /** Why none of its monitors proves anything, or needs to; null: one does. */
  readonly idle: IdleReason | null;
}

export interface BoundMonitor {
  readonly binding: MonitorBinding;
  readonly monitor: Monitor;
}

export interface LintVserver {
  readonly vserver: Vserver;
  /** The services behind it, including those behind content switching. */
  readonly services: readonly LintService[];
  /** Exchange's virtual directories that it serves, from monitors and rules. */
  readonly directories: ReadonlySet<Directory>;
  /** Exchange is behind it: from a virtual directory in rules or monitors, or from its servers. */
  readonly exchange: boolean;
}

export function createContext(estate: Estate, settings: LintSettings): LintContext {
  const recognise = createRecogniser(estate, [], new Set());
  const idle = idleReason(estate);
  const asked = rulePaths(estate);
  const directories = directoriesOfServices(estate, asked);
  const recognised = [...estate.services.values()].map((service) => ({
    service,
    exchange: recognition(service, recognise),
  }));
  const servers = new Set(
    recognised
      .filter(({ exchange }) => exchange !== null)
      .flatMap(({ service }) => service.members.map(serverKey)),
  );
  const services = recognised.map(({ service, exchange }): LintService => {
    const bound = service.monitors.flatMap((binding) => {
      const monitor = estate.monitors.get(binding.monitor);
      return monitor === undefined ? [] : [{ binding, monitor }];
    });
    return {
      service,
      bound,
      isKnown: bound.length === service.monitors.length,
      deciding: bound.filter(
        ({ binding, monitor }) =>
          service.healthMonitor && binding.enabled && monitor.enabled && monitor.type !== "LOAD",
      ),
      exchange,
      onExchange: exchange !== null || service.members.some((one) => servers.has(serverKey(one))),
      directories: directories.get(service.name) ?? new Set(),
      idle: idle(service),
    };
  });
  const users = usersByMonitor(services);
  const isOffered = offeredOf(estate);
  return {
    estate,
    settings,
    services,
    watched: services.filter(
      ({ idle: reason, service }) =>
        reason === null &&
        SERVICE_TYPES.has(service.serviceType) &&
        isOffered(service) &&
        (estate.filtered !== true || service.monitors.some(({ synthesised }) => !synthesised)),
    ),
    vservers: lintVservers(estate, services, asked),
    usersOf: (monitor) => users.get(monitor.name) ?? [],
    gslbUsers: gslbUsersOfMonitors(estate.gslb),
    names: createNames(estate),
    treeOf: treesOf(),
    hasHealthPages:
      [...estate.monitors.values()].some((monitor) => requestsHealthPage(monitor)) ||
      [...asked.values()].flat().some((path) => /^\/mapi\b/i.test(path)),
  };
}

/** Whether clients can reach it. Only a saved configuration shows that no vserver has a service. */
function offeredOf(estate: Estate): (service: AdcService) => boolean {
  const offered = offeredServices(estate);
  const isWhole = estate.firmware !== null && estate.extent === undefined && offered.size > 0;
  return ({ name }) => !isWhole || offered.has(name);
}

/** Whether any of a service's vservers is enabled; without an entry for services that have none. */
export function offeredServices({ lbVservers }: Estate): ReadonlyMap<string, boolean> {
  const offered = new Map<string, boolean>();
  for (const { enabled, services } of lbVservers.values()) {
    for (const { service } of services) {
      offered.set(service, enabled || offered.get(service) === true);
    }
  }
  return offered;
}

function treesOf(): (policy: Policy) => RuleTree {
  const known = new Map<Policy, RuleTree>();
  return (policy) => {
    const tree = known.get(policy) ?? parseRule(policy.rule);
    known.set(policy, tree);
    return tree;
  };
}

/** How a monitor is bound to the services that use it. */
export function usesOf(context: LintContext, monitor: Monitor): readonly MonitorUse[] {
  return context
    .usersOf(monitor)
    .flatMap(({ service, bound }) =>
      bound.filter((one) => one.monitor === monitor).map(({ binding }) => ({ service, binding })),
    );
}

/**
 * How many uses of a monitor there are, besides services also by GSLB, routes and the like: a change that is meant for
 * some of them must not reach the others.
 */
export function useCount(context: LintContext, monitor: Monitor): number {
  const { monitorsUsedElsewhere } = context.estate;
  return (
    usesOf(context, monitor).length +
    (context.gslbUsers.get(monitor.name) ?? 0) +
    (monitorsUsedElsewhere?.has(monitor.name) === true ? 1 : 0)
  );
}

export function requestsHealthPage(monitor: Monitor): boolean {
  return /\/healthcheck\.htm/i.test(requestTarget(monitor));
}

function serverKey({ server, address }: Member): string {
  return address ?? server.toLowerCase();
}

function recognition(
  service: AdcService,
  recognise: (service: AdcService, member: Member) => Recognition,
): Recognition | null {
  for (const member of service.members) {
    const found = recognise(service, member);
    if (found.protocol !== null) {
      return found;
    }
  }
  return null;
}

function usersByMonitor(services: readonly LintService[]): ReadonlyMap<string, LintService[]> {
  const users = new Map<string, LintService[]>();
  for (const one of services) {
    for (const { monitor } of one.bound) {
      const known = users.get(monitor.name);
      if (known === undefined) {
        users.set(monitor.name, [one]);
      } else if (known.at(-1) !== one) {
        known.push(one);
      }
    }
  }
  return users;
}

function lintVservers(
  estate: Estate,
  services: readonly LintService[],
  asked: ReadonlyMap<string, readonly string[]>,
): readonly LintVserver[] {
  const byService = new Map(services.map((one) => [one.service.name, one]));
  const lb = [...estate.lbVservers.values()].map((vserver): LintVserver => {
    const behind = vserver.services.flatMap(({ service }) => byService.get(service) ?? []);
    const monitors = behind.flatMap(({ bound }) => bound);
    const paths = [
      ...(asked.get(vserver.name) ?? []),
      ...monitors.map(({ monitor }) => requestTarget(monitor)),
      ...behind.flatMap(({ exchange }) => exchange?.path ?? []),
      ...vserver.policies.flatMap(({ policy }) => actionPaths(estate, policy)),
    ];
    const exchange = behind.some(({ onExchange }) => onExchange) || paths.some(provesExchange);
    const directories = new Set([
      ...directoriesOf(paths),
      ...behind.flatMap((one) => [...one.directories]),
    ]);
    return { vserver, services: behind, directories, exchange };
  });
  const byName = new Map(lb.map((one) => [one.vserver.name, one]));
  const cs = [...estate.csVservers.values()].map((vserver): LintVserver => {
    const names = [
      ...vserver.targets.map((binding) => csTargetOf(estate, binding)),
      vserver.defaultTarget,
    ];
    const targets = [...new Set(names)].flatMap((name) => byName.get(name ?? "") ?? []);
    return {
      vserver,
      services: [...new Set(targets.flatMap((target) => target.services))],
      directories: new Set(targets.flatMap((target) => [...target.directories])),
      exchange: targets.some(({ exchange }) => exchange),
    };
  });
  return [...lb, ...cs];
}

/** `/rpc`, `/ecp`, `/oab` and others are also paths of other products; these belong to Exchange alone. */
function provesExchange(path: string): boolean {
  return /^\/(owa|ews|mapi\/(emsmdb|nspi)|microsoft-server-activesync|autodiscover)(\/|$)|^\/(owa|ews|mapi|ecp|oab|rpc|autodiscover|microsoft-server-activesync|powershell)\/healthcheck\.htm/i.test(
    path,
  );
}

function directoriesOf(paths: readonly string[]): ReadonlySet<Directory> {
  return new Set(paths.map(directoryOf).filter((directory) => directory !== null));
}

/** Paths in content-switching rules, by their target vserver. */
function rulePaths(estate: Estate): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const vserver of estate.csVservers.values()) {
    for (const binding of vserver.targets) {
      const target = csTargetOf(estate, binding) ?? "";
      const urls = estate.policies.get(binding.policy)?.literals.urls ?? [];
      const values = urls
        .filter(({ negated }) => !negated)
        .map(({ value }) => (value.startsWith("/") ? value : `/${value}`));
      const known = found.get(target);
      if (known === undefined) {
        found.set(target, values);
      } else {
        known.push(...values);
      }
    }
  }
  return found;
}

/** From rules first; if there are none, from the names of the group and its vservers. */
function directoriesOfServices(
  estate: Estate,
  asked: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, ReadonlySet<Directory>> {
  const paths = new Map<string, string[]>();
  const names = new Map<string, string[]>();
  for (const vserver of estate.lbVservers.values()) {
    for (const { service } of vserver.services) {
      const known = paths.get(service) ?? [];
      known.push(...(asked.get(vserver.name) ?? []));
      paths.set(service, known);
      append(names, service, vserver.name);
    }
  }
  return new Map(
    [...paths].map(([service, known]) => {
      const byRule = directoriesOf(known);
      if (byRule.size > 0) {
        return [service, byRule];
      }
      const byName = [service, ...(names.get(service) ?? [])].map(directoryOfName);
      return [service, new Set(byName.filter((one) => one !== null))];
    }),
  );
}

/** `/owa/healthcheck.htm` from `GET /owa/healthcheck.htm HTTP/1.1`; empty if the monitor requests no page. */
export function requestTarget(monitor: Monitor): string {
  const request = monitor.parameters.httpRequest ?? monitor.parameters.send ?? "";
  return /^\s*[A-Z]+\s+(?:https?:\/\/[^/]+)?(\/\S*)/i.exec(request)?.[1] ?? "";
}

/** The path that a rewrite inserts; a redirect leads elsewhere. */
function actionPaths(estate: Estate, policy: string): string[] {
  const name = estate.policies.get(policy)?.action ?? null;
  const action = name === null ? undefined : estate.actions.get(name);
  const path =
    action?.type === "redirect" ? null : /"(\/[\w.-]+)/.exec(action?.expression ?? "")?.[1];
  return path === null || path === undefined ? [] : [path];
}
