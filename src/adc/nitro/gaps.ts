import type { NitroGap } from "../../model/adc-state.ts";

/** What each resource is needed for. Bindings of policies are described with their parents. */
const UNWATCHED: ReadonlyMap<string, string> = new Map([
  ["nsversion", "what depends on the firmware's version"],
  ["nsconfig", "the NSIP, from which scripted monitors are sent"],
  ["nsip", "the SNIPs, from which monitors are sent"],
  ["lbparameter", "how TCP monitors close their connections (the default is assumed)"],
  ["csparameter", "whether content switching follows its targets' state (the default is assumed)"],
  ["tmsessionparameter", "whether logins are passed on by default (the default is assumed)"],
  ["sslparameter", "whether default SSL profiles are in force (the default is assumed)"],
  ["netprofile", "source addresses of monitors with a net profile"],
  ["ipset", "source addresses of monitors whose net profile names an IP set"],
  ["ipset_nsip_binding", "the addresses of IP sets"],
  ["ipset_nsip6_binding", "the IPv6 addresses of IP sets"],
  ...["nsacl", "nsacl6", "nssimpleacl", "nssimpleacl6"].map(
    (resource) =>
      [resource, "which addresses the packet filter refuses, this agent's perhaps"] as const,
  ),
  ["responderglobal_responderpolicy_binding", "responder policies that hold for every vserver"],
  ["appfwglobal_appfwpolicy_binding", "firewall policies that hold for every vserver"],
  ["tmglobal_tmsessionpolicy_binding", "session policies that hold for every login"],
  ["aaagroup", "policies of groups behind the ADC's login"],
  ["aaauser", "policies of single users behind the ADC's login"],
  ["server", "which servers are disabled or in maintenance at the ADC"],
  ["service", "the state of services"],
  ["servicegroup", "which service groups are disabled"],
  ["servicegroup_servicegroupmember_binding", "the state of service group members"],
  ["servicegroup_servicegroupentitymonbindings_binding", "the ADC's monitors of group members"],
  ["service_lbmonitor_binding", "the ADC's monitors of services"],
  ["lbvserver", "the state of load balancing vservers"],
  ["csvserver", "content switching vservers"],
  ["csvserver_cspolicy_binding", "where content switching vservers send requests"],
  ["csvserver_lbvserver_binding", "default targets of content switching vservers"],
  ["cspolicy", "which requests content switching policies match"],
  ["csaction", "targets of content switching actions"],
  ["authenticationvserver", "logins at the ADC (AAA)"],
  ["authenticationauthnprofile", "authentication profiles of vservers"],
  ["sslcertkey", "certificates and when they expire"],
  ["sslprofile", "TLS settings out of SSL profiles"],
  ["sslvserver", "TLS settings of vservers"],
  ["sslservice", "TLS settings of services"],
  ["sslservicegroup", "TLS settings of service groups"],
  ["sslvserver_sslcertkey_binding", "whether vservers show the certificate bound to them"],
  ["sslservice_sslcertkey_binding", "whether servers are shown a client certificate"],
  [
    "sslservicegroup_sslcertkey_binding",
    "whether servers of groups are shown a client certificate",
  ],
  ["lbmonitor_sslcertkey_binding", "whether monitors show a client certificate"],
  ["stat/service", "how many clients services that leave still have"],
  ["stat/servicegroup", "how many clients group members that leave still have"],
  ["hanode", "which node of a pair is the primary"],
  [
    "cluster",
    "what other nodes of the cluster see (this is one node's own address: write the cluster's, the CLIP, in adcs[].nitro.urls)",
  ],
  ["gslbsite", "GSLB, and whether its sites exchange metrics (MEP)"],
  ["gslbvserver", "GSLB vservers, and so which sites names lead to"],
  ["gslbservice", "GSLB services: the VIPs of sites, and their state"],
  ["gslbservicegroup", "GSLB service groups"],
  ["gslbvserver_domain_binding", "the names that GSLB answers"],
  ["gslbvserver_gslbservice_binding", "which sites GSLB vservers hand out"],
  ["gslbvserver_gslbservicegroup_binding", "which site groups GSLB vservers hand out"],
  ["gslbservice_lbmonitor_binding", "the ADC's monitors of GSLB services"],
  ["gslbservice_dnsview_binding", "addresses of GSLB services in DNS views"],
  ["gslbservicegroup_lbmonitor_binding", "the ADC's monitors of GSLB service groups"],
  ["gslbservicegroup_gslbservicegroupmember_binding", "the members of GSLB service groups"],
  [
    "gslbservicegroup_servicegroupentitymonbindings_binding",
    "the ADC's monitors of GSLB group members",
  ],
  ["lbpersistentsessions", "which server our own probes stick to"],
]);

/** Without these a whole kind of vserver is missing, or its targets are. */
const BLINDING: ReadonlySet<string> = new Set([
  "lbvserver",
  "csvserver",
  "csvserver_cspolicy_binding",
  "csvserver_lbvserver_binding",
  "authenticationvserver",
  // Whether there is any GSLB.
  "gslbsite",
  "gslbvserver",
  "gslbvserver_domain_binding",
]);

/** Why a resource is missing. */
export interface Missing {
  /** NITRO's error code, `http_403`, or the kind of failure. */
  readonly code: string;
  /** Node, resource, the error, and what to check. */
  readonly message: string;
  /** The error alone; one line. */
  readonly words?: string;
}

export function gapOf(
  node: string,
  resource: string,
  { code, message, words = message }: Missing,
): NitroGap {
  return {
    node,
    resource,
    code,
    words,
    unwatched: UNWATCHED.get(resource) ?? `what ${resource} says`,
    blinds: BLINDING.has(resource),
  };
}
