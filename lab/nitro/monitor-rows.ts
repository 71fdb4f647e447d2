import type { Monitor } from "../../src/model/monitor.ts";
import type { NitroBackend } from "./backend.ts";
import {
  double,
  duration,
  enabledDisabled,
  optional,
  optionalDouble,
  responseCodes,
  yesNo,
  type Row,
} from "./wire-values.ts";

export function* monitorRows({ estate }: NitroBackend): Generator<Row> {
  for (const monitor of estate().monitors.values()) {
    yield monitorRow(monitor);
  }
}

/** Passwords, shared secrets and communities are never part of an answer (NITRO docs). */
function monitorRow(monitor: Monitor): Row {
  const interval = duration(monitor.intervalMs);
  const responseTimeout = duration(monitor.responseTimeoutMs);
  const downTime = duration(monitor.downTimeMs);
  const deviation = duration(monitor.deviationMs);
  return {
    monitorname: monitor.name,
    type: monitor.type,
    interval: interval.value,
    units3: interval.unit,
    resptimeout: responseTimeout.value,
    units4: responseTimeout.unit,
    downtime: downTime.value,
    units2: downTime.unit,
    deviation: double(deviation.value),
    units1: deviation.unit,
    retries: monitor.retries,
    failureretries: monitor.failureRetries,
    successretries: monitor.successRetries,
    alertretries: monitor.alertRetries,
    destip: monitor.destIp ?? "0.0.0.0",
    destport: monitor.destPort ?? 0,
    state: enabledDisabled(monitor.enabled),
    reverse: yesNo(monitor.reverse),
    transparent: yesNo(monitor.transparent),
    iptunnel: yesNo(monitor.ipTunnel),
    tos: yesNo(monitor.tos),
    secure: yesNo(monitor.secure),
    lrtm: enabledDisabled(monitor.lrtm),
    lrtmconfstr: enabledDisabled(monitor.lrtm),
    netprofile: optional(monitor.netProfile),
    sslprofile: optional(monitor.sslProfile),
    ...typeRow(monitor),
  };
}

function typeRow({ parameters }: Monitor): Row {
  return {
    httprequest: optional(parameters.httpRequest),
    rtsprequest: optional(parameters.rtspRequest),
    respcode: parameters.respCodes === null ? undefined : responseCodes(parameters.respCodes),
    customheaders: optional(parameters.customHeaders),
    send: optional(parameters.send),
    recv: optional(parameters.recv),
    trofscode: optionalDouble(parameters.trofsCode),
    trofsstring: optional(parameters.trofsString),
    query: optional(parameters.query),
    querytype: optional(parameters.queryType),
    ipaddress: parameters.ipAddresses.length === 0 ? undefined : parameters.ipAddresses,
    username: optional(parameters.userName),
    scriptname: optional(parameters.scriptName),
    scriptargs: optional(parameters.scriptArgs),
    dispatcherip: optional(parameters.dispatcherIp),
    dispatcherport: optional(parameters.dispatcherPort),
    basedn: optional(parameters.baseDn),
    binddn: optional(parameters.bindDn),
    filter: optional(parameters.filter),
    attribute: optional(parameters.attribute),
    group: optional(parameters.group),
    filename: optional(parameters.fileName),
    database: optional(parameters.database),
    sqlquery: optional(parameters.sqlQuery),
    radnasid: optional(parameters.radNasId),
    radnasip: optional(parameters.radNasIp),
    Snmpoid: optional(parameters.snmpOid),
    snmpthreshold: optional(parameters.snmpThreshold),
    snmpversion: optional(parameters.snmpVersion),
    sipmethod: optional(parameters.sipMethod),
    sipuri: optional(parameters.sipUri),
    maxforwards: optionalDouble(parameters.maxForwards),
    action: optional(parameters.action),
  };
}
