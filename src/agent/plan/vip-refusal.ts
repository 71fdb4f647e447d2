import { denyingAcl } from "../../adc/acls.ts";
import { parseRule } from "../../adc/rule-expression.ts";
import { matchesRule, type RuleRequest } from "../../adc/rule-match.ts";
import type { Estate } from "../../model/estate.ts";
import type { Policy } from "../../model/policy.ts";
import type { Vserver } from "../../model/vserver.ts";
import type { VipRefusal } from "../../verdict/vip-refusal.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/**
 * Adds to a probe what may refuse it; most probes are returned unchanged. `sources`: the agent's own addresses, empty
 * if unknown.
 */
export type WithRefusal = (probe: PlannedProbe, sources: readonly string[]) => PlannedProbe;

export function refusalsOf(estate: Estate): WithRefusal {
  const refusalOf = refusalFinder(estate);
  return (probe, sources) => {
    const refusal =
      probe.vantage === "vip"
        ? refusalOf(probe, sources)
        : probe.vantage === "backend"
          ? backendRefusal(probe, estate)
          : null;
    return refusal === null
      ? probe
      : {
          ...probe,
          refusal,
          note: probe.note === null ? refusal.words : `${probe.note}; ${refusal.words}`,
        };
  };
}

/**
 * The ADC has a client certificate for these servers, whose key never leaves it: the servers may require it. A
 * monitor's own is bound to it (`bind lb monitor -certkeyName`); whether a monitor also uses that of its service is not
 * documented.
 */
function backendRefusal(
  { action, adcService }: PlannedProbe,
  { services }: Estate,
): VipRefusal | null {
  const security = action.kind === "transaction" ? action.run?.spec.security : undefined;
  const speaksTls =
    action.kind === "monitor"
      ? action.monitor.secure
      : security !== undefined && security !== "none";
  const own =
    action.kind === "monitor" ? action.monitor.written.get("certkeyname")?.[0] : undefined;
  const bound = services.get(adcService)?.clientCertificate;
  if (!speaksTls || (own ?? bound) === undefined) {
    return null;
  }
  const words =
    own === undefined
      ? `the ADC presents the client certificate ${String(bound)} to servers of ${adcService}, this probe presents none`
      : `the ADC presents the client certificate ${own}, this probe presents none`;
  return { by: "client_certificate", words };
}

/** The policies of a route that may refuse some clients, in the order in which the ADC evaluates them. */
interface RefusingPolicies {
  readonly responder: readonly { readonly policy: Policy; readonly by: VipRefusal["by"] }[];
  readonly firewall: readonly { readonly policy: Policy; readonly isBuiltIn: boolean }[];
}

/** Most routes have no policy that refuses anybody, so this is determined once per vserver. */
const NOBODY: RefusingPolicies = { responder: [], firewall: [] };

function refusalFinder(
  estate: Estate,
): (probe: PlannedProbe, sources: readonly string[]) => VipRefusal | null {
  const found = new Map<Vserver, RefusingPolicies>();
  const global = refusingPolicies(estate, [
    { policies: estate.globalResponderPolicies },
    { policies: estate.globalFirewallPolicies },
  ]);
  const policiesOf = (vserver: Vserver): RefusingPolicies => {
    const known = found.get(vserver);
    if (known !== undefined) {
      return known;
    }
    const own = refusingPolicies(estate, [vserver]);
    found.set(vserver, own);
    return own;
  };
  return ({ vservers, address, port, action }, sources) => {
    // The vserver that the probe connects to comes last; what it accepts goes on to the one behind it.
    const onTheWay = vservers
      .map((name) => estate.csVservers.get(name) ?? estate.lbVservers.get(name))
      .filter((vserver) => vserver !== undefined)
      .reverse();
    const [entry] = onTheWay;
    if (entry === undefined || address === null || typeof port !== "number") {
      return null;
    }
    const spec = action.kind === "transaction" ? action.run?.spec : action.run?.spec.viaVip;
    const request = { path: spec?.path ?? null, host: spec?.host ?? null };
    const policies = [global, ...onTheWay.map(policiesOf)].filter((own) => own !== NOBODY);
    return (
      aclRefusal(estate, sources, address, port) ??
      listenRefusal(entry, sources) ??
      certificateRefusal(entry, estate) ??
      responderRefusal(policies, request, sources) ??
      firewallRefusal(policies, request, sources)
    );
  };
}

function aclRefusal(
  { acls }: Estate,
  sources: readonly string[],
  destination: string,
  port: number,
): VipRefusal | null {
  if (acls.size === 0) {
    return null;
  }
  for (const source of orUnknown(sources)) {
    const denied = denyingAcl([...acls.values()], { source, destination, port });
    if (denied !== null) {
      const words = `${denied.acl.kind} ${denied.acl.name} ${verb(denied.certain)} this agent`;
      return { by: "acl", words };
    }
  }
  return null;
}

function listenRefusal(entry: Vserver, sources: readonly string[]): VipRefusal | null {
  if (entry.listenPolicy === null) {
    return null;
  }
  const tree = parseRule(entry.listenPolicy);
  const matched = orUnknown(sources).map((source) =>
    matchesRule(tree, { path: null, host: null, ...(source === null ? {} : { source }) }),
  );
  return matched.every((match) => match === true)
    ? null
    : {
        by: "listen_policy",
        words: `-Listenpolicy of ${entry.name} ${verb(matched.includes(false))} this agent`,
      };
}

/** The front-end profile of every vserver without its own, if `set ssl parameter -defaultProfile ENABLED`. */
const DEFAULT_FRONT_END_PROFILE = "ns_default_ssl_profile_frontend";

function certificateRefusal(entry: Vserver, estate: Estate): VipRefusal | null {
  const { parameters, sslProfiles } = estate;
  const name = entry.sslProfile ?? (parameters.sslDefaultProfile ? DEFAULT_FRONT_END_PROFILE : "");
  const profile = sslProfiles.get(name);
  const { clientAuth, clientCertificate } = profile ?? entry;
  const endsTls = entry.serviceType === "SSL" || entry.serviceType === "SSL_TCP";
  return endsTls && clientAuth && clientCertificate !== "OPTIONAL"
    ? {
        by: "client_certificate",
        words: `${entry.name} requires a client certificate and refuses this agent, which has none`,
      }
    : null;
}

/** Built-in profiles: they block everybody whom the policy matches, or nobody. */
const BUILT_IN_PROFILE = /^APPFW_(?:BLOCK|DROP|RESET|BYPASS)$/i;

/**
 * Responder policies that drop, reset or answer depending on the client's address, and firewall policies that block
 * anybody.
 */
function refusingPolicies(
  estate: Estate,
  bound: readonly Pick<Vserver, "policies">[],
): RefusingPolicies {
  const responder = bound.flatMap(({ policies }) =>
    policies
      .flatMap(({ policy: name, priority }) => {
        const policy = estate.policies.get(name);
        if (policy?.feature !== "responder" || !dependsOnSource(policy)) {
          return [];
        }
        const by = refusalKind(policy, estate);
        return by === null ? [] : [{ policy, by, priority: priority ?? Infinity }];
      })
      .sort((a, b) => a.priority - b.priority),
  );
  const firewall = bound
    .flatMap(({ policies }) => policies)
    .flatMap(({ policy: name }) => {
      const policy = estate.policies.get(name) ?? estate.policies.get(`appfw/${name}`);
      if (policy?.feature !== "appfw" || policy.action === null) {
        return [];
      }
      const isBuiltIn = BUILT_IN_PROFILE.test(policy.action);
      const stops = isBuiltIn ? !/BYPASS$/i.test(policy.action) && dependsOnSource(policy) : true;
      return stops ? [{ policy, isBuiltIn }] : [];
    });
  return responder.length === 0 && firewall.length === 0 ? NOBODY : { responder, firewall };
}

function responderRefusal(
  onTheWay: readonly RefusingPolicies[],
  request: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  for (const { policy, by } of onTheWay.flatMap(({ responder }) => responder)) {
    const matched = matchesFromSources(policy, request, sources);
    if (!matched.every((match) => match === false)) {
      const words = `responder policy ${policy.name} ${verb(matched.includes(true))} this agent`;
      return { by, words };
    }
  }
  return null;
}

/** The application firewall may take one of our requests for an attack, although it lets clients through. */
function firewallRefusal(
  onTheWay: readonly RefusingPolicies[],
  request: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  for (const { policy, isBuiltIn } of onTheWay.flatMap(({ firewall }) => firewall)) {
    const matched = matchesFromSources(policy, request, sources);
    if (!matched.every((match) => match === false)) {
      const words = `appfw policy ${policy.name} ${verb(isBuiltIn && matched.includes(true))} this agent`;
      return { by: "appfw", words };
    }
  }
  return null;
}

/** Whether the policy matches our request, for each of our own addresses. */
function matchesFromSources(
  { rule }: Policy,
  request: RuleRequest,
  sources: readonly string[],
): readonly (boolean | null)[] {
  const tree = parseRule(rule);
  return orUnknown(sources).map((source) =>
    matchesRule(tree, { ...request, ...(source === null ? {} : { source }) }),
  );
}

function dependsOnSource({ rule }: Policy): boolean {
  return /CLIENT\.(?:IP|IPV6|ETHER)\b|REQ\.IP\.SOURCEIP|CLIENT\.IP\.SRC/i.test(rule);
}

/** DROP, RESET, or an error response from the ADC itself; redirects are probed and checked as such. */
function refusalKind(
  { action }: Policy,
  { actions }: Estate,
): Extract<VipRefusal["by"], `responder_${string}`> | null {
  if (action === null || /^(?:DROP|RESET)$/i.test(action)) {
    return action === null ? null : "responder_ends";
  }
  const { type = "", expression = null } = actions.get(action) ?? {};
  const isError =
    /^(?:respondwith|sqlresponse)/.test(type) &&
    !/HTTP\/1\.[01] (?:2|3)\d\d/.test(expression ?? "");
  return isError ? "responder_answers" : null;
}

/**
 * Addresses and ports of VIPs where the client's source address may matter: an ACL, a listen policy or a responder
 * policy checks it.
 */
export function sourceDependentVips(
  estate: Estate,
): readonly { readonly address: string; readonly port: number }[] {
  const { acls, policies, lbVservers, csVservers } = estate;
  const byPolicy = [...policies.values()].some(
    (policy) =>
      (policy.feature === "responder" || policy.feature === "appfw") && dependsOnSource(policy),
  );
  return [...lbVservers.values(), ...csVservers.values()].flatMap(
    ({ address, port, listenPolicy }) =>
      address !== null && (acls.size > 0 || byPolicy || listenPolicy !== null)
        ? { address, port: typeof port === "number" ? port : ANY_PORT }
        : [],
  );
}

/** The port used for a VIP that listens on all ports: the source address does not depend on it. */
const ANY_PORT = 443;

/** Each of our own addresses; a single null if none is known. */
function orUnknown(sources: readonly string[]): readonly (string | null)[] {
  return sources.length === 0 ? [null] : sources;
}

function verb(certain: boolean): string {
  return certain ? "refuses" : "may refuse";
}
