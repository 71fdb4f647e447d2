import { z } from "zod";
import { shownDiagnostic } from "../../adc/diagnostic-list.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { Gslb } from "../../model/gslb.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { AuthenticationVserver, CsVserver, LbVserver } from "../../model/vserver.ts";
import { LargeObject, lazyList } from "../http/large-json.ts";
import { type Answer, port } from "./shapes.ts";

const vserverShape = z.strictObject({
  vserver: z.string(),
  kind: z.enum(["lb", "cs", "aaa"]),
  service_type: z.string(),
  address: z.string().nullable(),
  port: port.nullable(),
  enabled: z.boolean(),
  services: z.array(z.string()),
  targets: z.array(z.string()),
  persistence: z.string().nullable(),
  backup_vserver: z.string().nullable(),
  redirect_url: z.string().nullable(),
  login_at: z.string().nullable().describe("The authentication vserver in front of it."),
});

const serviceShape = z.strictObject({
  adc_service: z.string(),
  kind: z.enum(["service", "serviceGroup"]),
  service_type: z.string(),
  enabled: z.boolean(),
  health_monitor: z.boolean(),
  monitors: z.array(
    z.strictObject({
      monitor: z.string(),
      enabled: z.boolean(),
      weight: z.number(),
      synthesised: z.boolean(),
    }),
  ),
  members: z.array(
    z.strictObject({
      server: z.string(),
      address: z.string().nullable(),
      port,
      enabled: z.boolean(),
      weight: z.number(),
    }),
  ),
});

const monitorShape = z.strictObject({
  monitor: z.string(),
  type: z.string(),
  built_in: z.boolean(),
  enabled: z.boolean(),
  interval_ms: z.number(),
  timeout_ms: z.number(),
  down_time_ms: z.number(),
  retries: z.number(),
  success_retries: z.number(),
  secure: z.boolean(),
  reverse: z.boolean(),
  destination_ip: z.string().nullable(),
  destination_port: z.number().nullable(),
  written: z
    .record(z.string(), z.array(z.string()))
    .describe("Parameters as written; secrets are masked."),
});

const gslbShape = z
  .strictObject({
    sites: z.array(
      z.strictObject({
        site: z.string(),
        local: z.boolean().nullable(),
        address: z.string().nullable(),
        public_address: z.string().nullable(),
        metric_exchange: z.boolean(),
      }),
    ),
    services: z.array(
      serviceShape.extend({
        site: z.string().nullable(),
        other_addresses: z
          .array(z.array(z.string()))
          .describe("Addresses in DNS answers besides the members' own, in their order."),
        cname: z.string().nullable(),
      }),
    ),
    vservers: z.array(
      z.strictObject({
        vserver: z.string(),
        service_type: z.string(),
        enabled: z.boolean(),
        record_type: z.string(),
        method: z.string(),
        domains: z.array(z.string()),
        services: z.array(z.string()),
        backup_vserver: z.string().nullable(),
      }),
    ),
    adns: z.array(
      z.strictObject({
        address: z.string(),
        port: z.number().int(),
        transport: z.enum(["udp", "tcp"]),
      }),
    ),
  })
  .describe("Global server load balancing as configured.");

const estateShape = z.strictObject({
  adc: z.string(),
  firmware: z.string().nullable(),
  vservers: z.array(vserverShape),
  services: z.array(serviceShape),
  monitors: z.array(monitorShape),
  gslb: gslbShape,
  diagnostics: z.array(
    z.strictObject({
      severity: z.enum(["info", "warning", "error"]),
      rule: z.string(),
      line: z.number().nullable(),
      object: z.string(),
      message: z.string(),
    }),
  ),
});

/** The estates as imported: what is known about each ADC's configuration. */
export const estateAnswer = z.strictObject({ adcs: z.array(estateShape) });

export function estateJson(estate: Estate): LargeObject<Answer<typeof estateShape>> {
  const { lbVservers, csVservers, authenticationVservers } = estate;
  const vservers = [...lbVservers.values(), ...csVservers.values()];
  const logins = [...authenticationVservers.values()];
  return new LargeObject({
    adc: estate.adc,
    firmware: estate.firmware?.text ?? null,
    vservers: lazyList([...vservers, ...logins], (vserver) =>
      "kind" in vserver ? vserverJson(vserver) : authenticationJson(vserver),
    ),
    services: lazyList([...estate.services.values()], serviceJson),
    monitors: lazyList([...estate.monitors.values()], monitorJson),
    gslb: gslbJson(estate.gslb),
    diagnostics: lazyList(estate.diagnostics, shownDiagnostic),
  });
}

function gslbJson({ sites, services, vservers, adns }: Gslb): Answer<typeof gslbShape> {
  return {
    sites: [...sites.values()].map(({ name, local, address, publicAddress, metricExchange }) => ({
      site: name,
      local,
      address,
      public_address: publicAddress,
      metric_exchange: metricExchange,
    })),
    services: [...services.values()].map((service) => ({
      ...serviceJson(service),
      site: service.site,
      other_addresses: service.otherAddresses,
      cname: service.cname,
    })),
    vservers: [...vservers.values()].map((vserver) => ({
      vserver: vserver.name,
      service_type: vserver.serviceType,
      enabled: vserver.enabled,
      record_type: vserver.recordType,
      method: vserver.method,
      domains: vserver.domains.map(({ name }) => name),
      services: vserver.services.map(({ service }) => service),
      backup_vserver: vserver.backupVserver,
    })),
    adns,
  };
}

function vserverJson(vserver: LbVserver | CsVserver): Answer<typeof vserverShape> {
  const lb = vserver.kind === "lb" ? vserver : null;
  const targets = vserver.kind === "cs" ? vserver.targets.map(({ target }) => target) : [];
  const fallback = vserver.kind === "cs" ? vserver.defaultTarget : null;
  const { authentication } = vserver;
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
    login_at: authentication.form || authentication.http401 ? authentication.vserver : null,
  };
}

/** The ADC's own login, which other vservers name (`login_at`). */
function authenticationJson({
  name,
  address,
  port: own,
}: AuthenticationVserver): Answer<typeof vserverShape> {
  return {
    vserver: name,
    kind: "aaa",
    service_type: "SSL",
    address,
    port: own,
    enabled: true,
    services: [],
    targets: [],
    persistence: null,
    backup_vserver: null,
    redirect_url: null,
    login_at: null,
  };
}

function serviceJson(service: AdcService): Answer<typeof serviceShape> {
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
    members: service.members.map((member) => ({
      server: member.server,
      address: member.address,
      port: member.port,
      enabled: member.enabled,
      weight: member.weight,
    })),
  };
}

function monitorJson(monitor: Monitor): Answer<typeof monitorShape> {
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
