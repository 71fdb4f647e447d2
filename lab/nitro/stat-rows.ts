import type { AdcService, Member } from "../../src/model/adc-service.ts";
import type { NitroBackend, NitroState } from "./backend.ts";
import { entityName } from "./binding-rows.ts";
import { wireAddress } from "./config-rows.ts";
import { double, wirePort, type Row } from "./wire-values.ts";

export function* lbVserverStatRows(backend: NitroBackend): Generator<Row> {
  for (const vserver of backend.estate().lbVservers.values()) {
    const belief = backend.vserver(vserver.name);
    yield {
      name: vserver.name,
      type: vserver.serviceType,
      primaryipaddress: vserver.address ?? "0.0.0.0",
      primaryport: vserver.port === null ? 0 : wirePort(vserver.port),
      state: statState(belief.state),
      vslbhealth: double(belief.healthPercent),
      actsvcs: double(belief.activeServices),
      inactsvcs: double(belief.totalServices - belief.activeServices),
      curclntconnections: double(belief.clientConnections),
      hitsrate: 0,
    };
  }
}

export function* csVserverStatRows(backend: NitroBackend): Generator<Row> {
  for (const vserver of backend.estate().csVservers.values()) {
    const belief = backend.vserver(vserver.name);
    yield {
      name: vserver.name,
      type: vserver.serviceType,
      primaryipaddress: vserver.address ?? "0.0.0.0",
      primaryport: vserver.port === null ? 0 : wirePort(vserver.port),
      state: statState(belief.state),
      curclntconnections: double(belief.clientConnections),
    };
  }
}

export function* serviceStatRows(backend: NitroBackend): Generator<Row> {
  for (const service of backend.estate().services.values()) {
    const member = service.members[0];
    if (service.kind === "service" && member !== undefined) {
      yield {
        name: service.name,
        servicetype: service.serviceType,
        ...memberStat(backend, member),
      };
    }
  }
}

/** One row per group; its members only if `statbindings=yes` is requested. */
export function serviceGroupStatRows(
  withMembers: boolean,
): (backend: NitroBackend) => Generator<Row> {
  return function* (backend) {
    for (const group of backend.estate().services.values()) {
      if (group.kind === "serviceGroup") {
        yield {
          servicegroupname: group.name,
          servicetype: group.serviceType,
          state: group.enabled ? "ENABLED" : "DISABLED",
          ...(withMembers ? { servicegroupmember: memberStats(backend, group) } : {}),
        };
      }
    }
  };
}

function memberStats(backend: NitroBackend, group: AdcService): Row[] {
  return group.members.map((member) => ({
    servicegroupname: entityName(member),
    ...memberStat(backend, member),
  }));
}

function memberStat(backend: NitroBackend, member: Member): Row {
  const belief = backend.member(member);
  return {
    primaryipaddress: wireAddress(member, backend.estate()),
    primaryport: wirePort(member.port),
    state: statState(belief.state),
    curclntconnections: double(belief.clientConnections),
    cursrvrconnections: double(belief.serverConnections),
    svrestablishedconn: double(belief.serverConnections),
    surgecount: double(0),
  };
}

export function* nodeStatRows({ nodes }: NitroBackend): Generator<Row> {
  const own = nodes()[0];
  yield {
    hacurstatus: nodes().length > 1 ? "YES" : "NO",
    hacurstate: own.health,
    hacurmasterstate: own.masterState,
    transtime: "Thu Jan  1 00:00:00 1970",
  };
}

function statState(state: NitroState): string {
  return state === "DISABLED" ? "OUT OF SERVICE" : state;
}
