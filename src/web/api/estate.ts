import type { AdcService } from "../../model/adc-service.ts";
import type { Diagnostic, Estate } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { CsVserver, LbVserver } from "../../model/vserver.ts";

/** The estate as imported: what the witness knows of one ADC's configuration. */
export interface EstateJson {
  readonly adc: string;
  readonly firmware: string | null;
  readonly vservers: readonly VserverJson[];
  readonly services: readonly ServiceJson[];
  readonly monitors: readonly MonitorJson[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface VserverJson {
  readonly vserver: string;
  readonly kind: "lb" | "cs";
  readonly service_type: string;
  readonly address: string | null;
  readonly port: number | "*" | null;
  readonly enabled: boolean;
  readonly services: readonly string[];
  /** Of a content-switching vserver: the load-balancing vservers it leads to. */
  readonly targets: readonly string[];
  readonly persistence: string | null;
  readonly backup_vserver: string | null;
  readonly redirect_url: string | null;
}

export interface ServiceJson {
  readonly adc_service: string;
  readonly kind: "service" | "serviceGroup";
  readonly service_type: string;
  readonly enabled: boolean;
  readonly health_monitor: boolean;
  readonly monitors: readonly {
    readonly monitor: string;
    readonly enabled: boolean;
    readonly weight: number;
    readonly synthesised: boolean;
  }[];
  readonly members: readonly {
    readonly server: string;
    readonly address: string | null;
    readonly port: number | "*";
    readonly enabled: boolean;
    readonly weight: number;
  }[];
}

export interface MonitorJson {
  readonly monitor: string;
  readonly type: string;
  readonly built_in: boolean;
  readonly enabled: boolean;
  readonly interval_ms: number;
  readonly timeout_ms: number;
  readonly down_time_ms: number;
  readonly retries: number;
  readonly success_retries: number;
  readonly secure: boolean;
  readonly reverse: boolean;
  readonly destination_ip: string | null;
  readonly destination_port: number | null;
  /** Parameters as written, secrets masked. */
  readonly written: Readonly<Record<string, readonly string[]>>;
}

export function estateJson(estate: Estate): EstateJson {
  return {
    adc: estate.adc,
    firmware: estate.firmware?.text ?? null,
    vservers: [
      ...[...estate.lbVservers.values()].map(vserverJson),
      ...[...estate.csVservers.values()].map(vserverJson),
    ],
    services: [...estate.services.values()].map(serviceJson),
    monitors: [...estate.monitors.values()].map(monitorJson),
    diagnostics: estate.diagnostics,
  };
}

function vserverJson(vserver: LbVserver | CsVserver): VserverJson {
  const lb = vserver.kind === "lb" ? vserver : null;
  const targets = vserver.kind === "cs" ? vserver.targets.map(({ target }) => target) : [];
  const fallback = vserver.kind === "cs" ? vserver.defaultTarget : null;
  return {
    vserver: vserver.name,
    kind: vserver.kind,
    service_type: vserver.serviceType,
    address: vserver.address,
    port: vserver.port,
    enabled: vserver.enabled,
    services: lb?.services.map(({ service }) => service) ?? [],
    targets: [...new Set([...targets, fallback])].filter((target) => target !== null),
    persistence: lb?.persistence.type ?? null,
    backup_vserver: vserver.backupVserver,
    redirect_url: vserver.redirectUrl ?? vserver.httpsRedirectUrl,
  };
}

function serviceJson(service: AdcService): ServiceJson {
  return {
    adc_service: service.name,
    kind: service.kind,
    service_type: service.serviceType,
    enabled: service.enabled,
    health_monitor: service.healthMonitor,
    monitors: service.monitors.map(({ monitor, enabled, weight, synthesised }) => ({
      monitor,
      enabled,
      weight,
      synthesised,
    })),
    members: service.members.map(({ server, address, port, enabled, weight }) => ({
      server,
      address,
      port,
      enabled,
      weight,
    })),
  };
}

function monitorJson(monitor: Monitor): MonitorJson {
  return {
    monitor: monitor.name,
    type: monitor.type,
    built_in: monitor.builtIn,
    enabled: monitor.enabled,
    interval_ms: monitor.intervalMs,
    timeout_ms: monitor.responseTimeoutMs,
    down_time_ms: monitor.downTimeMs,
    retries: monitor.retries,
    success_retries: monitor.successRetries,
    secure: monitor.secure,
    reverse: monitor.reverse,
    destination_ip: monitor.destIp,
    destination_port: monitor.destPort,
    written: Object.fromEntries(monitor.written),
  };
}
