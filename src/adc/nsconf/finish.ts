import { builtInMonitor, defaultBinding, monitorWithDefaults } from "../monitor-defaults.ts";
import { withDefaultTlsProfile } from "../tls-fields.ts";
import type { AdcService, Member } from "../../model/adc-service.ts";
import type { GslbService } from "../../model/gslb.ts";
import { namedGslb } from "../gslb-fields.ts";
import type { Estate, Server } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { CsVserver, LbVserver, VserverAuthentication } from "../../model/vserver.ts";
import { withAuthenticationProfile, familyOf, sourceAddressesOf } from "../vserver-fields.ts";
import { sameForm } from "../../lib/ip.ts";
import type { Steps } from "../../lib/steps.ts";
import { vserverName } from "./vservers.ts";
import {
  type CsVserverDraft,
  type Draft,
  type LbVserverDraft,
  type MemberDraft,
  type ServiceDraft,
  isAddress,
} from "./draft.ts";
import type { NameTable } from "./name-table.ts";

/** Resolves what the statements left open (servers, profiles, actions, default monitors) into an estate. */
export function* finishEstate(draft: Draft, adc: string): Steps<Estate> {
  const serversByAddress = indexByAddress(draft);
  const services = new Map<string, AdcService>();
  for (const [name, service] of draft.services.exact) {
    services.set(name, finishService(service, draft, serversByAddress));
    yield;
  }
  const gslbServices: Omit<GslbService, "shownAs">[] = [];
  for (const service of draft.gslbServices.exact.values()) {
    const { site: written, cname, otherAddresses, publicPorts, ...rest } = service;
    const site = written === null ? null : (draft.gslbSites.get(written)?.name ?? written);
    const finished = finishService(rest, draft, serversByAddress);
    gslbServices.push({ ...finished, site, cname, otherAddresses, publicPorts });
    yield;
  }
  finishActions(draft);
  for (const vserver of draft.gslbVservers.exact.values()) {
    vserver.backupVserver = vserverName(vserver.backupVserver, draft);
  }
  const lbVservers = mapValues(draft.lbVservers, (vserver) => finishLbVserver(vserver, draft));
  const csVservers = mapValues(draft.csVservers, (vserver) => finishCsVserver(vserver, draft));
  const { nsip, snips } = draft;
  return {
    adc,
    firmware: draft.firmware,
    nsip,
    snips,
    parameters: draft.parameters,
    servers: draft.servers.exact,
    services,
    monitors: finishMonitors(draft, [...services.values(), ...gslbServices]),
    lbVservers,
    csVservers,
    policies: draft.policies.exact,
    actions: draft.actions.exact,
    authenticationVservers: finishLogins(draft),
    certKeys: draft.certKeys.exact,
    sslProfiles: draft.sslProfiles.exact,
    netProfiles: mapValues(draft.netProfiles, (profile) => ({
      ...profile,
      sourceAddresses: sourceAddressesOf(profile.sourceIp, (set) => draft.ipSets.get(set) ?? []),
    })),
    gslb: namedGslb(
      {
        sites: draft.gslbSites.exact,
        services: gslbServices,
        vservers: draft.gslbVservers.exact.values(),
      },
      { services, lbVservers, csVservers, nsip, snips },
    ),
    acls: draft.acls.exact,
    globalResponderPolicies: draft.globalResponderPolicies,
    globalFirewallPolicies: draft.globalFirewallPolicies,
    diagnostics: [],
    otherStatements: draft.otherStatements,
  };
}

function mapValues<From, To>(table: NameTable<From>, map: (value: From) => To): Map<string, To> {
  return new Map([...table.exact].map(([name, value]) => [name, map(value)]));
}

/**
 * The ADC has one server object per address and traffic domain: a service defined by an address belongs to the server
 * with that address.
 */
function indexByAddress(draft: Draft): Map<string, Server> {
  const found = new Map<string, Server>();
  for (const server of draft.servers.exact.values()) {
    const place = server.address === null ? null : placeOf(server.address, server.trafficDomain);
    if (place !== null && !found.has(place)) {
      found.set(place, server);
    }
  }
  return found;
}

/** The same for every way to write an IPv6 address. */
function placeOf(address: string, trafficDomain: number): string {
  return `${String(trafficDomain)} ${sameForm(address)}`;
}

function finishService(
  service: ServiceDraft,
  draft: Draft,
  serversByAddress: ReadonlyMap<string, Server>,
): AdcService {
  const { noDefaultMonitor, memberPort, members, monitors } = service;
  return {
    kind: service.kind,
    name: service.name,
    serviceType: service.serviceType,
    enabled: service.enabled,
    healthMonitor: service.healthMonitor,
    monThreshold: service.monThreshold,
    monConnectionClose: service.monConnectionClose,
    useSourceIp: service.useSourceIp,
    netProfile:
      service.netProfile === null
        ? null
        : (draft.netProfiles.get(service.netProfile)?.name ?? service.netProfile),
    tcpProfile: service.tcpProfile,
    httpProfile: service.httpProfile,
    trafficDomain: service.trafficDomain,
    maxClients: service.maxClients,
    clientTimeoutMs: service.clientTimeoutMs,
    serverTimeoutMs: service.serverTimeoutMs,
    autoScale: service.autoScale,
    comment: service.comment,
    line: service.line,
    tls: withDefaultTlsProfile(service.tls, draft.sslProfiles, draft.parameters.sslDefaultProfile),
    ...(service.clientCertificate === undefined
      ? {}
      : { clientCertificate: service.clientCertificate }),
    members: members.map((member) =>
      finishMember(
        member.port === null ? { ...member, port: memberPort } : member,
        service,
        draft.servers.get(member.serverWord) ??
          serversByAddress.get(placeOf(member.serverWord, service.trafficDomain)),
      ),
    ),
    monitors:
      monitors.length > 0 || noDefaultMonitor
        ? monitors
        : [defaultBinding(service.serviceType, members)],
  };
}

/** A member names a server object, or an address for which the ADC has a server object of the same name. */
function finishMember(
  member: MemberDraft,
  service: ServiceDraft,
  server: Server | undefined,
): Member {
  const { serverWord, port, enabled, weight, line } = member;
  const address = isAddress(serverWord) ? serverWord : null;
  const finished = {
    adcService: service.name,
    server: server?.name ?? serverWord,
    address: server === undefined ? address : server.address,
    domain: server === undefined ? (address === null ? serverWord : null) : server.domain,
    port: port ?? "*",
    enabled: enabled && service.enabled && (server?.enabled ?? true),
    weight,
    line,
  };
  return Object.assign(
    finished,
    familyOf(server),
    port === null ? ({ portUnknown: server?.queryType === "SRV" ? "srv" : "none" } as const) : null,
  );
}

/** Configured monitors, and the built-ins to which some binding refers. */
function finishMonitors(draft: Draft, services: readonly AdcService[]): Map<string, Monitor> {
  const monitors = mapValues(draft.monitors, monitorWithDefaults);
  for (const service of services) {
    for (const binding of service.monitors) {
      const builtIn = monitors.has(binding.monitor) ? null : builtInMonitor(binding.monitor);
      if (builtIn !== null) {
        monitors.set(builtIn.name, builtIn);
      }
    }
  }
  return monitors;
}

/** References to and from actions, which are defined in any order. */
function finishActions(draft: Draft): void {
  const { policies, actions } = draft;
  for (const [name, action] of actions.exact) {
    const target = action.feature === "cs" ? vserverName(action.target, draft) : action.target;
    if (target !== action.target) {
      actions.set(name, { ...action, target });
    }
  }
  for (const [name, policy] of policies.exact) {
    const action = policy.action === null ? null : actions.get(policy.action);
    if (action?.feature === policy.feature && action.name !== policy.action) {
      policies.set(name, { ...policy, action: action.name });
    }
  }
}

function finishLbVserver(vserver: LbVserverDraft, draft: Draft): LbVserver {
  return Object.assign(vserver, {
    authentication: authenticationOf(vserver, draft),
    backupVserver: vserverName(vserver.backupVserver, draft),
  });
}

function finishCsVserver(vserver: CsVserverDraft, draft: Draft): CsVserver {
  return {
    ...vserver,
    authentication: authenticationOf(vserver, draft),
    backupVserver: vserverName(vserver.backupVserver, draft),
    stateUpdate: vserver.stateUpdate ?? draft.parameters.csStateUpdate,
    targets: vserver.targets.map((binding) => {
      const action = draft.policies.get(binding.policy)?.action ?? null;
      const target = action === null ? null : (draft.actions.get(action)?.target ?? null);
      return { ...binding, target: binding.target ?? target };
    }),
  };
}

/** Where bindings name a login that is not defined, what is bound to one without bindings is unknown. */
function finishLogins(draft: Draft): Estate["authenticationVservers"] {
  const logins = draft.authenticationVservers;
  return draft.absentLogins.size === 0
    ? logins.exact
    : mapValues(logins, ({ policies, ...login }) =>
        policies.length === 0 ? login : { ...login, policies },
      );
}

function authenticationOf(
  { authentication }: LbVserverDraft | CsVserverDraft,
  { authenticationProfiles, authenticationVservers }: Draft,
): VserverAuthentication {
  const profile = authenticationProfiles.get(authentication.profile ?? "");
  const whole = withAuthenticationProfile(authentication, profile);
  const vserver = authenticationVservers.get(whole.vserver ?? "")?.name ?? whole.vserver;
  return { ...whole, vserver };
}
