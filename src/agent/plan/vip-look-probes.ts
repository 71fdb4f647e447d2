import type { AdcService } from "../../estate/adc-service.ts";
import type { Estate } from "../../estate/model.ts";
import type { LbVserver } from "../../estate/vserver.ts";
import type { VserverGraph } from "../../estate/vserver-graph.ts";
import { looksFor, type Recognition } from "../../probes/transactions/recognise.ts";
import type { TransactionName } from "../../probes/transactions/spec.ts";
import {
  anonymousSpec,
  LOOK_TIMEOUT_MS,
  lookInterval,
  takesOldTls,
  tlsSourceOf,
  type Recogniser,
} from "./look-probes.ts";
import type { PlannedProbe } from "./planned-probe.ts";
import { publicReach } from "./public-reach.ts";
import { responderRedirect } from "./responder-redirect.ts";
import type { PlanSettings } from "./settings.ts";
import { slowestInterval, targetOf, vipCommon, vipProbeId, vipTls } from "./vip-common.ts";
import { adcFrontOf, endsTls, securityThrough, vipReach, type VipReach } from "./vip-reach.ts";

/** Each look that the vserver's services are recognised for once, at its VIP and at its public addresses. */
export function vipLookProbes(
  graph: VserverGraph,
  estate: Estate,
  settings: PlanSettings,
  recognise: Recogniser,
  vserver: LbVserver,
  services: readonly AdcService[],
): PlannedProbe[] {
  const seen = new Set<TransactionName>();
  return services.flatMap((service) => {
    const recognition = service.members
      .map((member) => recognise(service, member))
      .find((each) => each.protocol !== null);
    if (recognition === undefined) {
      return [];
    }
    return looksFor(recognition).flatMap((transaction) => {
      if (seen.has(transaction)) {
        return [];
      }
      seen.add(transaction);
      const look = (reach: VipReach): PlannedProbe =>
        vipLook(estate, settings, vserver, services, service, reach, recognition, transaction);
      return [
        ...vipReach(graph, estate, vserver, settings, recognition.path).map(look),
        ...publicReach(graph, estate, vserver, settings, recognition.path).map(look),
      ];
    });
  });
}

/** One look through one way in. */
export function vipLook(
  estate: Estate,
  settings: PlanSettings,
  vserver: LbVserver,
  services: readonly AdcService[],
  service: AdcService,
  reach: VipReach,
  recognition: Recognition,
  transaction: TransactionName,
): PlannedProbe {
  const security = securityThrough(reach.entry, recognition.security);
  const old = !endsTls(reach.entry) && takesOldTls(transaction, recognition.version, reach.port);
  const front = adcFrontOf(estate, vserver, true);
  const path = pathThrough(reach, recognition.path);
  const redirectUrl =
    transaction === "https_challenge"
      ? responderRedirect(estate, [reach.entry, vserver], { path, host: reach.host })
      : null;
  return {
    ...vipCommon(vipProbeId(estate, vserver, reach, transaction), estate, vserver, reach),
    adcService: service.name,
    intervalMs: Math.max(slowestInterval(estate, services), lookInterval(estate, service)),
    timeoutMs: LOOK_TIMEOUT_MS,
    type: transaction,
    source: "agent",
    sourceAddresses: [],
    tlsSource: tlsSourceOf(security),
    action: {
      kind: "transaction",
      transaction,
      role: transaction === "health_page" ? "detection" : "service",
      account: null,
      run:
        reach.refused === null
          ? {
              spec: {
                ...anonymousSpec(transaction, recognition),
                security,
                path,
                tls: security === "none" ? null : vipTls(settings, vserver, reach, old),
                host: reach.host ?? reach.address,
                adc: { ...front, redirectUrl },
              },
              target: targetOf(reach),
            }
          : null,
      unsupportedReason: reach.refused,
    },
  };
}

/** The path asked through content switching must satisfy the policy; the member's own path is kept where it does. */
function pathThrough(reach: VipReach, own: string | null): string | null {
  return reach.path ?? own;
}
