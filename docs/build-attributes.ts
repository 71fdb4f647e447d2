import { ACL_FIELDS } from "../src/adc/acls.ts";
import { defaultText, type Fields } from "../src/adc/fields.ts";
import {
  GSLB_BINDING_FIELDS,
  GSLB_DOMAIN_FIELDS,
  GSLB_PUBLIC_FIELDS,
  GSLB_SERVICE_FIELDS,
  GSLB_SITE_FIELDS,
  GSLB_VIEW_FIELDS,
  GSLB_VSERVER_FIELDS,
} from "../src/adc/gslb-fields.ts";
import { MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS } from "../src/adc/monitor-defaults.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  NET_PROFILE_FIELDS,
  SESSION_PARAMETER_FIELDS,
  SSL_PARAMETER_FIELDS,
  GROUP_FIELDS,
  MEMBER_FIELDS,
  MONITOR_BINDING_FIELDS,
  SERVER_FIELDS,
  SERVICE_FIELDS,
  AUTHENTICATION_FIELDS,
  AUTHENTICATION_PROFILE_FIELDS,
  AUTHENTICATION_VSERVER_FIELDS,
  CS_VSERVER_FIELDS,
  LB_VSERVER_FIELDS,
  LISTENING_FIELDS,
  PERSISTENCE_FIELDS,
  POLICY_BINDING_FIELDS,
  SERVICE_BINDING_FIELDS,
} from "../src/adc/vserver-fields.ts";
import {
  BACKEND_TLS_FIELDS,
  CERT_KEY_BINDING_FIELDS,
  CERT_KEY_FIELDS,
  CLIENT_AUTH_FIELDS,
  SSL_PROFILE_FIELDS,
  SSL_PROFILE_REFERENCE_FIELDS,
  TLS_VERSION_FIELDS,
} from "../src/adc/tls-fields.ts";
import { cell, code, table } from "./markdown.ts";

const TLS = [TLS_VERSION_FIELDS, SSL_PROFILE_REFERENCE_FIELDS];

/** The objects whose attributes are read, by what their statements are called. */
const OBJECTS: readonly (readonly [title: string, tables: readonly Fields[]])[] = [
  ["lb monitor", [MONITOR_FIELDS, MONITOR_PARAMETER_FIELDS]],
  ["server", [SERVER_FIELDS]],
  ["service, serviceGroup", [SERVICE_FIELDS, GROUP_FIELDS]],
  ["bind serviceGroup, a member", [MEMBER_FIELDS]],
  ["bind service|serviceGroup, a monitor", [MONITOR_BINDING_FIELDS]],
  ["lb vserver", [LISTENING_FIELDS, LB_VSERVER_FIELDS, PERSISTENCE_FIELDS, AUTHENTICATION_FIELDS]],
  ["cs vserver", [LISTENING_FIELDS, CS_VSERVER_FIELDS, AUTHENTICATION_FIELDS]],
  ["bind lb vserver, a service or group", [SERVICE_BINDING_FIELDS]],
  ["bind lb|cs vserver, a policy", [POLICY_BINDING_FIELDS]],
  ["authentication vserver", [LISTENING_FIELDS, AUTHENTICATION_VSERVER_FIELDS]],
  ["authentication authnProfile", [AUTHENTICATION_PROFILE_FIELDS]],
  ["ssl vserver", [...TLS, CLIENT_AUTH_FIELDS]],
  ["ssl service, ssl serviceGroup", [BACKEND_TLS_FIELDS, ...TLS]],
  ["ssl profile", [SSL_PROFILE_FIELDS, CLIENT_AUTH_FIELDS, BACKEND_TLS_FIELDS, TLS_VERSION_FIELDS]],
  ["ssl certKey", [CERT_KEY_FIELDS]],
  ["bind ssl vserver, a certificate", [CERT_KEY_BINDING_FIELDS]],
  ["netProfile", [NET_PROFILE_FIELDS]],
  ["ns acl", [ACL_FIELDS.acl]],
  ["ns acl6", [ACL_FIELDS.acl6]],
  ["ns simpleacl", [ACL_FIELDS.simpleacl]],
  ["ns simpleacl6", [ACL_FIELDS.simpleacl6]],
  ["lb parameter", [LB_PARAMETER_FIELDS]],
  ["cs parameter", [CS_PARAMETER_FIELDS]],
  ["ssl parameter", [SSL_PARAMETER_FIELDS]],
  ["tm sessionParameter", [SESSION_PARAMETER_FIELDS]],
  ["gslb site", [GSLB_SITE_FIELDS]],
  ["gslb service, gslb serviceGroup", [GSLB_SERVICE_FIELDS, GSLB_PUBLIC_FIELDS, SERVICE_FIELDS]],
  ["bind gslb service, a DNS view", [GSLB_VIEW_FIELDS]],
  ["gslb vserver", [GSLB_VSERVER_FIELDS]],
  ["bind gslb vserver, a domain", [GSLB_DOMAIN_FIELDS]],
  ["bind gslb vserver, a service or group", [GSLB_BINDING_FIELDS]],
];

/** docs/dev/attributes.md: the attributes of each object that are read, with bounds and defaults. */
export function attributeReference(): string {
  return [
    "# Attributes that are read",
    "",
    "The agent reads these attributes from ns.conf and from NITRO. A value outside the range is ignored and the default",
    "is used; a diagnostic (`value_out_of_range`, `unreadable_value`) names object, option, value and range. `plan` and",
    "`lint` print it, and `/api/v1/estate` contains it. Other options are kept as written and have no effect.",
    "",
    "Some monitor types have further defaults, as documented in the NetScaler command reference. A monitor with a shorter",
    "interval than `min_probe_interval` is repeated at that interval.",
    "",
    ...OBJECTS.flatMap(([title, tables]) => [
      `## ${title}`,
      "",
      ...table(["option", "NITRO", "range", "default"], tables.flatMap(rowsOf)),
      "",
    ]),
  ].join("\n");
}

function rowsOf(fields: Fields): string[][] {
  return Object.values(fields).map(({ option, attributes, unit, type, default: fallback }) => [
    code(`-${option}`),
    [...attributes, ...(unit === null ? [] : [unit])].map(code).join(", "),
    cell(type.expects),
    cell(defaultText(type, fallback)),
  ]);
}
