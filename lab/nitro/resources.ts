import { ACL_KINDS } from "../../src/adc/acls.ts";
import { rowOf } from "../../src/adc/fields.ts";
import {
  CS_PARAMETER_FIELDS,
  LB_PARAMETER_FIELDS,
  SESSION_PARAMETER_FIELDS,
  SSL_PARAMETER_FIELDS,
} from "../../src/adc/vserver-fields.ts";
import type { NitroBackend } from "./backend.ts";
import type { NitroQuery } from "./query.ts";
import {
  csDefaultTargetRows,
  csPolicyBindingRows,
  groupEntityMonitorRows,
  groupMemberRows,
  groupMonitorRows,
  serviceMonitorRows,
  vserverGroupMemberRows,
  vserverGroupRows,
  vserverServiceRows,
} from "./binding-rows.ts";
import {
  addressRows,
  ipSetAddressRows,
  ipSetRows,
  netProfileRows,
  aclRows,
  nodeRows,
  serverRows,
  serviceGroupRows,
  serviceRows,
} from "./config-rows.ts";
import {
  gslbGroupEntityMonitorRows,
  gslbGroupMemberRows,
  gslbGroupMonitorRows,
  gslbServiceMonitorRows,
  gslbServiceRows,
  gslbSiteRows,
  gslbViewRows,
  gslbVserverBindingRows,
  gslbVserverDomainRows,
  gslbVserverRows,
} from "./gslb-rows.ts";
import { documentedFields, documentedRow } from "./documented-rows.ts";
import { persistentSessionRows } from "./persistence-rows.ts";
import { monitorRows } from "./monitor-rows.ts";
import {
  actionRows,
  globalRows,
  globalSessionRows,
  groupPolicyRows,
  groupRows,
  loginPolicyRows,
  policyBindingRows,
  policyRows,
  POLICY_FEATURES,
} from "./policy-rows.ts";
import {
  certKeyRows,
  sslProfileRows,
  monitorCertKeyRows,
  sslServiceCertKeyRows,
  sslServiceRows,
  sslVserverCertKeyRows,
  sslVserverRows,
} from "./ssl-rows.ts";
import {
  csVserverStatRows,
  lbVserverStatRows,
  nodeStatRows,
  serviceGroupStatRows,
  serviceStatRows,
} from "./stat-rows.ts";
import { authenticationVserverRows, csVserverRows, lbVserverRows } from "./vserver-rows.ts";
import type { Row } from "./wire-values.ts";

/** One NITRO resource: how its rows are made, and the field by which a single one is requested. */
export interface Resource {
  /** The field a name in the path is compared with; null for resources without names. */
  readonly key: string | null;
  readonly rows: (backend: NitroBackend, asked: ReadonlyMap<string, string>) => Iterable<Row>;
  /** Bindings answer a get-all only with `bulkbindings=yes`. */
  readonly binding?: true;
  /** `nsversion` and similar resources return an object instead of an array. */
  readonly single?: true;
}

/** Resources under `/nitro/v1/config/`. */
export function configResource(name: string): Resource | null {
  return CONFIG.get(name) ?? null;
}

/** The source of a NITRO server's answers. */
export interface NitroSource {
  /** The resource, or why it is refused; null: there is no such resource. */
  readonly resource: (query: NitroQuery) => SourcedResource | SourcedRefusal | null;
}

/** A resource with the rows that it has at this moment. */
export interface SourcedResource extends Omit<Resource, "rows"> {
  readonly rows: (asked: ReadonlyMap<string, string>) => Iterable<Row>;
  /** Its answer warns of this code. */
  readonly warning?: number;
}

export interface SourcedRefusal {
  /** An error of NITRO's own, or the name of what broke: `http_503`, `timeout`, `not_nitro` … */
  readonly code: string;
  readonly words: string;
}

/** Answers from a backend's state, in rows as the firmware documents them. */
export function backendSource(backend: NitroBackend): NitroSource {
  return {
    resource: (query) => {
      const { kind: api, resource, attributes } = query;
      const { major } = backend.estate().firmware ?? LAB_FIRMWARE;
      const documented = documentedFields(api, resource, major);
      const unknown = (attributes ?? []).find((one) => documented?.includes(one) === false);
      if (unknown !== undefined) {
        return { code: "278", words: `Invalid argument value [${unknown}]` };
      }
      const found = resourceOf(query) ?? (documented === null ? null : NOTHING_SET);
      return found === null
        ? null
        : {
            ...found,
            rows: function* (asked) {
              for (const facts of found.rows(backend, asked)) {
                yield asTold(query, documentedRow(api, resource, major, facts));
              }
            },
          };
    },
  };
}

const LAB_FIRMWARE = { major: 13, minor: 1, text: "NS13.1 Build 37.38" };

function resourceOf({ kind, resource, statBindings }: NitroQuery): Resource | null {
  if (kind === "stat") {
    return statResource(resource, statBindings);
  }
  return configResource(resource) ?? aggregate(resource);
}

/** Documented resources that the lab does not use: one object each, with defaults. */
const NOTHING_SET: Resource = { key: null, single: true, rows: () => [{}] };

/** Lists of services and vservers contain no `state`; requests for one by name do. */
function asTold({ kind, resource, name }: NitroQuery, row: Row): Row {
  return kind === "config" && name === null && STATELESS.has(resource)
    ? { ...row, state: undefined }
    : row;
}

const STATELESS: ReadonlySet<string> = new Set(["service", "lbvserver", "csvserver"]);

/** `lbvserver_binding/NAME`: all that is bound to one, by kind; nothing of a kind is left out. */
function aggregate(name: string): Resource | null {
  const parent = /^(lbvserver|csvserver|service|servicegroup|sslvserver)_binding$/.exec(name)?.[1];
  const own = CONFIG.get(parent ?? "");
  if (parent === undefined || own === undefined) {
    return null;
  }
  const key = own.key ?? "name";
  const bindings = [...CONFIG].filter(
    ([each, resource]) => resource.binding === true && each.startsWith(`${parent}_`),
  );
  return {
    key,
    binding: true,
    rows: function* (backend, asked) {
      for (const { [key]: parentName } of own.rows(backend, asked)) {
        const bound = bindings.map(([each, resource]): [string, readonly Row[]] => [
          each,
          [...resource.rows(backend, asked)].filter((row) => row[key] === parentName),
        ]);
        yield {
          [key]: parentName,
          ...Object.fromEntries(bound.filter(([, rows]) => rows.length > 0)),
        };
      }
    },
  };
}

/** Resources under `/nitro/v1/stat/`. */
export function statResource(name: string, statBindings: boolean): Resource | null {
  return name === "servicegroup"
    ? { key: "servicegroupname", rows: serviceGroupStatRows(statBindings) }
    : (STAT.get(name) ?? null);
}

const CONFIG: ReadonlyMap<string, Resource> = new Map<string, Resource>([
  ["nsversion", { key: null, single: true, rows: versionRows }],
  ["nsconfig", { key: null, single: true, rows: configRows }],
  ["nsfeature", { key: null, single: true, rows: featureRows }],
  ["nshardware", { key: null, single: true, rows: hardwareRows }],
  [
    "systemuser",
    { key: "username", rows: () => [{ username: "nsroot", externalauth: "ENABLED" }] },
  ],
  ["nsip", { key: "ipaddress", rows: addressRows }],
  ["hanode", { key: "id", rows: nodeRows }],
  ["lbparameter", { key: null, single: true, rows: lbParameterRows }],
  ["csparameter", { key: null, single: true, rows: csParameterRows }],
  ["tmsessionparameter", { key: null, single: true, rows: sessionParameterRows }],
  ["sslparameter", { key: null, single: true, rows: sslParameterRows }],
  ["server", { key: "name", rows: serverRows }],
  ["service", { key: "name", rows: serviceRows }],
  ["servicegroup", { key: "servicegroupname", rows: serviceGroupRows }],
  ["lbmonitor", { key: "monitorname", rows: monitorRows }],
  ["lbvserver", { key: "name", rows: lbVserverRows }],
  ["csvserver", { key: "name", rows: csVserverRows }],
  ["lbpersistentsessions", { key: null, rows: persistentSessionRows }],
  ["authenticationvserver", { key: "name", rows: authenticationVserverRows }],
  ["authenticationauthnprofile", { key: "name", rows: () => [] }],
  ["cspolicy", { key: "policyname", rows: policyRows("cs") }],
  ["csaction", { key: "name", rows: actionRows("cs") }],
  ["netprofile", { key: "name", rows: netProfileRows }],
  ["ipset", { key: "name", rows: ipSetRows }],
  ["ipset_nsip_binding", binding("name", ipSetAddressRows(4))],
  ["ipset_nsip6_binding", binding("name", ipSetAddressRows(6))],
  ...ACL_KINDS.map((kind): [string, Resource] => [
    `ns${kind}`,
    { key: kind === "acl6" ? "acl6name" : "aclname", rows: aclRows(kind) },
  ]),
  [
    "responderglobal_responderpolicy_binding",
    { key: null, rows: globalRows(({ globalResponderPolicies }) => globalResponderPolicies) },
  ],
  [
    "appfwglobal_appfwpolicy_binding",
    { key: null, rows: globalRows(({ globalFirewallPolicies }) => globalFirewallPolicies) },
  ],
  ["tmglobal_tmsessionpolicy_binding", { key: null, rows: globalSessionRows }],
  ["aaagroup", { key: "groupname", rows: groupRows }],
  ["aaauser", { key: "username", rows: () => [] }],
  ["aaagroup_authorizationpolicy_binding", binding("groupname", groupPolicyRows("authorization"))],
  ["aaagroup_tmsessionpolicy_binding", binding("groupname", groupPolicyRows("tm session"))],
  ["aaauser_authorizationpolicy_binding", binding("username", () => [])],
  ["aaauser_tmsessionpolicy_binding", binding("username", () => [])],
  ["sslcertkey", { key: "certkey", rows: certKeyRows }],
  ["sslprofile", { key: "name", rows: sslProfileRows }],
  ["sslvserver", { key: "vservername", rows: sslVserverRows }],
  ["sslservice", { key: "servicename", rows: sslServiceRows("service") }],
  ["sslservicegroup", { key: "servicegroupname", rows: sslServiceRows("serviceGroup") }],
  ["servicegroup_servicegroupmember_binding", binding("servicegroupname", groupMemberRows)],
  ["servicegroup_lbmonitor_binding", binding("servicegroupname", groupMonitorRows)],
  [
    "servicegroup_servicegroupentitymonbindings_binding",
    binding("servicegroupname", groupEntityMonitorRows),
  ],
  ["service_lbmonitor_binding", binding("name", serviceMonitorRows)],
  ["lbvserver_service_binding", binding("name", vserverServiceRows)],
  ["lbvserver_servicegroup_binding", binding("name", vserverGroupRows)],
  ["lbvserver_servicegroupmember_binding", binding("name", vserverGroupMemberRows)],
  ["csvserver_cspolicy_binding", binding("name", csPolicyBindingRows)],
  ["csvserver_lbvserver_binding", binding("name", csDefaultTargetRows)],
  ["sslvserver_sslcertkey_binding", binding("vservername", sslVserverCertKeyRows)],
  ["sslservice_sslcertkey_binding", binding("servicename", sslServiceCertKeyRows("service"))],
  [
    "sslservicegroup_sslcertkey_binding",
    binding("servicegroupname", sslServiceCertKeyRows("serviceGroup")),
  ],
  ["lbmonitor_sslcertkey_binding", binding("monitorname", monitorCertKeyRows)],
  ["gslbsite", { key: "sitename", rows: gslbSiteRows }],
  ["gslbvserver", { key: "name", rows: gslbVserverRows }],
  ["gslbservice", { key: "servicename", rows: gslbServiceRows("service") }],
  ["gslbservicegroup", { key: "servicegroupname", rows: gslbServiceRows("serviceGroup") }],
  ["gslbvserver_domain_binding", binding("name", gslbVserverDomainRows)],
  ["gslbvserver_gslbservice_binding", binding("name", gslbVserverBindingRows("service"))],
  ["gslbvserver_gslbservicegroup_binding", binding("name", gslbVserverBindingRows("serviceGroup"))],
  ["gslbservice_lbmonitor_binding", binding("servicename", gslbServiceMonitorRows)],
  ["gslbservice_dnsview_binding", binding("servicename", gslbViewRows)],
  ["gslbservicegroup_lbmonitor_binding", binding("servicegroupname", gslbGroupMonitorRows)],
  [
    "gslbservicegroup_gslbservicegroupmember_binding",
    binding("servicegroupname", gslbGroupMemberRows),
  ],
  [
    "gslbservicegroup_servicegroupentitymonbindings_binding",
    binding("servicegroupname", gslbGroupEntityMonitorRows),
  ],
  ...policyFeatureResources(),
]);

const STAT: ReadonlyMap<string, Resource> = new Map<string, Resource>([
  ["lbvserver", { key: "name", rows: lbVserverStatRows }],
  ["csvserver", { key: "name", rows: csVserverStatRows }],
  ["service", { key: "name", rows: serviceStatRows }],
  ["hanode", { key: null, rows: nodeStatRows, single: true }],
]);

function binding(key: string, rows: Resource["rows"]): Resource {
  return { key, rows, binding: true };
}

function* policyFeatureResources(): Generator<[string, Resource]> {
  for (const [resource, kind, rows] of loginPolicyRows()) {
    yield [resource, kind === "binding" ? binding("name", rows) : { key: "name", rows }];
  }
  for (const [feature, { policy, action }] of POLICY_FEATURES) {
    const key = feature === "cache" ? "policyname" : "name";
    yield [policy, { key, rows: policyRows(feature) }];
    if (action !== null) {
      yield [action, { key: "name", rows: actionRows(feature) }];
    }
    yield [`lbvserver_${policy}_binding`, binding("name", policyBindingRows(feature, "lb"))];
    yield [`csvserver_${policy}_binding`, binding("name", policyBindingRows(feature, "cs"))];
  }
}

function versionRows({ estate }: NitroBackend): Row[] {
  const text = estate().firmware?.text ?? "NS13.1 Build 37.38";
  const spoken = text.replace(" Build", ": Build");
  return [{ version: `NetScaler ${spoken}.nc, Date: Jan 12 2023, 10:42:05   (64-bit)`, mode: "1" }];
}

function configRows({ estate, nodes }: NitroBackend): Row[] {
  return [{ ipaddress: estate().nsip ?? nodes()[0].address, netmask: "255.255.255.0" }];
}

function lbParameterRows({ estate }: NitroBackend): Row[] {
  return [rowOf(LB_PARAMETER_FIELDS, estate().parameters)];
}

function csParameterRows({ estate }: NitroBackend): Row[] {
  return [rowOf(CS_PARAMETER_FIELDS, estate().parameters)];
}

function sessionParameterRows({ estate }: NitroBackend): Row[] {
  return [rowOf(SESSION_PARAMETER_FIELDS, estate().parameters)];
}

function sslParameterRows({ estate }: NitroBackend): Row[] {
  return [rowOf(SSL_PARAMETER_FIELDS, estate().parameters)];
}

/** Features as their abbreviations, and each as a field of its own. */
function featureRows({ estate }: NitroBackend): Row[] {
  const { csVservers, authenticationVservers } = estate();
  const on = [
    "LB",
    "SSL",
    ...(csVservers.size > 0 ? ["CS"] : []),
    ...(authenticationVservers.size > 0 ? ["AAA"] : []),
  ];
  return [
    { feature: on, ...Object.fromEntries(on.map((feature) => [feature.toLowerCase(), true])) },
  ];
}

function hardwareRows(): Row[] {
  return [
    {
      hwdescription: "NetScaler Virtual Appliance 450000",
      sysid: "450000",
      host: "ns",
      serialno: "HE2H81UJ47",
    },
  ];
}
