import { denyingAcl } from "../../adc/acls.ts";
import { parseRule } from "../../adc/rule-expression.ts";
import { matchesRule, type RuleRequest } from "../../adc/rule-match.ts";
import type { Estate } from "../../model/estate.ts";
import type { Policy } from "../../model/policy.ts";
import type { Vserver } from "../../model/vserver.ts";
import type { VipRefusal } from "../../verdict/vip-refusal.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/** A probe through a VIP with what may refuse it; others as they are. `sources`: addresses of ours, empty where unknown. */
export function withRefusal(
  probe: PlannedProbe,
  estate: Estate,
  sources: readonly string[],
): PlannedProbe {
  if (probe.vantage !== "vip") {
    return probe;
  }
  const refusal = refusalOf(probe, estate, sources);
  return refusal === null
    ? probe
    : {
        ...probe,
        refusal,
        note: probe.note === null ? refusal.words : `${probe.note}; ${refusal.words}`,
      };
}

function refusalOf(
  { vservers, address, port, action }: PlannedProbe,
  estate: Estate,
  sources: readonly string[],
): VipRefusal | null {
  // The vserver that is dialled comes last; what it takes goes on to the one behind it.
  const onTheWay = [...vservers]
    .reverse()
    .flatMap((name) => estate.csVservers.get(name) ?? estate.lbVservers.get(name) ?? []);
  const [entry] = onTheWay;
  if (entry === undefined || address === null || typeof port !== "number") {
    return null;
  }
  const spec = action.kind === "transaction" ? action.run?.spec : action.run?.spec.viaVip;
  const asked = { path: spec?.path ?? null, host: spec?.host ?? null };
  return (
    aclRefusal(estate, sources, address, port) ??
    listenRefusal(entry, sources) ??
    certificateRefusal(entry, estate) ??
    responderRefusal(onTheWay, estate, asked, sources) ??
    firewallRefusal(onTheWay, estate, asked, sources)
  );
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
  for (const source of known(sources)) {
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
  const taken = known(sources).map((source) =>
    matchesRule(tree, { path: null, host: null, ...(source === null ? {} : { source }) }),
  );
  return taken.every((takes) => takes === true)
    ? null
    : {
        by: "listen_policy",
        words: `-Listenpolicy of ${entry.name} ${verb(taken.includes(false))} this agent`,
      };
}

/** Front-end profile of every vserver without one, where `set ssl parameter -defaultProfile ENABLED`. */
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
        words: `${entry.name} demands a client certificate and refuses this agent, which has none`,
      }
    : null;
}

/** Responder policies that drop, reset or answer by the client's address, in the order in which the ADC asks them. */
function responderRefusal(
  onTheWay: readonly Vserver[],
  estate: Estate,
  asked: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  const bound = [{ policies: estate.globalResponderPolicies }, ...onTheWay].flatMap(
    ({ policies }) =>
      [...policies].sort((a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity)),
  );
  for (const { policy: name } of bound) {
    const policy = estate.policies.get(name);
    if (policy?.feature !== "responder" || !asksForSource(policy)) {
      continue;
    }
    const taken = takenBy(policy, asked, sources);
    const by = howItRefuses(policy, estate);
    if (by !== null && !taken.every((takes) => takes === false)) {
      const words = `responder policy ${policy.name} ${verb(taken.includes(true))} this agent`;
      return { by, words };
    }
  }
  return null;
}

/** Profiles that the ADC comes with: they stop everybody whom the policy takes, or nobody. */
const BUILT_IN_PROFILE = /^APPFW_(?:BLOCK|DROP|RESET|BYPASS)$/i;

/** The application firewall may take a request of ours for an attack, and lets clients through. */
function firewallRefusal(
  onTheWay: readonly Vserver[],
  estate: Estate,
  asked: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  const bound = [{ policies: estate.globalFirewallPolicies }, ...onTheWay];
  for (const { policy: name } of bound.flatMap(({ policies }) => policies)) {
    const policy = estate.policies.get(name) ?? estate.policies.get(`appfw/${name}`);
    if (policy?.feature !== "appfw" || policy.action === null) {
      continue;
    }
    const isBuiltIn = BUILT_IN_PROFILE.test(policy.action);
    const stops = isBuiltIn ? !/BYPASS$/i.test(policy.action) && asksForSource(policy) : true;
    const taken = takenBy(policy, asked, sources);
    if (stops && !taken.every((takes) => takes === false)) {
      const words = `appfw policy ${policy.name} ${verb(isBuiltIn && taken.includes(true))} this agent`;
      return { by: "appfw", words };
    }
  }
  return null;
}

/** Whether the policy takes what we ask, from each address of ours. */
function takenBy(
  { rule }: Policy,
  asked: RuleRequest,
  sources: readonly string[],
): readonly (boolean | null)[] {
  const tree = parseRule(rule);
  return known(sources).map((source) =>
    matchesRule(tree, { ...asked, ...(source === null ? {} : { source }) }),
  );
}

function asksForSource({ rule }: Policy): boolean {
  return /CLIENT\.(?:IP|IPV6|ETHER)\b|REQ\.IP\.SOURCEIP|CLIENT\.IP\.SRC/i.test(rule);
}

/** DROP, RESET, or an answer of the ADC's own with an error; a redirect is asked and checked as such. */
function howItRefuses(
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
 * Addresses and ports of VIPs at which it may matter where a client comes from: where the packet filter, a listen policy or
 * a responder asks for it.
 */
export function vipsAskingForSource(
  estate: Estate,
): readonly { readonly address: string; readonly port: number }[] {
  const { acls, policies, lbVservers, csVservers } = estate;
  const byPolicy = [...policies.values()].some(
    (policy) =>
      (policy.feature === "responder" || policy.feature === "appfw") && asksForSource(policy),
  );
  return [...lbVservers.values(), ...csVservers.values()].flatMap(
    ({ address, port, listenPolicy }) =>
      address !== null && (acls.size > 0 || byPolicy || listenPolicy !== null)
        ? { address, port: typeof port === "number" ? port : ANY_PORT }
        : [],
  );
}

/** Of a VIP of every port: which one is dialled does not change where the connection comes from. */
const ANY_PORT = 443;

/** Each address of ours; null alone where none is known. */
function known(sources: readonly string[]): readonly (string | null)[] {
  return sources.length === 0 ? [null] : sources;
}

function verb(certain: boolean): string {
  return certain ? "refuses" : "may refuse";
}
