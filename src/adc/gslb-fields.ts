import {
  addressOrNone,
  choice,
  choiceOrNone,
  enabled,
  keyword,
  text,
  textOrNone,
} from "./field-types.ts";
import { field } from "./fields.ts";
import { comment, weight } from "./service-fields.ts";

/**
 * The attributes of GSLB sites, services, service groups and vservers, and of what is bound to them. What GSLB services
 * share with services stands in service-fields.ts.
 * Sources: NetScaler command reference, `add gslb site|service|serviceGroup|vserver` and their `bind`; NITRO docs,
 * configuration of global-server-load-balancing.
 */
export const GSLB_SITE_FIELDS = {
  type: field("siteType", choiceOrNone(["LOCAL", "REMOTE"], ["NONE"]), null),
  address: field("siteIPAddress", addressOrNone, null),
  publicAddress: field("publicIP", addressOrNone, null),
  metricExchange: field("metricExchange", enabled, true),
  triggerMonitor: field(
    "triggerMonitor",
    choice(["ALWAYS", "MEPDOWN", "MEPDOWN_SVCDOWN"]),
    "ALWAYS",
  ),
};

export const GSLB_SERVICE_FIELDS = {
  site: field("siteName", text, null),
  cname: field("cnameEntry", text, null),
};

/** Of a service, or of one member of a group. */
export const GSLB_PUBLIC_FIELDS = {
  publicAddress: field("publicIP", addressOrNone, null),
};

/** `bind gslb service -viewName V IP`. */
export const GSLB_VIEW_FIELDS = {
  viewAddress: field("viewIP", addressOrNone, null),
};

export const GSLB_VSERVER_FIELDS = {
  enabled: field("state", enabled, true),
  recordType: field("dnsRecordType", choice(["A", "AAAA", "CNAME", "NAPTR"]), "A"),
  method: field("lbMethod", keyword, "LEASTCONNECTION"),
  persistenceType: field("persistenceType", keyword, "NONE"),
  emptyWhenDown: field("EDR", enabled, false),
  backupVserver: field("backupVServer", textOrNone, null),
  comment,
};

export const GSLB_DOMAIN_FIELDS = {
  backupAddress: field("backupIP", addressOrNone, null),
};

export const GSLB_BINDING_FIELDS = { weight };
