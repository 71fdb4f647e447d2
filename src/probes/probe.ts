import type { Target, ProbeContext } from "../net/probe-context.ts";
import type { Observation, LoginOutcome } from "../model/observation.ts";
import type { TransactionName, TransactionSpec } from "../model/transactions.ts";

/**
 * The one contract of every probe: `(spec, target, context) → Observation`. A probe never throws, opens sockets only
 * through `context.network`, leaves none open, and ends by `context.signal` or its own time-out, whichever is first.
 */
export type Probe<Spec> = (
  spec: Spec,
  target: Target,
  context: ProbeContext,
) => Promise<Observation>;

/** One kind of transaction: one file each, listed in registry.ts. */
export interface TransactionType {
  readonly transaction: TransactionName;
  readonly probe: Probe<TransactionSpec>;
  readonly needsAccount: boolean;
  readonly transport: "tcp" | "udp";
}

/** What became of the credential of a probe that logs in: the probe itself tells, and one that tells nothing sent none. */
export function loginOutcome({ login = "not_tried" }: Observation): LoginOutcome {
  return login;
}
