import type { LiveState } from "../agent/live.ts";
import type { Declarations } from "../maintenance/declarations.ts";
import { preflight, PREFLIGHT_DEFAULTS } from "../maintenance/preflight.ts";
import { verifyDrained, verifyReturned, type VerifyInputs } from "../maintenance/verify.ts";
import type { MaintenanceActions } from "../web/actions.ts";
import type { History } from "../web/history/history.ts";

export interface CheckSources {
  readonly live: () => LiveState;
  readonly declarations: Declarations;
  readonly history: Pick<History, "runs">;
  /** The estate's server for what an answer called itself; null when nobody in the estate calls itself so. */
  readonly serverOf: (adc: string, servedBy: string) => string | null;
  readonly stabilityMs: () => number;
  readonly now: () => number;
}

/** The looks before and after a change, as the web offers them: pure decisions over what is known at this moment. */
export function maintenanceChecks(
  sources: CheckSources,
): Pick<MaintenanceActions, "preflight" | "verify"> {
  const { live, declarations, now } = sources;
  return {
    preflight: async (server, { minCapacity, horizonMs }) =>
      preflight({
        live: live(),
        windows: declarations.list(now()),
        server,
        now: now(),
        keepGood: minCapacity ?? PREFLIGHT_DEFAULTS.keepGood,
        horizonMs: horizonMs ?? PREFLIGHT_DEFAULTS.horizonMs,
      }),
    verify: async (server, want) => {
      const inputs: VerifyInputs = {
        live: live(),
        server,
        now: now(),
        stabilityMs: sources.stabilityMs(),
        recentAnswers: recentAnswers(sources),
      };
      return want === "drained" ? verifyDrained(inputs) : verifyReturned(inputs);
    },
  };
}

/** Answers through a vserver's VIP, of all its probes, in the order of time. */
function recentAnswers({ history, serverOf }: CheckSources): VerifyInputs["recentAnswers"] {
  return (vserver, count) =>
    vserver.probes
      .flatMap((probe) => history.runs(probe.id, count))
      .flatMap(({ observation: { startedAt, servedBy } }) =>
        servedBy === null ? [] : [{ at: startedAt, server: serverOf(vserver.adc, servedBy) }],
      )
      .sort((a, b) => a.at - b.at)
      .slice(-count);
}
