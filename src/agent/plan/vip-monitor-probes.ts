import type { AdcService } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { LbVserver } from "../../estate/vserver.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import type { MonitorSpec } from "../../probes/monitors/spec.ts";
import { bothNotes, monitorLoginTls, vserverPlace } from "./login-tls.ts";
import { LOOK_TIMEOUT_MS } from "./look-probes.ts";
import { secretNote, sourceOf } from "./monitor-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import type { PlanSettings } from "./settings.ts";
import { slowestInterval, targetOf, vipCommon, vipProbeId, vipTls } from "./vip-common.ts";
import { clientSpeaksTls, vipReach } from "./vip-reach.ts";

/** Each monitor of a vserver's services once, where it says something through the ADC. */
export function vipMonitorProbes(
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
        const credential = own?.credential ?? null;
        const tls = clientSpeaksTls(reach.entry, monitor.secure)
          ? vipTls(settings, vserver, reach)
          : null;
        const place = vserverPlace(settings, vserver.name, reach.entry.name, [host]);
        const spec: MonitorSpec = {
          monitor,
          hostHeader: reach.address,
          tls: tls === null || credential === null ? tls : monitorLoginTls(tls, own?.verify, place),
          credential,
          command: own?.command ?? null,
          ...(settings.habits === undefined ? {} : { habits: settings.habits }),
          viaVip: { host: reach.host === null ? null : host, path: reach.path },
        };
        const unsupportedReason = type.unsupported(spec);
        planned.push({
          ...vipCommon(vipProbeId(estate, vserver, reach, monitor.name), estate, vserver, reach),
          note: bothNotes(reach.note, secretNote(spec)),
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

function requestPathOf(parameters: {
  httpRequest: string | null;
  send: string | null;
}): string | null {
  const request = parameters.httpRequest ?? parameters.send ?? "";
  return /^[A-Z]+ (\/\S*)/.exec(request)?.[1] ?? null;
}
