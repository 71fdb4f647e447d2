import { rowOf } from "../../src/adc/fields.ts";
import type { Vserver } from "../../src/model/vserver.ts";
import {
  AUTHENTICATION_FIELDS,
  AUTHENTICATION_VSERVER_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  LISTENING_FIELDS,
  PERSISTENCE_FIELDS,
} from "../../src/adc/vserver-fields.ts";
import type { NitroBackend } from "./backend.ts";
import { double, localTime, optional, ticks, type Row } from "./wire-values.ts";

export function* lbVserverRows(backend: NitroBackend): Generator<Row> {
  for (const vserver of backend.estate().lbVservers.values()) {
    const belief = backend.vserver(vserver.name);
    yield {
      ...commonRow(vserver),
      ...rowOf(LB_VSERVER_FIELDS, vserver),
      ...rowOf(PERSISTENCE_FIELDS, vserver.persistence),
      rule: vserver.persistence.rule ?? "none",
      curstate: belief.state,
      effectivestate: belief.effectiveState,
      health: double(belief.healthPercent),
      totalservices: double(belief.totalServices),
      activeservices: double(belief.activeServices),
      backupvserverstatus: belief.backupActive ? "(Backup Active)" : undefined,
      value: optional(belief.remark),
      status: 1,
      lbrrreason: 0,
      statechangetimesec: localTime(Date.now() - belief.sinceChangeMs),
      tickssincelaststatechange: ticks(belief.sinceChangeMs),
    };
  }
}

export function* csVserverRows(backend: NitroBackend): Generator<Row> {
  for (const vserver of backend.estate().csVservers.values()) {
    const belief = backend.vserver(vserver.name);
    yield {
      ...commonRow(vserver),
      ...rowOf(CS_VSERVER_FIELDS, vserver),
      curstate: belief.state,
      value: optional(belief.remark),
      status: 1,
      statechangetimesec: localTime(Date.now() - belief.sinceChangeMs),
      tickssincelaststatechange: ticks(belief.sinceChangeMs),
    };
  }
}

function commonRow(vserver: Vserver): Row {
  return {
    name: vserver.name,
    servicetype: vserver.serviceType,
    ...rowOf(LISTENING_FIELDS, vserver),
    ...rowOf(AUTHENTICATION_FIELDS, vserver.authentication),
  };
}

export function* authenticationVserverRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of estate().authenticationVservers.values()) {
    yield {
      name: vserver.name,
      servicetype: "SSL",
      ...rowOf(LISTENING_FIELDS, vserver),
      ...rowOf(AUTHENTICATION_VSERVER_FIELDS, vserver),
      state: "ENABLED",
      curstate: "UP",
    };
  }
}
