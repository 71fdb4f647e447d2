import type { FaultName } from "../../../lab/faults/catalogue.ts";
import type { Outcome } from "../../../src/model/observation.ts";
import type { FailureReason, Step } from "../../../src/model/reasons.ts";
import type { CheckName } from "../checks.ts";
import type { Differences } from "./peers.ts";

/** How a monitor must end at a fault, and why a peer has the opposite opinion. */
export interface Ending {
  readonly opinion: "up" | "down";
  readonly outcome: Outcome;
  readonly step: Step;
  /** Alternatives where the kernel decides. */
  readonly reason: string;
  readonly differences?: Differences;
}

/** The endings by fault and monitor. */
export type FaultTable = Readonly<
  Partial<Record<FaultName, Readonly<Partial<Record<CheckName, Ending>>>>>
>;

type Reasons = FailureReason | "reset|closed_without_data";

export const REFUSED: Ending = {
  opinion: "down",
  outcome: "refused",
  step: "connect",
  reason: "refused",
};

export function up(step: Step, differences?: Differences): Ending {
  return ending("up", "match", step, "ok", differences);
}

export function fails(step: Step, reason: Reasons, differences?: Differences): Ending {
  return ending("down", "failed", step, reason, differences);
}

export function timesOut(step: Step, reason: Reasons, differences?: Differences): Ending {
  return ending("down", "timeout", step, reason, differences);
}

export function mismatches(step: Step, reason: Reasons, differences?: Differences): Ending {
  return ending("down", "mismatch", step, reason, differences);
}

function ending(
  opinion: Ending["opinion"],
  outcome: Outcome,
  step: Step,
  reason: string,
  differences: Differences | undefined,
): Ending {
  const end = { opinion, outcome, step, reason };
  return differences === undefined ? end : { ...end, differences };
}
