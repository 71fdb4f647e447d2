import { builtInMonitor, monitorWithDefaults, type PartialMonitor } from "../monitor-defaults.ts";
import type { Monitor, MonitorParameters } from "../../model/monitor.ts";
import { redactKeys, redactScriptArgs } from "../nsconf/secrets.ts";
import {
  address,
  codeRanges,
  durationMs,
  flag,
  list,
  number,
  port,
  text,
  textOrNone,
  type Row,
} from "./row-values.ts";

/**
 * A row of `lbmonitor` as a monitor; null without name or type. Durations come with a unit field each, and an interval
 * of 60 s comes back as one minute. Source: NITRO docs, configuration/load-balancing/lbmonitor.
 */
export function monitorFromRow(row: Row): Monitor | null {
  const name = text(row, "monitorname");
  const type = text(row, "type")?.toUpperCase();
  if (name === null || type === undefined) {
    return null;
  }
  const builtIn = builtInMonitor(name);
  const told: PartialMonitor = {
    name: builtIn?.name ?? name,
    type,
    builtIn: builtIn !== null,
    destIp: address(row, "destip"),
    destPort: pinnedPort(row),
    netProfile: textOrNone(row, "netprofile"),
    sslProfile: textOrNone(row, "sslprofile"),
    written: writtenFields(row),
    ...(builtIn === null ? {} : { lrtm: builtIn.lrtm }),
    ...given({
      enabled: flag(row, "state"),
      intervalMs: durationMs(row, "interval", "units3"),
      responseTimeoutMs: durationMs(row, "resptimeout", "units4"),
      downTimeMs: durationMs(row, "downtime", "units2"),
      deviationMs: durationMs(row, "deviation", "units1"),
      retries: number(row, "retries"),
      failureRetries: number(row, "failureretries"),
      successRetries: number(row, "successretries"),
      alertRetries: number(row, "alertretries"),
      reverse: flag(row, "reverse"),
      transparent: flag(row, "transparent"),
      ipTunnel: flag(row, "iptunnel"),
      tos: flag(row, "tos"),
      secure: flag(row, "secure"),
      lrtm: flag(row, "lrtm") ?? flag(row, "lrtmconfstr"),
    }),
    parameters: { ...emptyStrings(builtIn), ...parametersFromRow(row) },
  };
  return monitorWithDefaults(told);
}

/** True when a row shows a built-in monitor as the firmware brings it: no reader needs it unless something binds it. */
export function isUntouchedBuiltIn(monitor: Monitor): boolean {
  const original = builtInMonitor(monitor.name);
  return (
    original !== null &&
    JSON.stringify({ ...original, written: null }) === JSON.stringify({ ...monitor, written: null })
  );
}

function pinnedPort(row: Row): number | null {
  const value = port(row, "destport");
  return value === "*" ? null : value;
}

/** The `-ecv` built-ins send and expect nothing, where others of their type have defaults. */
function emptyStrings(builtIn: Monitor | null): Partial<MonitorParameters> {
  return builtIn?.type.endsWith("-ECV") === true ? { send: null, recv: null } : {};
}

function parametersFromRow(row: Row): Partial<MonitorParameters> {
  const scriptArgs = text(row, "scriptargs");
  const version = text(row, "snmpversion")?.toUpperCase();
  const userName = text(row, "username");
  return given({
    httpRequest: text(row, "httprequest"),
    rtspRequest: text(row, "rtsprequest"),
    respCodes: codeRanges(row, "respcode"),
    customHeaders: text(row, "customheaders"),
    send: text(row, "send"),
    recv: text(row, "recv"),
    trofsCode: positive(number(row, "trofscode")),
    trofsString: text(row, "trofsstring"),
    query: text(row, "query"),
    queryType: text(row, "querytype"),
    ipAddresses: list(row, "ipaddress"),
    userName,
    // NITRO never returns a password: whoever logs in has one that only the ADC knows.
    password: userName === null ? null : ("encrypted" as const),
    scriptName: text(row, "scriptname"),
    scriptArgs: scriptArgs === null ? null : redactScriptArgs(scriptArgs),
    dispatcherIp: text(row, "dispatcherip"),
    dispatcherPort: number(row, "dispatcherport"),
    baseDn: text(row, "basedn"),
    bindDn: text(row, "binddn"),
    filter: text(row, "filter"),
    attribute: text(row, "attribute"),
    group: text(row, "group"),
    fileName: text(row, "filename"),
    database: text(row, "database"),
    sqlQuery: text(row, "sqlquery"),
    radNasId: text(row, "radnasid"),
    radNasIp: address(row, "radnasip"),
    snmpOid: text(row, "Snmpoid") ?? text(row, "snmpoid"),
    snmpThreshold: text(row, "snmpthreshold"),
    snmpVersion: version === "V1" || version === "V2" ? version : null,
    sipMethod: text(row, "sipmethod"),
    sipUri: text(row, "sipuri"),
    maxForwards: number(row, "maxforwards"),
    action: text(row, "action"),
  });
}

const SECRET_FIELDS = /password|secret|radkey|community|secureargs/i;

/** Every field that was told, as text, without what could be a secret. */
function writtenFields(row: Row): ReadonlyMap<string, readonly string[]> {
  const written = new Map<string, readonly string[]>();
  for (const field of Object.keys(row)) {
    const values = list(row, field);
    if (values.length > 0 && !SECRET_FIELDS.test(field)) {
      const key = field.toLowerCase();
      written.set(key, values);
    }
  }
  return redactKeys(written);
}

function positive(value: number | null): number | null {
  return value !== null && value > 0 ? value : null;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], null> };

/** Drops what was not told, so that NetScaler's defaults fill it. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null),
  ) as Given<T>;
}
