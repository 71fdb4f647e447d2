import {
  address,
  addressOrNone,
  choiceOrNone,
  codeRanges,
  convert,
  duration,
  enabled,
  ownPort,
  line,
  text,
  textOrNone,
  texts,
  whole,
  wholeOrNone,
  yesNo,
} from "./field-types.ts";
import { field } from "./fields.ts";
import { redactScriptArgs } from "./nsconf/secrets.ts";

/**
 * The attributes of `lb monitor`, with the bounds and defaults of every type.
 * Sources: NetScaler command reference, `add lb monitor`; NITRO docs, configuration/load-balancing/lbmonitor.
 */
export const MONITOR_FIELDS = {
  intervalMs: field("interval", duration(1, 20_940), 5_000, { unit: "units3" }),
  responseTimeoutMs: field("resptimeout", duration(1, 20_939), 2_000, { unit: "units4" }),
  downTimeMs: field("downTime", duration(1, 20_939), 30_000, { unit: "units2" }),
  deviationMs: field("deviation", duration(0, 20_939), 0, { unit: "units1" }),
  retries: field("retries", whole(1, 127, "integer"), 3),
  failureRetries: field("failureRetries", whole(0, 32, "integer"), 0),
  successRetries: field("successRetries", whole(1, 32, "integer"), 1),
  alertRetries: field("alertRetries", whole(0, 32, "integer"), 0),
  destIp: field("destIP", address, null),
  destPort: field("destPort", ownPort, null),
  enabled: field("state", enabled, true),
  reverse: field("reverse", yesNo, false),
  transparent: field("transparent", yesNo, false),
  ipTunnel: field("ipTunnel", yesNo, false),
  tos: field("tos", yesNo, false),
  secure: field("secure", yesNo, false),
  // No default is documented: `show lb monitor` of 10.5 shows ENABLED where it was added without, DISABLED for built-ins.
  lrtm: field("LRTM", enabled, true, { attributes: ["lrtm", "lrtmconfstr"] }),
  netProfile: field("netProfile", textOrNone, null),
  sslProfile: field("sslProfile", textOrNone, null),
};

const optionalText = (option: string, attributes?: readonly string[]) =>
  field(option, text, null, attributes === undefined ? {} : { attributes });

/** As {@link optionalText}, for what a replica puts into a command. */
const optionalLine = (option: string) => field(option, line, null);

/** Where the ADC's own dispatcher of scripts listens by default. */
export const DISPATCHER_PORT = 3013;

/** The attributes that belong to some types only; what a type has as its own default stands in monitor-defaults.ts. */
export const MONITOR_PARAMETER_FIELDS = {
  httpRequest: optionalText("httpRequest"),
  rtspRequest: optionalText("rtspRequest"),
  respCodes: field("respCode", codeRanges, null),
  customHeaders: optionalText("customHeaders"),
  send: optionalText("send"),
  recv: optionalText("recv"),
  trofsCode: field("trofsCode", wholeOrNone(1, 65_535), null),
  trofsString: optionalText("trofsString"),
  query: optionalText("query"),
  queryType: optionalText("queryType"),
  ipAddresses: field("IPAddress", texts, []),
  userName: optionalLine("userName"),
  scriptName: optionalLine("scriptName"),
  scriptArgs: field(
    "scriptArgs",
    convert(
      line,
      (value) => (value === null ? null : redactScriptArgs(value)),
      (value) => value,
    ),
    null,
  ),
  dispatcherIp: optionalText("dispatcherIP"),
  dispatcherPort: field(
    "dispatcherPort",
    convert(
      wholeOrNone(1, 65_535, "integer"),
      (value): number | null => value ?? DISPATCHER_PORT,
      (value) => value,
    ),
    null,
  ),
  baseDn: optionalLine("baseDN"),
  bindDn: optionalLine("bindDN"),
  filter: optionalText("filter"),
  attribute: optionalText("attribute"),
  group: optionalLine("group"),
  fileName: optionalLine("fileName"),
  database: optionalLine("database"),
  sqlQuery: optionalText("sqlQuery"),
  radNasId: optionalLine("radNASid"),
  radNasIp: field("radNASip", addressOrNone, null),
  snmpOid: optionalText("snmpOID", ["Snmpoid", "snmpoid"]),
  snmpThreshold: optionalText("snmpThreshold"),
  snmpVersion: field("snmpVersion", choiceOrNone(["V1", "V2"]), null),
  sipMethod: optionalLine("sipMethod"),
  sipUri: optionalLine("sipURI"),
  maxForwards: field("maxForwards", wholeOrNone(0, 255), null),
  action: optionalText("action"),
};
