import type { Target, ProbeContext } from "../net/probe-context.ts";
import type { Observation } from "../model/observation.ts";

/**
 * The one contract of every probe: `(spec, target, context) → Observation`. A probe never throws, opens sockets only
 * through `context.network`, leaves none open, and ends by `context.signal` or its own time-out, whichever is first.
 */
export type Probe<Spec> = (
  spec: Spec,
  target: Target,
  context: ProbeContext,
) => Promise<Observation>;
