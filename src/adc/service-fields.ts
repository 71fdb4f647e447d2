import {
  choice,
  choiceOrNone,
  convert,
  enabled,
  keyword,
  orNone,
  present,
  text,
  textOrNone,
  whole,
  wholeOrNone,
  wholeUnits,
  yesNo,
} from "./field-types.ts";
import type { Member } from "../model/adc-service.ts";
import type { Server } from "../model/estate.ts";
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
  queryType: field("queryType", choice(["A", "AAAA", "SRV"]), "A"),
  ipv6: field("IPv6Address", yesNo, false),
  comment,
};

export const SERVICE_FIELDS = {
  enabled: field("state", enabled, true),
  healthMonitor: field("healthMonitor", yesNo, true),
  monThreshold: field("monThreshold", whole(0, 65_535), 0),
  monConnectionClose: field("monConnectionClose", choiceOrNone(["FIN", "RESET"], ["NONE"]), null),
  useSourceIp: field("usip", yesNo, false),
  netProfile: field("netProfile", textOrNone, null),
  tcpProfile: field("tcpProfileName", textOrNone, null),
  httpProfile: field("httpProfileName", textOrNone, null),
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

/** What a group decides for its members: whether the ADC binds no monitor by itself, and the port of those without one. */
export const GROUP_FIELDS = {
  noDefaultMonitor: field("nodefaultBindings", yesNo, false),
  memberPort: field("memberPort", wholeOrNone(1, 65_535, "integer"), null),
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

/** Which addresses of a server's domain name the ADC asks DNS for, as a part of its members. */
export function familyOf(
  server: Pick<Server, "domain" | "ipv6" | "queryType"> | undefined,
): Pick<Member, "family"> {
  if (server === undefined || server.domain === null) {
    return {};
  }
  return { family: server.ipv6 || server.queryType === "AAAA" ? 6 : 4 };
}
