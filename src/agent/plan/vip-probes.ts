import type { AdcService, Estate, LbVserver, Vserver } from "../../estate/model.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import { looksFor, type Recognition } from "../../probes/transactions/recognise.ts";
import type { TransactionName } from "../../probes/transactions/spec.ts";
import {
  anonymousSpec,
  clientTls,
  lookInterval,
  LOOK_TIMEOUT_MS,
  takesOldTls,
  tlsSourceOf,
  type Recogniser,
} from "./look-probes.ts";
import { sourceOf } from "./monitor-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { probeId } from "./probe-id.ts";
import { responderRedirect } from "./responder-redirect.ts";
import type { PlanSettings } from "./settings.ts";
import { publicReach } from "./public-reach.ts";
import {
  adcFrontOf,
  AT_VIP,
  clientSpeaksTls,
  endsTls,
  hostOf,
  securityThrough,
  vipReach,
  type VipReach,
} from "./vip-reach.ts";

/**
 * Every vserver's monitors and looks, through the ADC as a client comes: only those whose success is an application's
 * answer, because the ADC completes a TCP handshake itself.
 */
export function vipProbes(
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  graph: VserverGraph,
): PlannedProbe[] {
  const planned: PlannedProbe[] = [];
  for (const vserver of estate.lbVservers.values()) {
    const services = servicesOf(estate, vserver);
    if (services.length === 0) {
      planned.push(...redirectProbe(estate, settings, vserver));
      continue;
    }
    planned.push(...vipMonitorProbes(graph, estate, settings, vserver, services));
    const looks = vipLookProbes(graph, estate, settings, recognise, vserver, services);
    // Behind a vserver that redirects by a responder policy stands a service that is always up, and nothing to look at.
    planned.push(...(looks.length > 0 ? looks : redirectProbe(estate, settings, vserver)));
  }
  for (const vserver of estate.csVservers.values()) {
    if (vserver.targets.length === 0 && vserver.defaultTarget === null) {
      planned.push(...redirectProbe(estate, settings, vserver));
    }
  }
  return planned;
}

export function servicesOf(estate: Estate, vserver: LbVserver): AdcService[] {
  return vserver.services.flatMap((binding) => estate.services.get(binding.service) ?? []);
}

function vipMonitorProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
  services: readonly AdcService[],
): PlannedProbe[] {
  const seen = new Set<string>();
  const planned: PlannedProbe[] = [];
  for (const service of services) {
    for (const binding of service.monitors) {
      const monitor = estate.monitors.get(binding.monitor);
      const type = monitor === undefined ? null : monitorTypeOf(monitor);
      if (monitor === undefined || type === null || !isSupported(type) || seen.has(monitor.name)) {
        continue;
      }
      if (!type.meaningfulAtVip || !binding.enabled || !monitor.enabled) {
        continue;
      }
      seen.add(monitor.name);
      for (const reach of vipReach(
        graph,
        estate,
        vserver,
        settings,
        requestPathOf(monitor.parameters),
      )) {
        const own = settings.monitors.get(monitor.name);
        const host = reach.host ?? reach.address;
        const spec = {
          monitor,
          hostHeader: reach.address,
          tls: clientSpeaksTls(reach.entry, monitor.secure)
            ? vipTls(settings, vserver, reach)
            : null,
          credential: own?.credential ?? null,
          command: own?.command ?? null,
          ...(settings.habits === undefined ? {} : { habits: settings.habits }),
          viaVip: { host: reach.host === null ? null : host, path: reach.path },
        };
        const unsupportedReason = type.unsupported(spec);
        planned.push({
          ...vipCommon(estate, vserver, reach, monitor.name),
          adcService: service.name,
          intervalMs: slowestInterval(estate, services),
          timeoutMs: Math.max(monitor.responseTimeoutMs, LOOK_TIMEOUT_MS),
          type: monitor.type,
          ...sourceOf(estate, service, monitor, type),
          tlsSource: spec.tls === null ? null : "as a client of today",
          action: {
            kind: "monitor",
            monitor,
            weight: binding.weight,
            run: unsupportedReason === null ? { spec, target: targetOf(reach) } : null,
            unsupportedReason,
          },
        });
      }
    }
  }
  return planned;
}

function vipLookProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  vserver: LbVserver,
  services: readonly AdcService[],
): PlannedProbe[] {
  const seen = new Set<TransactionName>();
  return services.flatMap((service) => {
    const recognition = service.members
      .map((member) => recognise(service, member))
      .find((each) => each.protocol !== null);
    if (recognition === undefined) {
      return [];
    }
    return looksFor(recognition).flatMap((transaction) => {
      if (seen.has(transaction)) {
        return [];
      }
      seen.add(transaction);
      const look = (reach: VipReach): PlannedProbe =>
        vipLook(estate, settings, vserver, services, service, reach, recognition, transaction);
      return [
        ...vipReach(graph, estate, vserver, settings, recognition.path).map(look),
        ...publicReach(graph, estate, vserver, settings, recognition.path).map(look),
      ];
    });
  });
}

export function vipLook(
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
  services: readonly AdcService[],
  service: AdcService,
  reach: VipReach,
  recognition: Recognition,
  transaction: TransactionName,
): PlannedProbe {
  const security = securityThrough(reach.entry, recognition.security);
  const old = !endsTls(reach.entry) && takesOldTls(transaction, recognition.version, reach.port);
  const front = adcFrontOf(estate, vserver, true);
  const path = pathThrough(reach, recognition.path);
  const redirectUrl =
    transaction === "https_challenge"
      ? responderRedirect(estate, [reach.entry, vserver], { path, host: reach.host })
      : null;
  return {
    ...vipCommon(estate, vserver, reach, transaction),
    adcService: service.name,
    intervalMs: Math.max(slowestInterval(estate, services), lookInterval(estate, service)),
    timeoutMs: LOOK_TIMEOUT_MS,
    type: transaction,
    source: "agent",
    sourceAddresses: [],
    tlsSource: tlsSourceOf(security),
    action: {
      kind: "transaction",
      transaction,
      role: transaction === "health_page" ? "detection" : "service",
      account: null,
      run:
        reach.refused === null
          ? {
              spec: {
                ...anonymousSpec(transaction, recognition),
                security,
                path,
                tls: security === "none" ? null : vipTls(settings, vserver, reach, old),
                host: reach.host ?? reach.address,
                adc: { ...front, redirectUrl },
              },
              target: targetOf(reach),
            }
          : null,
      unsupportedReason: reach.refused,
    },
  };
}

/** A vserver that only redirects is asked whether it does; where it has no address there is nothing to ask. */
function redirectProbe(estate: Estate, settings: PlanSettings, vserver: Vserver): PlannedProbe[] {
  const own = settings.vservers.get(vserver.name);
  const asked = { path: own?.path ?? "/", host: hostOf(own) };
  const withoutServices = vserver.kind === "cs" || vserver.services.length === 0;
  const always = adcFrontOf(estate, vserver, !withoutServices);
  const front = {
    ...always,
    redirectUrl: responderRedirect(estate, [vserver], asked) ?? always.redirectUrl,
  };
  if (front.redirectUrl === null || vserver.address === null || typeof vserver.port !== "number") {
    return [];
  }
  const reach: VipReach = {
    ...AT_VIP,
    entry: vserver,
    address: vserver.address,
    port: vserver.port,
    ...asked,
    policyHost: null,
  };
  const tls = clientSpeaksTls(vserver, false);
  return [
    {
      ...vipCommon(estate, vserver, reach, "https_challenge"),
      adcService: "",
      intervalMs: 30_000,
      timeoutMs: LOOK_TIMEOUT_MS,
      type: "https_challenge",
      source: "agent",
      sourceAddresses: [],
      tlsSource: tls ? "as a client of today" : null,
      action: {
        kind: "transaction",
        transaction: "https_challenge",
        role: "service",
        account: null,
        run: {
          spec: {
            ...anonymousSpec("https_challenge", {
              version: null,
              protocol: "https",
              path: reach.path,
              security: tls ? "implicit" : "none",
            }),
            tls: tls ? vipTls(settings, vserver, reach) : null,
            host: reach.host ?? reach.address,
            adc: front,
          },
          target: targetOf(reach),
        },
        unsupportedReason: null,
      },
    },
  ];
}

/** The parts that every probe through a VIP has. */
export function vipCommon(estate: Estate, vserver: Vserver, reach: VipReach, name: string) {
  const { vantage } = reach;
  const through = reach.entry.name === vserver.name ? [] : [reach.entry.name];
  return {
    id: probeId(
      estate.adc,
      vantage,
      vserver.name,
      vantage === "public" ? `${reach.entry.name} ${reach.address}` : reach.entry.name,
      reach.port,
      name,
    ),
    adc: estate.adc,
    vantage,
    vserver: vserver.name,
    vservers: [vserver.name, ...through],
    server: null,
    memberAddress: null,
    memberPort: null,
    address: reach.address,
    port: reach.port,
    note: reach.note,
  };
}

function targetOf(reach: VipReach) {
  return { host: reach.address, port: reach.port, server: null };
}

function vipTls(settings: PlanSettings, vserver: Vserver, reach: VipReach, old = false) {
  const own = settings.vservers.get(vserver.name) ?? settings.vservers.get(reach.entry.name);
  const names = reach.name === null ? (own?.names ?? []) : [reach.name];
  return clientTls(reach.host ?? reach.address, old, own?.ca ?? null, names);
}

/** The path asked through content switching must satisfy the policy; the member's own path is kept where it does. */
function pathThrough(reach: VipReach, own: string | null): string | null {
  return reach.path ?? own;
}

function slowestInterval(estate: Estate, services: readonly AdcService[]): number {
  const intervals = services.flatMap((service) =>
    service.monitors.flatMap((binding) => estate.monitors.get(binding.monitor)?.intervalMs ?? []),
  );
  return intervals.length === 0 ? 30_000 : Math.max(...intervals);
}

function requestPathOf(parameters: {
  httpRequest: string | null;
  send: string | null;
}): string | null {
  const request = parameters.httpRequest ?? parameters.send ?? "";
  return /^[A-Z]+ (\/\S*)/.exec(request)?.[1] ?? null;
}
