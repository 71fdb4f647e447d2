import type { Vserver } from "../../src/model/vserver.ts";
import type { NitroBackend } from "./backend.ts";
import {
  double,
  enabledDisabled,
  localTime,
  onOff,
  optional,
  optionalDouble,
  ticks,
  wirePort,
  type Row,
} from "./wire-values.ts";

export function* lbVserverRows(backend: NitroBackend): Generator<Row> {
  for (const vserver of backend.estate().lbVservers.values()) {
    const belief = backend.vserver(vserver.name);
    yield {
      ...commonRow(vserver),
      lbmethod: vserver.method,
      persistencetype: vserver.persistence.type,
      timeout: double(vserver.persistence.timeoutMs / 60_000),
      rule: vserver.persistence.rule ?? "none",
      cookiename: optional(vserver.persistence.cookieName),
      redirurl: optional(vserver.redirectUrl),
      healththreshold: double(vserver.healthThreshold),
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
      stateupdate: enabledDisabled(vserver.stateUpdate),
      casesensitive: onOff(vserver.caseSensitive),
      redirecturl: optional(vserver.redirectUrl),
      curstate: belief.state,
      value: optional(belief.remark),
      status: 1,
      statechangetimesec: localTime(Date.now() - belief.sinceChangeMs),
      tickssincelaststatechange: ticks(belief.sinceChangeMs),
    };
  }
}

function commonRow(vserver: Vserver): Row {
  const { authentication } = vserver;
  return {
    name: vserver.name,
    servicetype: vserver.serviceType,
    ipv46: vserver.address ?? "0.0.0.0",
    port: vserver.port === null ? 0 : wirePort(vserver.port),
    range: double(vserver.range),
    state: enabledDisabled(vserver.enabled),
    td: double(vserver.trafficDomain),
    clttimeout: optionalDouble(
      vserver.clientTimeoutMs === null ? null : vserver.clientTimeoutMs / 1_000,
    ),
    redirectfromport: optional(vserver.redirectFromPort),
    httpsredirecturl: optional(vserver.httpsRedirectUrl),
    backupvserver: optional(vserver.backupVserver),
    authentication: onOff(authentication.form),
    authn401: onOff(authentication.http401),
    authenticationhost: optional(authentication.host),
    authnvsname: optional(authentication.vserver),
    authnprofile: optional(authentication.profile),
    comment: optional(vserver.comment),
  };
}

export function* authenticationVserverRows({ estate }: NitroBackend): Generator<Row> {
  for (const vserver of estate().authenticationVservers.values()) {
    yield {
      name: vserver.name,
      servicetype: "SSL",
      ipv46: vserver.address ?? "0.0.0.0",
      port: vserver.port === null ? 0 : wirePort(vserver.port),
      authenticationdomain: optional(vserver.domain),
      state: "ENABLED",
      curstate: "UP",
    };
  }
}
