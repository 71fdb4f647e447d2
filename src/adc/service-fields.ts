import {
  choiceOrNone,
  convert,
  enabled,
  keyword,
  orNone,
  present,
  text,
  textOrNone,
  whole,
  wholeUnits,
  yesNo,
} from "./field-types.ts";
import { field } from "./fields.ts";

/**
 * The attributes of servers, services and service groups, and of what is bound to them.
 * Sources: NetScaler command reference, `add server|service|serviceGroup` and their `bind`; NITRO docs, configuration/basic.
 */
export const trafficDomain = field("td", whole(0, 4_094), 0);
export const comment = field("comment", text, null);
export const weight = field("weight", whole(1, 100), 1);
export const idleTimeout = orNone(wholeUnits(1_000, 0, 31_536_000));

export const SERVER_FIELDS = {
  enabled: field("state", enabled, true),
  trafficDomain,
  comment,
};

export const SERVICE_FIELDS = {
  enabled: field("state", enabled, true),
  healthMonitor: field("healthMonitor", yesNo, true),
  monThreshold: field("monThreshold", whole(0, 65_535), 0),
  monConnectionClose: field("monConnectionClose", choiceOrNone(["FIN", "RESET"], ["NONE"]), null),
  useSourceIp: field("usip", yesNo, false),
  netProfile: field("netProfile", textOrNone, null),
  trafficDomain,
  maxClients: field("maxClient", whole(0, 4_294_967_294), 0),
  clientTimeoutMs: field("cltTimeout", idleTimeout, null),
  serverTimeoutMs: field("svrTimeout", idleTimeout, null),
  autoScale: field(
    "autoScale",
    convert(
      keyword,
      (value) => (value === "DISABLED" ? null : value),
      (value) => value ?? "DISABLED",
    ),
    null,
  ),
  comment,
};

/** Whether the ADC leaves a group without the monitor that it else binds by itself. */
export const DEFAULT_BINDING_FIELDS = {
  noDefaultMonitor: field("nodefaultBindings", yesNo, false),
};

export const MEMBER_FIELDS = { enabled: field("state", enabled, true), weight };

export const MONITOR_BINDING_FIELDS = {
  enabled: field("monState", enabled, true),
  weight: field("weight", whole(1, 100), 1, { attributes: ["monweight", "weight", "dup_weight"] }),
  passive: field("passive", present, false),
};

/** `bind lb monitor M S`, the form of firmware before 9.x. */
export const OLD_MONITOR_BINDING_FIELDS = {
  ...MONITOR_BINDING_FIELDS,
  enabled: field("state", enabled, true),
};
