import { denyingAcl } from "../../adc/acls.ts";
import { parseRule } from "../../adc/rule-expression.ts";
import { matchesRule, type RuleRequest } from "../../adc/rule-match.ts";
import type { Estate } from "../../model/estate.ts";
import type { Policy } from "../../model/policy.ts";
import type { Vserver } from "../../model/vserver.ts";
import type { VipRefusal } from "../../verdict/vip-refusal.ts";
import type { PlannedProbe } from "./planned-probe.ts";

/** A probe with what may refuse it; most as they are. `sources`: addresses of ours, empty where unknown. */
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
 * The ADC has a certificate to show to these servers, whose key never leaves it: they may demand it. A monitor's own is bound
 * to it (`bind lb monitor -certkeyName`); whether a monitor shows that of its service, too, is not documented.
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
      ? `the ADC shows servers of ${adcService} the client certificate ${String(bound)}, this probe none`
      : `the ADC shows the client certificate ${own}, this probe none`;
  return { by: "client_certificate", words };
}

/** Policies of a way that may refuse somebody, in the order in which the ADC asks them. */
interface RefusingPolicies {
  readonly responder: readonly { readonly policy: Policy; readonly by: VipRefusal["by"] }[];
  readonly firewall: readonly { readonly policy: Policy; readonly isBuiltIn: boolean }[];
}

/** Most ways have no policy that refuses anybody, which is found out once for each vserver. */
function refusalFinder(
  estate: Estate,
): (probe: PlannedProbe, sources: readonly string[]) => VipRefusal | null {
  const found = new Map<Vserver, RefusingPolicies>();
  const everywhere = refusingPolicies(estate, [
    { policies: estate.globalResponderPolicies },
    { policies: estate.globalFirewallPolicies },
  ]);
  const at = (vserver: Vserver): RefusingPolicies => {
    const own = found.get(vserver) ?? refusingPolicies(estate, [vserver]);
    found.set(vserver, own);
    return own;
  };
  return ({ vservers, address, port, action }, sources) => {
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
    const policies = [everywhere, ...onTheWay.map(at)];
    return (
      aclRefusal(estate, sources, address, port) ??
      listenRefusal(entry, sources) ??
      certificateRefusal(entry, estate) ??
      responderRefusal(policies, asked, sources) ??
      firewallRefusal(policies, asked, sources)
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

/** Profiles that the ADC comes with: they stop everybody whom the policy takes, or nobody. */
const BUILT_IN_PROFILE = /^APPFW_(?:BLOCK|DROP|RESET|BYPASS)$/i;

/** Responder policies that drop, reset or answer by the client's address, and those of the firewall that stop anybody. */
function refusingPolicies(
  estate: Estate,
  bound: readonly Pick<Vserver, "policies">[],
): RefusingPolicies {
  const responder = bound
    .flatMap(({ policies }) =>
      [...policies].sort((a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity)),
    )
    .flatMap(({ policy: name }) => {
      const policy = estate.policies.get(name);
      if (policy?.feature !== "responder" || !asksForSource(policy)) {
        return [];
      }
      const by = howItRefuses(policy, estate);
      return by === null ? [] : [{ policy, by }];
    });
  const firewall = bound
    .flatMap(({ policies }) => policies)
    .flatMap(({ policy: name }) => {
      const policy = estate.policies.get(name) ?? estate.policies.get(`appfw/${name}`);
      if (policy?.feature !== "appfw" || policy.action === null) {
        return [];
      }
      const isBuiltIn = BUILT_IN_PROFILE.test(policy.action);
      const stops = isBuiltIn ? !/BYPASS$/i.test(policy.action) && asksForSource(policy) : true;
      return stops ? [{ policy, isBuiltIn }] : [];
    });
  return { responder, firewall };
}

function responderRefusal(
  onTheWay: readonly RefusingPolicies[],
  asked: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  for (const { policy, by } of onTheWay.flatMap(({ responder }) => responder)) {
    const taken = takenBy(policy, asked, sources);
    if (!taken.every((takes) => takes === false)) {
      const words = `responder policy ${policy.name} ${verb(taken.includes(true))} this agent`;
      return { by, words };
    }
  }
  return null;
}

/** The application firewall may take a request of ours for an attack, and lets clients through. */
function firewallRefusal(
  onTheWay: readonly RefusingPolicies[],
  asked: RuleRequest,
  sources: readonly string[],
): VipRefusal | null {
  for (const { policy, isBuiltIn } of onTheWay.flatMap(({ firewall }) => firewall)) {
    const taken = takenBy(policy, asked, sources);
    if (!taken.every((takes) => takes === false)) {
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
