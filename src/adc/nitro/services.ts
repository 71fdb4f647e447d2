import { isIP } from "node:net";
import { defaultMonitorFor } from "../monitor-defaults.ts";
import { memberKey } from "../../model/adc-state.ts";
import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import type { Server } from "../../model/estate.ts";
import type { BackendTls } from "../../model/tls-parameters.ts";
import { address, flag, number, port, text, textOrNone, type Row } from "./row-values.ts";

/** A row of `server`. */
export function serverFromRow(row: Row): Server | null {
  const name = text(row, "name");
  if (name === null) {
    return null;
  }
  return {
    name,
    address: address(row, "ipaddress"),
    domain: text(row, "domain"),
    enabled: flag(row, "state") ?? true,
    trafficDomain: number(row, "td") ?? 0,
    comment: text(row, "comment"),
    line: null,
  };
}

/** Settings of a `service` or `servicegroup` row, before members and monitors are known. */
export function serviceFromRow(
  row: Row,
  kind: AdcService["kind"],
  tls: BackendTls,
): Omit<AdcService, "members" | "monitors"> | null {
  const name = text(row, kind === "service" ? "name" : "servicegroupname");
  if (name === null) {
    return null;
  }
  const close = text(row, "monconnectionclose")?.toUpperCase();
  const autoScale = text(row, "autoscale")?.toUpperCase() ?? "DISABLED";
  return {
    kind,
    name,
    serviceType: text(row, "servicetype")?.toUpperCase() ?? "ANY",
    enabled: flag(row, "state") ?? true,
    healthMonitor: flag(row, "healthmonitor") ?? true,
    monThreshold: number(row, "monthreshold") ?? 0,
    monConnectionClose: close === "FIN" || close === "RESET" ? close : null,
    useSourceIp: flag(row, "usip") ?? false,
    netProfile: textOrNone(row, "netprofile"),
    trafficDomain: number(row, "td") ?? 0,
    maxClients: number(row, "maxclient") ?? 0,
    clientTimeoutMs: secondsAsMs(row, "clttimeout"),
    serverTimeoutMs: secondsAsMs(row, "svrtimeout"),
    autoScale: autoScale === "DISABLED" ? null : autoScale,
    tls,
    comment: text(row, "comment"),
    line: null,
  };
}

/** The one member of a service, told in the service's own row. */
export function memberFromServiceRow(
  row: Row,
  service: { readonly name: string; readonly enabled: boolean },
  servers: ReadonlyMap<string, Server>,
): Member | null {
  const server = text(row, "servername") ?? text(row, "ipaddress") ?? text(row, "ip");
  const memberPort = port(row, "port");
  if (server === null || memberPort === null) {
    return null;
  }
  return {
    adcService: service.name,
    server,
    port: memberPort,
    ...placeOf(server, address(row, "ipaddress") ?? address(row, "ip"), servers),
    enabled: service.enabled && (servers.get(server)?.enabled ?? true),
    weight: 1,
    line: null,
  };
}

/**
 * The members of a group out of `servicegroup_servicegroupmember_binding`. Duplicated rows, which appliances send, are
 * dropped; several addresses behind one name (DNS autoscale) become members named by their address.
 */
export function membersFromRows(
  rows: readonly Row[],
  group: { readonly name: string; readonly enabled: boolean },
  servers: ReadonlyMap<string, Server>,
): Member[] {
  const members = new Map<string, Member>();
  for (const row of rows) {
    const ip = address(row, "ip");
    const named = text(row, "servername") ?? ip;
    const memberPort = port(row, "port");
    if (named === null || memberPort === null) {
      continue;
    }
    const twin = members.get(memberKey(group.name, named, memberPort));
    const server = twin !== undefined && ip !== null && twin.address !== ip ? ip : named;
    const place = placeOf(server, ip, servers);
    if (twin !== undefined && (server === named || twin.domain !== null)) {
      continue;
    }
    members.set(memberKey(group.name, server, memberPort), {
      adcService: group.name,
      server,
      port: memberPort,
      ...place,
      enabled:
        (flag(row, "state") ?? true) && group.enabled && (servers.get(server)?.enabled ?? true),
      weight: number(row, "weight") ?? 1,
      line: null,
    });
  }
  return [...members.values()];
}

/** A server known by domain name has no address of its own here: whoever probes it asks the DNS. */
function placeOf(
  server: string,
  told: string | null,
  servers: ReadonlyMap<string, Server>,
): Pick<Member, "address" | "domain"> {
  const known = servers.get(server);
  if (known !== undefined && (known.address !== null || known.domain !== null)) {
    return { address: known.address, domain: known.domain };
  }
  const literal = isIP(server) === 0 ? told : server;
  return literal === null ? { address: null, domain: server } : { address: literal, domain: null };
}

/**
 * Bindings of monitors out of `service_lbmonitor_binding` or `servicegroup_lbmonitor_binding`; the monitor that the ADC
 * binds by itself is added where the rows do not show it.
 */
export function monitorBindings(
  rows: readonly Row[],
  service: Omit<AdcService, "members" | "monitors">,
  members: readonly Member[],
  hasDefault: boolean,
): MonitorBinding[] {
  const bindings = new Map<string, MonitorBinding>();
  for (const row of rows) {
    const monitor = text(row, "monitor_name");
    if (monitor !== null && !bindings.has(monitor)) {
      bindings.set(monitor, {
        monitor,
        enabled: flag(row, "monstate") ?? true,
        weight: number(row, "monweight") ?? number(row, "weight") ?? number(row, "dup_weight") ?? 1,
        passive: flag(row, "passive") ?? false,
        synthesised: monitor === "tcp-default" || monitor === "ping-default",
        deprecatedForm: false,
        line: null,
      });
    }
  }
  if (bindings.size > 0 || !hasDefault) {
    return [...bindings.values()];
  }
  // A group's ports decide together: only if all are `*` is it `ping-default`.
  const ports = members.map((member) => member.port);
  return [
    {
      monitor: defaultMonitorFor(
        service.serviceType,
        ports.find((candidate) => candidate !== "*") ?? ports[0] ?? 0,
      ),
      enabled: true,
      weight: 1,
      passive: false,
      synthesised: true,
      deprecatedForm: false,
      line: null,
    },
  ];
}

/** NITRO tells idle time-outs in seconds. */
export function secondsAsMs(row: Row, field: string): number | null {
  const seconds = number(row, field);
  return seconds === null ? null : seconds * 1_000;
}
