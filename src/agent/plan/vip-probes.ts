import type { VserverGraph } from "../../adc/vserver-graph.ts";
import type { Estate } from "../../model/estate.ts";
import type { PlanSettings } from "./settings.ts";
import {
  type LookRecognition,
  type Recogniser,
  MAPPER_PORT,
  isLookAllowed,
  lookOptions,
  looksOf,
  takesOldTls,
  lookInterval,
  lookTimeout,
  tlsSourceOf,
  anonymousSpec,
} from "./look-probes.ts";
import type { LbVserver } from "../../model/vserver.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import type { TransactionName } from "../../model/transactions.ts";
import {
  type VipReach,
  vipReach,
  securityThrough,
  endsTls,
  adcFrontOf,
  vipCommon,
  vipProbeId,
  slowestInterval,
  vipTls,
  targetOf,
  clientSpeaksTls,
  servicesOf,
} from "./vip-reach.ts";
import { publicReach } from "./public-reach.ts";
import { responderRedirect, redirectProbe } from "./redirects.ts";
import { monitorTypeOf, isSupported } from "../../probes/monitors/registry.ts";
import { monitorCredential, type MonitorSpec } from "../../probes/monitors/spec.ts";
import { sendsSecret, sourceOf, secretNote } from "./monitor-probes.ts";
import { bothNotes, monitorLoginTls, vserverPlace } from "./login-tls.ts";

/** Each look that the vserver's services are recognised for once, at its VIP and at its public addresses. */
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
    const found = service.members
      .map((member) => recognise(service, member))
      .filter((each) => each.protocol !== null);
    const recognition = found.find(({ exchange }) => exchange !== "no") ?? found[0];
    if (recognition === undefined) {
      return [];
    }
    return vipLooksFor(vserver, recognition).flatMap((transaction) => {
      const isAllowed = isLookAllowed(settings, transaction, null, [vserver.name]);
      if (seen.has(transaction) || !isAllowed) {
        return [];
      }
      seen.add(transaction);
      const look = (reach: VipReach): PlannedProbe =>
        vipLook(estate, settings, vserver, services, service, reach, recognition, transaction);
      return [
        ...vipReach(graph, estate, vserver, settings, recognition.path, MAPPER_PORT).map(look),
        ...publicReach(graph, estate, vserver, settings, recognition.path, MAPPER_PORT).map(look),
      ];
    });
  });
}
/** Clients of RPC Client Access come to every port of a VIP, and ask the endpoint mapper first. */
function vipLooksFor(
  { port }: LbVserver,
  recognition: LookRecognition,
): readonly TransactionName[] {
  return port === "*" && recognition.protocol === "rpc"
    ? ["rpc_endpoint_map"]
    : looksOf(recognition);
}

/** One look through one way in. */
export function vipLook(
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
  services: readonly AdcService[],
  service: AdcService,
  reach: VipReach,
  recognition: LookRecognition,
  transaction: TransactionName,
): PlannedProbe {
  const security = securityThrough(reach.entry, recognition.security);
  const old = !endsTls(reach.entry) && takesOldTls(transaction, recognition, reach.port);
  const front = adcFrontOf(estate, vserver, true);
  const path = pathThrough(reach, recognition.path);
  const redirectUrl =
    transaction === "https_challenge" || transaction === "web_answer"
      ? responderRedirect(
          estate,
          [reach.entry, vserver],
          { path, host: reach.host },
          reach.host ?? reach.address,
        )
      : null;
  return {
    ...vipCommon(vipProbeId(estate, vserver, reach, transaction), estate, vserver, reach),
    adcService: service.name,
    intervalMs: Math.max(slowestInterval(estate, services), lookInterval(estate, service)),
    timeoutMs: lookTimeout(settings, transaction),
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
                options:
                  lookOptions(estate, settings, service, null, recognition, transaction) ?? {},
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
/** The path asked through content switching must satisfy the policy; the member's own path is kept where it does. */
function pathThrough(reach: VipReach, own: string | null): string | null {
  return reach.path ?? own;
}
/** Each monitor of a vserver's services once, where it says something through the ADC. */
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
      const says = type.meaningfulAtVip || saysByRefusal(vserver, monitor);
      if (!says || !binding.enabled || !monitor.enabled) {
        continue;
      }
      seen.add(monitor.name);
      for (const reach of vipReach(
        graph,
        estate,
        vserver,
        settings,
        requestPathOf(monitor.parameters),
        monitor.destPort,
      )) {
        const own = settings.monitors.get(monitor.name);
        const host = reach.host ?? reach.address;
        const credential = monitorCredential(monitor, own?.credential ?? null);
        const tls = clientSpeaksTls(reach.entry, monitor.secure)
          ? vipTls(settings, vserver, reach)
          : null;
        const place = vserverPlace(settings, vserver.name, reach.entry.name, [host]);
        const spec: MonitorSpec = {
          monitor,
          hostHeader: reach.address,
          tls:
            tls !== null && sendsSecret(monitor, credential)
              ? monitorLoginTls(tls, own?.verify, place)
              : tls,
          credential,
          command: own?.command ?? null,
          ...(settings.habits === undefined ? {} : { habits: settings.habits }),
          viaVip: { host: reach.host === null ? null : host, path: reach.path },
        };
        const unsupportedReason =
          reach.refused ?? loginFirst(estate, vserver, monitor) ?? type.unsupported(spec);
        planned.push({
          ...vipCommon(vipProbeId(estate, vserver, reach, monitor.name), estate, vserver, reach),
          note: bothNotes(reach.note, secretNote(spec)),
          adcService: service.name,
          intervalMs: slowestInterval(estate, services),
          timeoutMs: Math.max(monitor.responseTimeoutMs, settings.lookTimeoutMs),
          type: monitor.type,
          ...sourceOf(estate, service, monitor, type),
          tlsSource: spec.tls === null ? null : "with current TLS versions",
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
/**
 * At a VIP of every port there may be nothing else to ask: a handshake is the ADC's own and says nothing, but a refused
 * connection proves that the vserver is gone.
 */
function saysByRefusal({ port }: LbVserver, { type, destPort, secure, reverse }: Monitor): boolean {
  return port === "*" && type === "TCP" && destPort !== null && !secure && !reverse;
}

/** Through a login of the ADC's own a monitor meets that login and no server. */
function loginFirst(estate: Estate, vserver: LbVserver, monitor: Monitor): string | null {
  const isGuarded = adcFrontOf(estate, vserver, true).authentication !== "none";
  return isGuarded && /^(?:HTTP|TCP-ECV)/.test(monitor.type.toUpperCase())
    ? `${vserver.name} asks for a login first, which ${monitor.name} does not make`
    : null;
}

function requestPathOf(parameters: {
  httpRequest: string | null;
  send: string | null;
}): string | null {
  const request = parameters.httpRequest ?? parameters.send ?? "";
  return /^[A-Z]+ (\/\S*)/.exec(request)?.[1] ?? null;
}
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
    const isExchange = looks.some(({ type }) => type !== "web_answer");
    const redirects = isExchange ? [] : redirectProbe(estate, settings, vserver);
    planned.push(...(redirects.length > 0 ? redirects : looks));
  }
  for (const vserver of estate.csVservers.values()) {
    if (vserver.targets.length === 0 && vserver.defaultTarget === null) {
      planned.push(...redirectProbe(estate, settings, vserver));
    }
  }
  return planned;
}
