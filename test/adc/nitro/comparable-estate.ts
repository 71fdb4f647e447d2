import type { AdcService } from "../../../src/model/adc-service.ts";
import type { Estate } from "../../../src/model/estate.ts";
import type { Monitor } from "../../../src/model/monitor.ts";
import type { PolicyBinding } from "../../../src/model/policy.ts";
import type { Vserver } from "../../../src/model/vserver.ts";

/**
 * What ns.conf and NITRO must agree on. Left out is what only one of them can know: line numbers, the words as written,
 * the old form of a binding, whether a password stands in clear text, and the order of bindings.
 */
export function comparableEstate(estate: Estate): unknown {
  return {
    firmware: estate.firmware,
    parameters: estate.parameters,
    servers: byName(estate.servers.values(), withoutLine),
    services: byName(estate.services.values(), comparableService),
    monitors: byName(estate.monitors.values(), comparableMonitor),
    lbVservers: byName(estate.lbVservers.values(), (vserver) => ({
      ...comparableVserver(vserver),
      services: sorted(vserver.services.map(withoutLine)),
    })),
    csVservers: byName(estate.csVservers.values(), (vserver) => ({
      ...comparableVserver(vserver),
      targets: vserver.targets.map(withoutLine),
    })),
    sslProfiles: byName(estate.sslProfiles.values(), withoutLine),
    netProfiles: byName(estate.netProfiles.values(), withoutLine),
    acls: byName(estate.acls.values(), withoutLine),
    globalResponderPolicies: estate.globalResponderPolicies.map(withoutLine),
    globalFirewallPolicies: estate.globalFirewallPolicies.map(withoutLine),
    policies: byName(estate.policies.values(), withoutLine),
    actions: byName(estate.actions.values(), withoutLine),
    authenticationVservers: byName(estate.authenticationVservers.values(), (vserver) => ({
      ...withoutLine(vserver),
      policies: sorted((vserver.policies ?? []).map(withoutLine)),
      certKeys: vserver.certKeys.map(withoutLine),
    })),
    certKeys: byName(estate.certKeys.values(), withoutLine),
    gslbSites: byName(estate.gslb.sites.values(), withoutLine),
    gslbServices: byName(estate.gslb.services.values(), comparableService),
    gslbVservers: byName(estate.gslb.vservers.values(), (vserver) => ({
      ...withoutLine(vserver),
      domains: vserver.domains.map(withoutLine),
      services: sorted(vserver.services.map(withoutLine)),
    })),
  };
}

function comparableService(service: AdcService): unknown {
  return {
    ...withoutLine(service),
    monitors: sorted(
      service.monitors.map((binding) => ({ ...withoutLine(binding), deprecatedForm: null })),
    ),
    members: sorted(service.members.map(withoutLine)),
  };
}

function comparableMonitor(monitor: Monitor): unknown {
  const { password, ...parameters } = monitor.parameters;
  return {
    ...withoutLine(monitor),
    written: null,
    parameters: { ...parameters, hasPassword: password !== "none" && parameters.userName !== null },
  };
}

function comparableVserver(vserver: Vserver): object {
  return {
    ...withoutLine(vserver),
    policies: sorted(vserver.policies.map((binding: PolicyBinding) => withoutLine(binding))),
    certKeys: vserver.certKeys.map(withoutLine),
  };
}

function withoutLine<T extends { readonly line: unknown }>(value: T): Omit<T, "line"> {
  const { line, ...rest } = value;
  void line;
  return rest;
}

function byName<T extends { readonly name: string }>(
  values: Iterable<T>,
  convert: (value: T) => unknown,
): unknown {
  return Object.fromEntries([...values].map((value) => [value.name, convert(value)]));
}

function sorted(values: readonly unknown[]): unknown[] {
  return [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
