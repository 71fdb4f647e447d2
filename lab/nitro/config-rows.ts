import { isIP } from "../../src/lib/ip.ts";
import type { AdcService, Member } from "../../src/model/adc-service.ts";
import { ACL_FIELDS } from "../../src/adc/acls.ts";
import { rowOf, type Fields } from "../../src/adc/fields.ts";
import type { Estate } from "../../src/model/estate.ts";
import type { AclKind } from "../../src/model/policy.ts";
import { NET_PROFILE_FIELDS, SERVER_FIELDS, SERVICE_FIELDS } from "../../src/adc/vserver-fields.ts";
import type { NitroBackend } from "./backend.ts";
import { double, localTime, optional, ticks, wirePort, yesNo, type Row } from "./wire-values.ts";

export function* serverRows({ estate }: NitroBackend): Generator<Row> {
  for (const server of estate().servers.values()) {
    yield {
      name: server.name,
      ipaddress: optional(server.address),
      domain: optional(server.domain),
      ipv6address: yesNo(server.address?.includes(":") ?? false),
      ...rowOf(SERVER_FIELDS, { ...server, translationIp: server.translationIp ?? null }),
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
      servicetype: service.serviceType,
      ...rowOf(SERVICE_FIELDS, service),
      svrstate: belief.state,
      monitor_state: monitor?.state,
      lastresponse: monitor?.lastResponse,
      responsetime: monitor === null ? undefined : double(monitor.responseTimeMs),
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
        servicetype: service.serviceType,
        ...rowOf(SERVICE_FIELDS, service),
        monstate: "ENABLED",
        servicegroupeffectivestate: effectiveState(backend, service),
      };
    }
  }
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

export function aclRows(kind: AclKind): (backend: NitroBackend) => Generator<Row> {
  const prefix = kind === "acl6" ? "acl6" : "acl";
  return function* ({ estate }) {
    for (const acl of estate().acls.values()) {
      if (acl.kind === kind) {
        yield {
          [`${prefix}name`]: acl.name,
          [`${prefix}action`]: acl.action,
          ...(kind.startsWith("simple")
            ? {}
            : {
                srcip: acl.source !== null,
                destip: acl.destination !== null,
                destport: acl.destinationPort !== null,
                kernelstate: "APPLIED",
              }),
          ...rowOf<Fields>(ACL_FIELDS[kind], { ...acl }),
        };
      }
    }
  };
}

/** Sets of the ADC's addresses, as far as net profiles name them: nothing else of the estate does. */
export function* ipSetRows({ estate }: NitroBackend): Generator<Row> {
  const profiles = [...estate().netProfiles.values()];
  for (const name of new Set(profiles.flatMap(({ sourceIp }) => sourceIp ?? []))) {
    if (isIP(name) === 0) {
      yield { name, td: double(0) };
    }
  }
}

/** The IPv4 or IPv6 addresses bound to those sets. */
export function ipSetAddressRows(family: 4 | 6): (backend: NitroBackend) => Generator<Row> {
  return function* ({ estate }) {
    const seen = new Set<string>();
    for (const { sourceIp, sourceAddresses } of estate().netProfiles.values()) {
      if (sourceIp !== null && isIP(sourceIp) === 0 && !seen.has(sourceIp)) {
        seen.add(sourceIp);
        for (const ipaddress of sourceAddresses.filter((address) => isIP(address) === family)) {
          yield { name: sourceIp, ipaddress };
        }
      }
    }
  };
}

export function* netProfileRows({ estate }: NitroBackend): Generator<Row> {
  for (const profile of estate().netProfiles.values()) {
    yield { name: profile.name, ...rowOf(NET_PROFILE_FIELDS, profile), td: double(0) };
  }
}
