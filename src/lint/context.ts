import { append } from "../lib/group-by.ts";
import type { AdcService, Member, MonitorBinding } from "../model/adc-service.ts";
import type { Estate } from "../model/estate.ts";
import type { Monitor } from "../model/monitor.ts";
import type { Vserver } from "../model/vserver.ts";
import { csTargetOf } from "../adc/vserver-graph.ts";
import { createRecogniser, type Recognition } from "../adc/recognise.ts";
import { directoryOf, type Directory } from "./directories.ts";
import type { LintSettings } from "./settings.ts";

/** What all rules look at, worked out once. */
export interface LintContext {
  readonly estate: Estate;
  readonly settings: LintSettings;
  readonly services: readonly LintService[];
  readonly vservers: readonly LintVserver[];
  /** Services that use a monitor, by its name. */
  readonly usersOf: (monitor: Monitor) => readonly LintService[];
}

export interface LintService {
  readonly service: AdcService;
  /** Every binding whose monitor is known. */
  readonly bound: readonly BoundMonitor[];
  /** Those that decide: neither the binding nor the monitor is disabled, and it does not only set weights. */
  readonly deciding: readonly BoundMonitor[];
  /** What its members are to Exchange, by the first that is anything; null when none is. */
  readonly exchange: Recognition | null;
}

export interface BoundMonitor {
  readonly binding: MonitorBinding;
  readonly monitor: Monitor;
}

export interface LintVserver {
  readonly vserver: Vserver;
  /** Services behind it, through content switching too. */
  readonly services: readonly LintService[];
  /** Exchange's virtual directories that it serves, as monitors, rules and names tell. */
  readonly directories: ReadonlySet<Directory>;
}

export function createContext(estate: Estate, settings: LintSettings): LintContext {
  const recognise = createRecogniser(estate, [], new Set());
  const services = [...estate.services.values()].map((service) =>
    lintService(estate, service, recognise),
  );
  const users = new Map<string, LintService[]>();
  for (const one of services) {
    for (const { monitor } of one.bound) {
      append(users, monitor.name, one);
    }
  }
  const byName = new Map(services.map((one) => [one.service.name, one]));
  return {
    estate,
    settings,
    services,
    vservers: lintVservers(estate, byName),
    usersOf: (monitor) => users.get(monitor.name) ?? [],
  };
}

function lintService(
  estate: Estate,
  service: AdcService,
  recognise: (service: AdcService, member: Member) => Recognition,
): LintService {
  const bound = service.monitors.flatMap((binding) => {
    const monitor = estate.monitors.get(binding.monitor);
    return monitor === undefined ? [] : [{ binding, monitor }];
  });
  const recognitions = service.members.map((member) => recognise(service, member));
  return {
    service,
    bound,
    deciding: bound.filter(
      ({ binding, monitor }) => binding.enabled && monitor.enabled && monitor.type !== "LOAD",
    ),
    exchange: recognitions.find(({ protocol }) => protocol !== null) ?? null,
  };
}

function lintVservers(
  estate: Estate,
  services: ReadonlyMap<string, LintService>,
): readonly LintVserver[] {
  const rulesTo = literalsByTarget(estate);
  const lb = [...estate.lbVservers.values()].map((vserver): LintVserver => {
    const behind = vserver.services.flatMap(({ service }) => services.get(service) ?? []);
    const texts = [
      ...(rulesTo.get(vserver.name) ?? []),
      ...behind.flatMap(({ bound }) => bound.map(({ monitor }) => requestTarget(monitor))),
      ...vserver.policies.flatMap(({ policy }) => actionText(estate, policy)),
    ];
    const found = texts.map(directoryOf).filter((directory) => directory !== null);
    const named = found.length > 0 ? null : directoryOf(vserver.name);
    return {
      vserver,
      services: behind,
      directories: new Set(named === null ? found : [named]),
    };
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
    };
  });
  return [...lb, ...cs];
}

function literalsByTarget(estate: Estate): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const vserver of estate.csVservers.values()) {
    for (const binding of vserver.targets) {
      const target = csTargetOf(estate, binding) ?? "";
      const urls = estate.policies.get(binding.policy)?.literals.urls ?? [];
      const values = urls.filter(({ negated }) => !negated).map(({ value }) => value);
      found.set(target, [...(found.get(target) ?? []), ...values]);
    }
  }
  return found;
}

/** `/owa/healthcheck.htm` of `GET /owa/healthcheck.htm HTTP/1.1`; empty when the monitor asks for no page. */
export function requestTarget(monitor: Monitor): string {
  const request = monitor.parameters.httpRequest ?? monitor.parameters.send ?? "";
  return /^\s*[A-Z]+\s+(?:https?:\/\/[^/]+)?(\/\S*)/i.exec(request)?.[1] ?? "";
}

/** The path that a rewrite or redirect puts in place. */
function actionText(estate: Estate, policy: string): string[] {
  const action = estate.policies.get(policy)?.action ?? null;
  const expression = action === null ? null : estate.actions.get(action)?.expression;
  const path = /"(\/[\w.-]+)/.exec(expression ?? "")?.[1];
  return path === undefined ? [] : [path];
}
