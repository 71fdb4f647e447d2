import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { NitroBackend } from "./backend.ts";
import {
  double,
  enabledDisabled,
  localTime,
  optional,
  optionalDouble,
  ticks,
  wirePort,
  yesNo,
  type Row,
} from "./wire-values.ts";

export function* serverRows({ estate }: NitroBackend): Generator<Row> {
  for (const server of estate().servers.values()) {
    yield {
      name: server.name,
      ipaddress: optional(server.address),
      domain: optional(server.domain),
      state: enabledDisabled(server.enabled),
      ipv6address: yesNo(server.address?.includes(":") ?? false),
      td: double(server.trafficDomain),
      comment: optional(server.comment),
    };
  }
}

export function* serviceRows(backend: NitroBackend): Generator<Row> {
  const estate = backend.estate();
  for (const service of estate.services.values()) {
    const member = service.members[0];
    if (service.kind !== "service" || member === undefined) {
      continue;
    }
    const belief = backend.member(member);
    const first = service.monitors[0];
    const monitor = first === undefined ? null : backend.monitor(member, first);
    yield {
      name: service.name,
      numofconnections: 0,
      servername: member.server,
      ipaddress: wireAddress(member, estate),
      port: wirePort(member.port),
      serviceconftype: true,
      serviceconftype2: "Configured",
      ...serviceSettings(service),
      svrstate: belief.state,
      monitor_state: monitor?.state,
      lastresponse: monitor?.lastResponse,
      responsetime: monitor === null ? undefined : double(monitor.responseTimeMs),
      trofsreason: optional(belief.trofsReason),
      statechangetimesec: localTime(Date.now() - belief.sinceChangeMs),
      tickssincelaststatechange: ticks(belief.sinceChangeMs),
    };
  }
}

export function* serviceGroupRows(backend: NitroBackend): Generator<Row> {
  for (const service of backend.estate().services.values()) {
    if (service.kind === "serviceGroup") {
      yield {
        servicegroupname: service.name,
        numofconnections: 0,
        serviceconftype: true,
        ...serviceSettings(service),
        autoscale: service.autoScale ?? "DISABLED",
        servicegroupeffectivestate: effectiveState(backend, service),
      };
    }
  }
}

function serviceSettings(service: AdcService): Row {
  return {
    servicetype: service.serviceType,
    state: enabledDisabled(service.enabled),
    healthmonitor: yesNo(service.healthMonitor),
    monthreshold: double(service.monThreshold),
    monconnectionclose: service.monConnectionClose ?? "NONE",
    usip: yesNo(service.useSourceIp),
    netprofile: optional(service.netProfile),
    td: double(service.trafficDomain),
    maxclient: double(service.maxClients),
    clttimeout: optionalDouble(seconds(service.clientTimeoutMs)),
    svrtimeout: optionalDouble(seconds(service.serverTimeoutMs)),
    comment: optional(service.comment),
  };
}

function seconds(durationMs: number | null): number | null {
  return durationMs === null ? null : durationMs / 1_000;
}

/** An appliance that has not resolved a server's domain name yet shows 0.0.0.0. */
export function wireAddress(member: Member, estate: Estate): string {
  return member.address ?? estate.servers.get(member.server)?.address ?? "0.0.0.0";
}

function effectiveState(backend: NitroBackend, service: AdcService): string {
  if (!service.enabled) {
    return "OUT OF SERVICE";
  }
  const up = service.members.filter((member) => backend.member(member).state === "UP").length;
  if (up === 0) {
    return "DOWN";
  }
  return up === service.members.length ? "UP" : "PARTIAL-UP";
}

export function* nodeRows({ nodes }: NitroBackend): Generator<Row> {
  let id = 0;
  for (const node of nodes()) {
    yield {
      id: double(id),
      name: node.name,
      ipaddress: node.address,
      state: node.role,
      hastatus: "UP",
      hasync: "ENABLED",
      masterstatetime: double(0),
    };
    id += 1;
  }
}

export function* addressRows({ estate }: NitroBackend): Generator<Row> {
  const { nsip, snips } = estate();
  if (nsip !== null) {
    yield { ipaddress: nsip, type: "NSIP", state: "ENABLED", td: double(0) };
  }
  for (const snip of snips) {
    yield { ipaddress: snip, type: "SNIP", state: "ENABLED", td: double(0) };
  }
}

export function* netProfileRows({ estate }: NitroBackend): Generator<Row> {
  for (const profile of estate().netProfiles.values()) {
    yield { name: profile.name, srcip: optional(profile.sourceIp), td: double(0) };
  }
}
