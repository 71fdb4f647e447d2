import type { Estate } from "../../estate/model.ts";
import type { Vserver } from "../../estate/vserver.ts";
import { anonymousSpec, LOOK_TIMEOUT_MS } from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { responderRedirect } from "./responder-redirect.ts";
import type { PlanSettings } from "./settings.ts";
import { targetOf, vipCommon, vipProbeId, vipTls } from "./vip-common.ts";
import { adcFrontOf, AT_VIP, clientSpeaksTls, hostOf, type VipReach } from "./vip-reach.ts";

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
    redirectUrl: responderRedirect(estate, [vserver], asked) ?? always.redirectUrl,
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
      timeoutMs: LOOK_TIMEOUT_MS,
      type: "https_challenge",
      source: "agent",
      sourceAddresses: [],
      tlsSource: tls ? "as a client of today" : null,
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
