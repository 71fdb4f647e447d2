import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { Monitor } from "../../src/model/monitor.ts";
import type { AddressMap } from "./address-map.ts";
import { monitorTls, type BackendContexts } from "./backend-tls.ts";
import { announces } from "./connect.ts";
import { passes, runnerOf } from "./monitors/registry.ts";
import { RunningMonitor, type MonitorProbe } from "./running-monitor.ts";

export interface MonitoringWorld {
  readonly estate: Estate;
  readonly addresses: AddressMap;
  readonly timeScale: number;
  readonly backendTls: BackendContexts;
  readonly monitorPassword: (monitor: string) => string | null;
}

/** NetScaler docs: monitors of these types begin with the PROXY header of their net profile. */
const ANNOUNCED = /^(HTTP|HTTP-INLINE|HTTP-ECV|TCP-ECV)$/i;

/** The monitors bound to a service, set up for one of its members. Not started. */
export function monitorsOf(
  member: Member,
  service: AdcService,
  world: MonitoringWorld,
  onResult: () => void,
): RunningMonitor[] {
  return service.monitors.flatMap((binding) => {
    const monitor = world.estate.monitors.get(binding.monitor);
    if (monitor === undefined) {
      return [];
    }
    const settings = {
      intervalMs: monitor.intervalMs * world.timeScale,
      downTimeMs: monitor.downTimeMs * world.timeScale,
      retries: monitor.retries,
      failureRetries: monitor.failureRetries,
      successRetries: monitor.successRetries,
    };
    const counted = { ...binding, enabled: binding.enabled && monitor.enabled };
    return [
      new RunningMonitor(counted, settings, probeOf(monitor, member, service, world), onResult),
    ];
  });
}

function probeOf(
  monitor: Monitor,
  member: Member,
  service: AdcService,
  world: MonitoringWorld,
): MonitorProbe | null {
  const run = runnerOf(monitor);
  if (run === null) {
    return null;
  }
  const host = monitor.destIp ?? member.address ?? member.domain ?? member.server;
  const port = monitor.destPort ?? member.port;
  return {
    run: () =>
      run({
        monitor,
        endpoint: world.addresses.find(host, port),
        address: monitor.destIp ?? member.address ?? host,
        ...monitorTls(monitor, service, world.estate, world.backendTls),
        announces:
          ANNOUNCED.test(monitor.type) &&
          announces(monitor.netProfile ?? service.netProfile, world.estate),
        timeoutMs: monitor.responseTimeoutMs * world.timeScale,
        password: world.monitorPassword(monitor.name),
        answersPing: world.addresses.answersPing(host),
      }),
    passes: (outcome) => passes(monitor, outcome),
  };
}
