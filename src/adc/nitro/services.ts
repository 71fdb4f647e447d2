import { isIP } from "../../lib/ip.ts";
import { defaultBinding, isDefaultMonitor } from "../monitor-defaults.ts";
import { memberKey } from "../../model/adc-state.ts";
import type { AdcService, Member, MonitorBinding } from "../../model/adc-service.ts";
import { readWhole } from "../fields.ts";
import type { Server } from "../../model/estate.ts";
import {
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  SERVER_FIELDS,
  SERVICE_FIELDS,
  familyOf,
} from "../vserver-fields.ts";
import type { BackendTls } from "../../model/tls-settings.ts";
import { isEnabled } from "./states.ts";
import { address, port, rowSource, text, type Report, type Row } from "./row-values.ts";

/** A row of `server`. */
export function serverFromRow(row: Row, report: Report): Server | null {
  const name = text(row, "name");
  return name === null
    ? null
    : {
        name,
        address: address(row, "ipaddress"),
        domain: text(row, "domain"),
        ...readWhole(SERVER_FIELDS, rowSource(row, name, report)),
        line: null,
      };
}

/** Settings of a `service` or `servicegroup` row, before members and monitors are known. */
export function serviceFromRow(
  row: Row,
  kind: AdcService["kind"],
  tls: BackendTls,
  report: Report,
): Omit<AdcService, "members" | "monitors"> | null {
  const name = text(row, kind === "service" ? "name" : "servicegroupname");
  return name === null
    ? null
    : {
        kind,
        name,
        serviceType: text(row, "servicetype")?.toUpperCase() ?? "ANY",
        ...readWhole(SERVICE_FIELDS, rowSource(row, name, report)),
        enabled: isEnabled(row, "svrstate"),
        tls,
        line: null,
      };
}

/** The one member of a service, from the service's own row. */
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
    ...addressOf(server, address(row, "ipaddress") ?? address(row, "ip"), servers),
    enabled: service.enabled && (servers.get(server)?.enabled ?? true),
    weight: 1,
    line: null,
  };
}

/**
 * The members of a group from `servicegroup_servicegroupmember_binding`. Duplicate rows, which appliances send, are dropped.
 * Several addresses of one name (DNS autoscale) become a member each: the lowest has the name, whatever the order of the rows,
 * the others their address.
 */
export function membersFromRows(
  rows: readonly Row[],
  group: {
    readonly name: string;
    readonly enabled: boolean;
    /** The port of members that were bound without one. */
    readonly memberPort: number | null;
  },
  servers: ReadonlyMap<string, Server>,
  report: Report,
): Member[] {
  const candidates = rows.flatMap((row) => {
    const ip = address(row, "ip");
    const named = text(row, "servername") ?? ip;
    const memberPort = port(row, "port") ?? group.memberPort;
    return named === null || memberPort === null
      ? []
      : [{ row, ip, named, memberPort, key: memberKey(group.name, named, memberPort) }];
  });
  const first = new Map<string, string>();
  for (const { key, ip } of candidates) {
    const known = first.get(key);
    if (ip !== null && (known === undefined || ip < known)) {
      first.set(key, ip);
    }
  }
  const members = new Map<string, Member>();
  for (const { row, ip, named, memberPort, key } of candidates) {
    const server = ip === null || ip === first.get(key) ? named : ip;
    const memberAddress = addressOf(server, ip ?? first.get(key) ?? null, servers);
    if (members.has(memberKey(group.name, server, memberPort))) {
      continue;
    }
    const { enabled, weight } = readWhole(MEMBER_FIELDS, rowSource(row, group.name, report));
    members.set(memberKey(group.name, server, memberPort), {
      adcService: group.name,
      server,
      port: memberPort,
      ...memberAddress,
      enabled: enabled && group.enabled && (servers.get(server)?.enabled ?? true),
      weight,
      line: null,
    });
  }
  return [...members.values()];
}

/** For a server known by domain name, the address that the ADC reports is the one it uses. Without one, the probe resolves the name. */
function addressOf(
  server: string,
  reported: string | null,
  servers: ReadonlyMap<string, Server>,
): Pick<Member, "address" | "domain" | "family"> {
  const known = servers.get(server);
  if (known !== undefined && (known.address !== null || known.domain !== null)) {
    const { address: own, domain } = known;
    return {
      address: domain === null ? (own ?? reported) : (reported ?? own),
      domain,
      ...familyOf(known),
    };
  }
  const literal = isIP(server) === 0 ? reported : server;
  return literal === null ? { address: null, domain: server } : { address: literal, domain: null };
}

/**
 * Bindings of monitors from `service_lbmonitor_binding` or `servicegroup_lbmonitor_binding`. The ADC's default monitor is
 * added if the rows do not contain it.
 */
export function monitorBindings(
  rows: readonly Row[],
  service: Omit<AdcService, "members" | "monitors">,
  members: readonly Member[],
  hasDefault: boolean,
  report: Report,
): MonitorBinding[] {
  const bindings = new Map<string, MonitorBinding>();
  for (const row of rows) {
    const monitor = text(row, "monitor_name");
    if (monitor !== null && !bindings.has(monitor)) {
      bindings.set(monitor, {
        monitor,
        ...readWhole(MONITOR_BINDING_FIELDS, rowSource(row, service.name, report)),
        synthesised: isDefaultMonitor(monitor),
        deprecatedForm: false,
        line: null,
      });
    }
  }
  return bindings.size > 0 || !hasDefault
    ? [...bindings.values()]
    : [defaultBinding(service.serviceType, members)];
}
