import type { AdcService, Member, MonitorBinding } from "../../src/model/adc-service.ts";
import { rowOf } from "../../src/adc/fields.ts";
import {
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  POLICY_BINDING_FIELDS,
} from "../../src/adc/vserver-fields.ts";
import type { NitroBackend } from "./backend.ts";
import { wireAddress } from "./config-rows.ts";
import {
  double,
  enabledDisabled,
  localTime,
  optional,
  ticks,
  wirePort,
  type Row,
} from "./wire-values.ts";

export function* groupMemberRows(backend: NitroBackend): Generator<Row> {
  const estate = backend.estate();
  for (const group of ofKind(estate.services.values(), "serviceGroup")) {
    for (const member of group.members) {
      const belief = backend.member(member);
      yield {
        servicegroupname: group.name,
        ip: wireAddress(member, estate),
        port: wirePort(member.port),
        servername: member.server,
        servicetype: group.serviceType,
        ...rowOf(MEMBER_FIELDS, member),
        // Of the member itself: its group and its server report their own.
        state: enabledDisabled(
          member.enabled || !group.enabled || estate.servers.get(member.server)?.enabled === false,
        ),
        svrstate: belief.state,
        customserverid: "None",
        delay: double(0),
        graceful: "NO",
        trofsreason: optional(belief.trofsReason),
        statechangetimesec: localTime(Date.now() - belief.sinceChangeMs),
        tickssincelaststatechange: ticks(belief.sinceChangeMs),
        orderstr: "Default",
        trofsdelay: double(0),
      };
    }
  }
}

/** The bindings that an administrator made for a group; the ADC's default monitors are not listed. */
export function* groupMonitorRows({ estate }: NitroBackend): Generator<Row> {
  for (const group of ofKind(estate().services.values(), "serviceGroup")) {
    for (const binding of group.monitors) {
      if (!binding.synthesised) {
        yield {
          servicegroupname: group.name,
          monitor_name: binding.monitor,
          ...rowOf(MONITOR_BINDING_FIELDS, binding),
        };
      }
    }
  }
}

/** Per member and monitor: the ADC's last probe. Default monitors are listed here. */
export function* groupEntityMonitorRows(backend: NitroBackend): Generator<Row> {
  for (const group of ofKind(backend.estate().services.values(), "serviceGroup")) {
    for (const member of group.members) {
      for (const binding of group.monitors) {
        yield {
          servicegroupname: group.name,
          servicegroupentname2: entityName(member),
          port: wirePort(member.port),
          ...probeRow(backend, member, binding),
        };
      }
    }
  }
}

/** Lists the default monitors too, as `show service` does. */
export function* serviceMonitorRows(backend: NitroBackend): Generator<Row> {
  for (const service of ofKind(backend.estate().services.values(), "service")) {
    const member = service.members[0];
    if (member === undefined) {
      continue;
    }
    for (const binding of service.monitors) {
      yield {
        name: service.name,
        monstate: enabledDisabled(binding.enabled),
        monstatcode: 0,
        dup_weight: double(binding.weight),
        ...probeRow(backend, member, binding),
      };
    }
  }
}

/** The result of the ADC's last probe of one member. */
export function probeRow(backend: NitroBackend, member: Member, binding: MonitorBinding): Row {
  const belief = backend.monitor(member, binding);
  return {
    monitor_name: binding.monitor,
    monitor_state: belief.state,
    lastresponse: belief.lastResponse,
    responsetime: double(belief.responseTimeMs),
    monitortotalprobes: double(belief.totalProbes),
    monitortotalfailedprobes: double(belief.failedProbes),
    monitorcurrentfailedprobes: double(belief.currentFailedProbes),
    weight: double(binding.weight),
    passive: binding.passive,
    state: enabledDisabled(binding.enabled),
  };
}

export function* vserverServiceRows(backend: NitroBackend): Generator<Row> {
  const estate = backend.estate();
  for (const vserver of estate.lbVservers.values()) {
    for (const { service: name, weight } of vserver.services) {
      const service = estate.services.get(name);
      const member = service?.members[0];
      if (service?.kind === "service" && member !== undefined) {
        yield {
          name: vserver.name,
          servicename: name,
          servicetype: service.serviceType,
          ipv46: wireAddress(member, estate),
          port: wirePort(member.port),
          vsvrbindsvcip: wireAddress(member, estate),
          vsvrbindsvcport: wirePort(member.port),
          weight: double(weight),
          dynamicweight: double(0),
          curstate: backend.member(member).state,
        };
      }
    }
  }
}

export function* vserverGroupRows({ estate }: NitroBackend): Generator<Row> {
  const { lbVservers, services } = estate();
  for (const vserver of lbVservers.values()) {
    for (const { service, weight } of vserver.services) {
      if (services.get(service)?.kind === "serviceGroup") {
        yield { name: vserver.name, servicegroupname: service, weight: double(weight) };
      }
    }
  }
}

export function* vserverGroupMemberRows(backend: NitroBackend): Generator<Row> {
  const estate = backend.estate();
  for (const vserver of estate.lbVservers.values()) {
    for (const { service, weight } of vserver.services) {
      const group = estate.services.get(service);
      for (const member of group?.kind === "serviceGroup" ? group.members : []) {
        yield {
          name: vserver.name,
          servicegroupname: service,
          ipv46: wireAddress(member, estate),
          port: wirePort(member.port),
          weight: double(weight),
          curstate: backend.member(member).state,
        };
      }
    }
  }
}

export function* csPolicyBindingRows({ estate }: NitroBackend): Generator<Row> {
  const { csVservers, policies } = estate();
  for (const vserver of csVservers.values()) {
    for (const binding of vserver.targets) {
      yield {
        name: vserver.name,
        policyname: binding.policy,
        targetlbvserver: optional(binding.target),
        ...rowOf(POLICY_BINDING_FIELDS, { ...binding, goto: "END", bindPoint: null }),
        rule: policies.get(binding.policy)?.rule,
        hits: double(0),
      };
    }
  }
}

export function* csDefaultTargetRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of estate().csVservers.values()) {
    if (vserver.defaultTarget !== null) {
      yield { name: vserver.name, lbvserver: vserver.defaultTarget, hits: double(0) };
    }
  }
}

/** A member's name as NITRO writes it in one string: `group?server?port`. */
export function entityName(member: Member): string {
  return `${member.adcService}?${member.server}?${String(wirePort(member.port))}`;
}

function* ofKind(services: Iterable<AdcService>, kind: AdcService["kind"]): Generator<AdcService> {
  for (const service of services) {
    if (service.kind === kind) {
      yield service;
    }
  }
}
