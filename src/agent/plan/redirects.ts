import type { Estate } from "../../model/estate.ts";
import type { PlanSettings } from "./settings.ts";
import type { Vserver } from "../../model/vserver.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import {
  hostOf,
  adcFrontOf,
  type VipReach,
  AT_VIP,
  clientSpeaksTls,
  vipCommon,
  vipProbeId,
  vipTls,
  targetOf,
} from "./vip-reach.ts";
import { anonymousSpec } from "./look-probes.ts";
import { type RuleRequest, matchesRule } from "../../adc/rule-match.ts";
import { locationIn, textFor } from "../../adc/request-text.ts";
import { parseRule } from "../../adc/rule-expression.ts";

/** A vserver that only redirects is asked whether it does; where it has no address there is nothing to ask. */
export function redirectProbe(
  estate: Estate,
  settings: PlanSettings,
  vserver: Vserver,
): PlannedProbe[] {
  const own = settings.vservers.get(vserver.name);
  const asked = { path: own?.path ?? "/", host: hostOf(own) };
  const withoutServices = vserver.kind === "cs" || vserver.services.length === 0;
  const always = adcFrontOf(estate, vserver, !withoutServices);
  const front = {
    ...always,
    redirectUrl:
      responderRedirect(estate, [vserver], asked, asked.host ?? vserver.address ?? "") ??
      always.redirectUrl,
  };
  if (front.redirectUrl === null || vserver.address === null || typeof vserver.port !== "number") {
    return [];
  }
  const reach: VipReach = {
    ...AT_VIP,
    entry: vserver,
    address: vserver.address,
    port: vserver.port,
    ...asked,
    policyHost: null,
  };
  const tls = clientSpeaksTls(vserver, false);
  return [
    {
      ...vipCommon(vipProbeId(estate, vserver, reach, "https_challenge"), estate, vserver, reach),
      adcService: "",
      intervalMs: 30_000,
      timeoutMs: settings.lookTimeoutMs,
      type: "https_challenge",
      source: "agent",
      sourceAddresses: [],
      tlsSource: tls ? "with current TLS versions" : null,
      action: {
        kind: "transaction",
        transaction: "https_challenge",
        role: "service",
        account: null,
        run: {
          spec: {
            ...anonymousSpec("https_challenge", {
              version: null,
              protocol: "https",
              path: reach.path,
              security: tls ? "implicit" : "none",
            }),
            tls: tls ? vipTls(settings, vserver, reach) : null,
            host: reach.host ?? reach.address,
            adc: front,
          },
          target: targetOf(reach),
        },
        unsupportedReason: null,
      },
    },
  ];
}
/**
 * Where responder policies of the vservers on the way send a request for certain, in the order in which the ADC asks
 * them: to a URL that is written out, or made of the request (`sentHost`: its Host header). Null: nowhere, or to a URL made
 * of what this agent does not know.
 */
export function responderRedirect(
  estate: Estate,
  onTheWay: readonly Vserver[],
  request: RuleRequest,
  sentHost: string,
): string | null {
  for (const vserver of onTheWay) {
    const bound = [...vserver.policies].sort(
      (a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity),
    );
    for (const binding of bound) {
      const policy = estate.policies.get(binding.policy);
      if (policy?.feature !== "responder" || policy.action === null) {
        continue;
      }
      if (matchesRule(parseRule(policy.rule), request) !== true) {
        continue;
      }
      const action = estate.actions.get(policy.action);
      const expression = action?.target ?? action?.expression ?? null;
      const text =
        expression === null
          ? null
          : textFor(expression, { host: sentHost, path: request.path ?? "/" });
      if (action?.type === "redirect") {
        return text === "" ? null : text;
      }
      return action?.type === "respondwith" && text !== null ? locationIn(text) : null;
    }
  }
  return null;
}
