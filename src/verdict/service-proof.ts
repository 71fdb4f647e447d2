import { outranks, type Sight } from "../model/observation.ts";

/**
 * What the passes of a service prove: every bound monitor wrong that fails or would; those wrong that fail now; or
 * neither, because they saw less deep or elsewhere.
 */
export const SERVICE_PROOFS = ["every_monitor", "failing_monitor", "shallower"] as const;
export type ServiceProof = (typeof SERVICE_PROOFS)[number];

/** One monitor that counts. `sight` is null where nothing is known of it: nothing outranks that. */
export interface JudgedMonitor {
  readonly sight: Sight | null;
  readonly fails: boolean;
}

/** Compares depths only: a pass outranks a failure at the same depth or deeper, on the same path. */
export function serviceProof(
  passes: readonly Sight[],
  monitors: readonly JudgedMonitor[],
): ServiceProof {
  const isProvenWrong = ({ sight }: JudgedMonitor): boolean =>
    sight !== null && passes.some((pass) => outranks(pass, sight));
  if (monitors.every(isProvenWrong)) {
    return "every_monitor";
  }
  const failing = monitors.filter(({ fails }) => fails);
  return failing.length > 0 && failing.every(isProvenWrong) ? "failing_monitor" : "shallower";
}
