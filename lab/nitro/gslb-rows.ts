import { rowOf } from "../../src/adc/fields.ts";
import {
  GSLB_BINDING_FIELDS,
  GSLB_DOMAIN_FIELDS,
  GSLB_PUBLIC_FIELDS,
  GSLB_SERVICE_FIELDS,
  GSLB_SITE_FIELDS,
  GSLB_VIEW_FIELDS,
  GSLB_VSERVER_FIELDS,
} from "../../src/adc/gslb-fields.ts";
import {
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  SERVICE_FIELDS,
} from "../../src/adc/vserver-fields.ts";
import type { GslbService } from "../../src/model/gslb.ts";
import type { NitroBackend } from "./backend.ts";
import { entityName, probeRow } from "./binding-rows.ts";
import { wireAddress } from "./config-rows.ts";
import { double, enabledDisabled, ticks, wirePort, type Row } from "./wire-values.ts";

export function* gslbSiteRows({ estate, mepStatus }: NitroBackend): Generator<Row> {
  for (const site of estate().gslb.sites.values()) {
    const type = site.local === null ? null : site.local ? "LOCAL" : "REMOTE";
    yield {
      sitename: site.name,
      ...rowOf(GSLB_SITE_FIELDS, { ...site, type }),
      nwmetricexchange: "ENABLED",
      sessionexchange: "ENABLED",
      status: site.local === true ? "ACTIVE" : (mepStatus?.(site.name) ?? "ACTIVE"),
      persistencemepstatus: "ACTIVE",
      sitestate: "ACTIVE",
    };
  }
}

export function* gslbVserverRows({ estate, gslbVserver }: NitroBackend): Generator<Row> {
  for (const vserver of estate().gslb.vservers.values()) {
    const belief = gslbVserver?.(vserver.name);
    yield {
      name: vserver.name,
      servicetype: vserver.serviceType,
      ...rowOf(GSLB_VSERVER_FIELDS, vserver),
      curstate: belief?.state ?? "UNKNOWN",
      health: double(belief?.healthPercent ?? 0),
      status: 1,
      totalservices: double(belief?.totalServices ?? 0),
      activeservices: double(belief?.activeServices ?? 0),
      tickssincelaststatechange: ticks(belief?.sinceChangeMs ?? 0),
    };
  }
}

export function gslbServiceRows(kind: GslbService["kind"]) {
  return function* rows(backend: NitroBackend): Generator<Row> {
    const estate = backend.estate();
    for (const service of estate.gslb.services.values()) {
      const [member] = service.members;
      if (service.kind !== kind) {
        continue;
      }
      const common = {
        servicetype: service.serviceType,
        ...rowOf(SERVICE_FIELDS, service),
        ...rowOf(GSLB_SERVICE_FIELDS, service),
      };
      const site = service.site === null ? undefined : estate.gslb.sites.get(service.site);
      yield kind === "serviceGroup"
        ? { servicegroupname: service.name, ...common }
        : {
            servicename: service.name,
            ...common,
            ...(member === undefined
              ? {}
              : {
                  ip: wireAddress(member, estate),
                  ipaddress: wireAddress(member, estate),
                  servername: member.server,
                  port: wirePort(member.port),
                  ...publicRow(service, 0),
                  ...stateRow(backend, service, 0),
                }),
            gslb: site?.local === true ? "LOCAL" : "REMOTE",
            gslbthreshold: 0,
            monstate: "ENABLED",
          };
    }
  };
}

function publicRow(service: GslbService, at: number): Row {
  const [publicAddress = null] = service.otherAddresses[at] ?? [];
  return rowOf(GSLB_PUBLIC_FIELDS, { publicAddress, publicPort: service.publicPorts[at] ?? null });
}

function stateRow(backend: NitroBackend, service: GslbService, at: number): Row {
  const member = service.members[at];
  const belief = member === undefined ? null : backend.member(member);
  return {
    svrstate: belief?.state ?? "UNKNOWN",
    svreffgslbstate: belief?.state ?? "UNKNOWN",
    tickssincelaststatechange: ticks(belief?.sinceChangeMs ?? 0),
  };
}

/** A service's first other address is its public one on the wire; all further ones are of DNS views. */
export function* gslbViewRows({ estate }: NitroBackend): Generator<Row> {
  for (const service of estate().gslb.services.values()) {
    const views = service.kind === "service" ? (service.otherAddresses[0] ?? []).slice(1) : [];
    for (const [at, viewAddress] of views.entries()) {
      yield {
        servicename: service.name,
        viewname: `view${String(at + 1)}`,
        ...rowOf(GSLB_VIEW_FIELDS, { viewAddress }),
      };
    }
  }
}

export function* gslbServiceMonitorRows(backend: NitroBackend): Generator<Row> {
  for (const service of backend.estate().gslb.services.values()) {
    const [member] = service.members;
    for (const binding of service.kind === "service" ? service.monitors : []) {
      yield {
        servicename: service.name,
        monstate: enabledDisabled(binding.enabled),
        ...(member === undefined
          ? { monitor_name: binding.monitor, ...rowOf(MONITOR_BINDING_FIELDS, binding) }
          : probeRow(backend, member, binding)),
      };
    }
  }
}

export function* gslbGroupMonitorRows({ estate }: NitroBackend): Generator<Row> {
  for (const service of estate().gslb.services.values()) {
    for (const binding of service.kind === "serviceGroup" ? service.monitors : []) {
      yield {
        servicegroupname: service.name,
        monitor_name: binding.monitor,
        ...rowOf(MONITOR_BINDING_FIELDS, binding),
      };
    }
  }
}

export function* gslbGroupMemberRows(backend: NitroBackend): Generator<Row> {
  const estate = backend.estate();
  for (const service of estate.gslb.services.values()) {
    for (const [at, member] of service.kind === "serviceGroup" ? service.members.entries() : []) {
      yield {
        servicegroupname: service.name,
        ip: wireAddress(member, estate),
        port: wirePort(member.port),
        servername: member.server,
        ...rowOf(MEMBER_FIELDS, member),
        ...publicRow(service, at),
        ...stateRow(backend, service, at),
      };
    }
  }
}

export function* gslbGroupEntityMonitorRows(backend: NitroBackend): Generator<Row> {
  for (const service of backend.estate().gslb.services.values()) {
    for (const member of service.kind === "serviceGroup" ? service.members : []) {
      for (const binding of service.monitors) {
        yield {
          servicegroupname: service.name,
          servicegroupentname2: entityName({ ...member, adcService: service.name }),
          port: wirePort(member.port),
          ...probeRow(backend, member, binding),
        };
      }
    }
  }
}

export function* gslbVserverDomainRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of estate().gslb.vservers.values()) {
    for (const domain of vserver.domains) {
      yield {
        name: vserver.name,
        domainname: domain.name,
        ttl: double(5),
        ...rowOf(GSLB_DOMAIN_FIELDS, domain),
      };
    }
  }
}

export function gslbVserverBindingRows(kind: GslbService["kind"]) {
  const field = kind === "service" ? "servicename" : "servicegroupname";
  return function* rows({ estate }: NitroBackend): Generator<Row> {
    const { vservers, services } = estate().gslb;
    for (const vserver of vservers.values()) {
      for (const bound of vserver.services) {
        if ((services.get(bound.service)?.kind ?? "service") === kind) {
          yield {
            name: vserver.name,
            [field]: bound.service,
            ...rowOf(GSLB_BINDING_FIELDS, bound),
          };
        }
      }
    }
  };
}
