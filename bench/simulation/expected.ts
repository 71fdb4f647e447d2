import type { AdcOpinion, MemberVerdict } from "../../src/model/verdicts.ts";
import type { ServiceKind } from "./estate.ts";
import type { Condition, Truth } from "./world.ts";

/** The verdicts that call someone at night: each must be true whenever it is said, and said whenever it is true. */
export const ALARMS = [
  "routes_to_maintenance",
  "false_up",
  "false_down",
  "maintenance_overrun",
] as const;
export type Alarm = (typeof ALARMS)[number];

export function isAlarm(verdict: MemberVerdict): verdict is Alarm {
  return ALARMS.some((alarm) => alarm === verdict);
}

/** What the simulator knows of one member, beside what the ADC told at its last poll. */
export interface Situation {
  readonly kind: ServiceKind;
  readonly truth: Truth;
  readonly adc: AdcOpinion;
  /** The window over this server, and `over` only for a member that has been away ever since. */
  readonly window: "no" | "open" | "over";
  /** In maintenance that nobody declared, and not well since, for longer than that may take. */
  readonly overdue: boolean;
  /** Since it was in maintenance last it has been well for no longer than between two looks. */
  readonly wasBrieflyWell: boolean;
}

/** What would be said by someone who knows everything; null where only time will tell (the ADC has yet to notice). */
export function expectedVerdict({
  kind,
  truth,
  adc,
  window,
  overdue,
}: Situation): MemberVerdict | null {
  const isOverrun = window === "over" || (window === "no" && overdue);
  switch (adc) {
    case "up":
      return whileUp(kind, truth, window === "open");
    case "down":
      return whileDown(kind, truth, window === "open", isOverrun);
    case "out":
    case "leaving":
    case "leaving_down":
      return whileOut(truth.condition, adc === "out", window, isOverrun);
    case "unknown":
      return "unknown";
  }
}

function whileUp(kind: ServiceKind, truth: Truth, declared: boolean): MemberVerdict | null {
  switch (truth.condition) {
    case "well":
      return truth.adc === "stuck_down" ? null : "agree_up";
    case "maintenance":
      return kind === "imap" || truth.adc === "stuck_up" || declared
        ? "routes_to_maintenance"
        : null;
    case "dead":
      return truth.adc !== "stuck_up" ? null : declared ? "routes_to_maintenance" : "false_up";
    case "sick":
      return declared ? "routes_to_maintenance" : "blind_monitor";
    case "strict":
      return null;
    case "refuses_us":
      // A page that fails in a declared window is how HTTPS shows maintenance: whom it is closed to cannot be told.
      return declared ? "routes_to_maintenance" : "replica_differs";
  }
}

function whileDown(
  kind: ServiceKind,
  truth: Truth,
  declared: boolean,
  isOverrun: boolean,
): MemberVerdict | null {
  switch (truth.condition) {
    case "well":
      return truth.adc === "stuck_down" ? "false_down" : null;
    case "maintenance":
      return kind === "imap" && truth.adc === "honest"
        ? null
        : isOverrun
          ? "maintenance_overrun"
          : "maintenance_expected";
    case "dead":
      return isOverrun ? "maintenance_overrun" : declared ? "maintenance_expected" : "agree_down";
    case "sick":
      return null;
    case "strict":
      return declared ? "maintenance_expected" : "strict_monitor";
    case "refuses_us":
      return null;
  }
}

function whileOut(
  condition: Condition,
  isOut: boolean,
  window: Situation["window"],
  isOverrun: boolean,
): MemberVerdict | null {
  const good = condition === "well";
  if (isOverrun && !good) {
    return "maintenance_overrun";
  }
  if (window === "over") {
    return "return_overdue";
  }
  if (window === "open") {
    return good && isOut ? "ready_to_return" : "drained";
  }
  return "drained_undeclared";
}

/**
 * The alarm that is so, by the truth and the ADC's last word. It is so from the first moment, also where the ADC is
 * honest and will soon notice: a short one need not be named, but naming it is not false.
 */
export function trueAlarm(situation: Situation): Alarm | null {
  const { truth, adc, window } = situation;
  if (adc === "up") {
    const broken = truth.condition !== "well";
    if (truth.condition === "maintenance" || (broken && window === "open")) {
      return "routes_to_maintenance";
    }
  }
  const expected = expectedVerdict(situation);
  return expected !== null && isAlarm(expected) ? expected : null;
}
