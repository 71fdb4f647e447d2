import type { Reason } from "../../src/model/reasons.ts";
import type { AdcOpinion, MemberVerdict } from "../../src/model/verdicts.ts";
import type { ServiceKind } from "./estate.ts";
import { logsIn, seesPortAlone, type Condition, type Truth } from "./world.ts";

/** The verdicts that page someone: each must be true whenever it is given, and given whenever it is true. */
export const ALARMS = [
  "routes_to_maintenance",
  "false_up",
  "false_down",
  "maintenance_overrun",
  "strict_monitor",
  // Pages nobody, but is the only true verdict if the account of a login monitor is rejected.
  "auth_rejected",
] as const;
export type Alarm = (typeof ALARMS)[number];

/** The alarm that a member's verdict is; null: none. */
export function alarmOf(verdict: MemberVerdict, reason: Reason | null): Alarm | null {
  const named = verdict === "unknown" ? reason : verdict;
  return ALARMS.find((alarm) => alarm === named) ?? null;
}

export type LoginState = "works" | "refused" | "held";

/** The true state of one member, and the ADC's state at the last poll. */
export interface Situation {
  readonly kind: ServiceKind;
  readonly truth: Truth;
  readonly adc: AdcOpinion;
  /** The window over this server, and `over` only for a member that has been away ever since. */
  readonly window: "no" | "open" | "over";
  /** In undeclared maintenance, and not working since, for longer than the limit. */
  readonly overdue: boolean;
  /** In maintenance until recently: healthy for less than one interval between looks. */
  readonly wasBrieflyWell: boolean;
  /**
   * The state of our login there: `refused` by the domain now, `held` afterwards, because no account is retried
   * immediately. Its last result counts for a while (`lags`), and `away` is what cannot be observed until the member
   * has been healthy.
   */
  readonly login: LoginState;
  /** Likewise for the monitor's account while another account of ours still works. */
  readonly monitorLogin: LoginState;
  readonly loginLags: boolean;
  readonly isAwayUntold: boolean;
}

/** The correct verdict from the true state; null while it is open (the ADC has not noticed yet). */
export function expectedVerdict(situation: Situation): MemberVerdict | null {
  const { kind, adc, window, overdue } = situation;
  const truth = { ...situation.truth, condition: asSeen(kind, situation.truth.condition) };
  const isOverrun = window === "over" || (window === "no" && overdue);
  if (situation.login !== "works" && (kind === "login" || situation.loginLags)) {
    return withoutLogin(situation);
  }
  if (situation.monitorLogin !== "works" && (adc === "up" || adc === "down")) {
    const proven = provenByAnother(situation);
    if (proven !== "as_ever") {
      return proven;
    }
  }
  if (situation.login !== "works" && situation.truth.condition === "dead_backend") {
    return null;
  }
  if (situation.isAwayUntold && (isOverrun || window !== "no") && adc !== "up") {
    return null;
  }
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

/** The replica is unknown and the agent's account works: the monitor's account is at fault. */
function provenByAnother({ truth, adc, window, monitorLogin }: Situation) {
  const isWell = truth.condition === "well" && truth.adc !== "stuck_down";
  if (adc === "up") {
    return isWell ? "agree_up" : truth.condition === "maintenance" ? "as_ever" : null;
  }
  if (truth.condition !== "well") {
    return "as_ever";
  }
  return isWell && monitorLogin === "refused" && window === "no" ? "strict_monitor" : null;
}

/** A back end that failed behind a working greeting is down for logins, and unnoticed by all other monitors. */
function asSeen(kind: ServiceKind, condition: Condition): Condition {
  if (condition === "dead_backend" || condition === "sick") {
    return logsIn(kind) ? "dead" : "sick";
  }
  return condition;
}

/** The agent cannot log in: nothing that only a login shows can be expected, nor that the member is away. */
function withoutLogin({ kind, truth, adc, window, login }: Situation): MemberVerdict | null {
  if (adc === "up") {
    const isWell = truth.condition === "well" && truth.adc !== "stuck_down";
    return truth.condition === "maintenance" ? "routes_to_maintenance" : isWell ? "agree_up" : null;
  }
  const greets = truth.condition === "well" || truth.condition === "dead_backend";
  const isRefused = kind === "login" && login === "refused" && window === "no";
  return adc === "down" && isRefused && greets ? "unknown" : null;
}

function whileUp(kind: ServiceKind, truth: Truth, declared: boolean): MemberVerdict | null {
  switch (truth.condition) {
    case "well":
      return truth.adc === "stuck_down" ? null : "agree_up";
    case "maintenance":
      return seesPortAlone(kind) || truth.adc === "stuck_up" || declared
        ? "routes_to_maintenance"
        : null;
    case "dead":
      return truth.adc !== "stuck_up" ? null : declared ? "routes_to_maintenance" : "false_up";
    case "sick":
      return declared ? "routes_to_maintenance" : "blind_monitor";
    case "strict":
      return null;
    case "refuses_us":
      // HTTPS shows maintenance by a failing page in a declared window: it cannot be seen for which clients it fails.
      return declared ? "routes_to_maintenance" : "replica_differs";
    case "dead_backend":
      return null;
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
      return seesPortAlone(kind) && truth.adc === "honest"
        ? null
        : isOverrun
          ? "maintenance_overrun"
          : "maintenance_expected";
    case "dead":
      return isOverrun ? "maintenance_overrun" : declared ? "maintenance_expected" : "agree_down";
    case "sick":
    case "dead_backend":
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
 * The alarm that is correct, given the truth and the ADC's last state. It is correct from the first moment, even if the
 * ADC will notice soon: a short one need not be reported, but reporting it is not false.
 */
export function trueAlarm(situation: Situation): Alarm | null {
  const { truth, adc, window, login } = situation;
  const expected = expectedVerdict(situation);
  // A failure behind a working greeting is noticed only by logins.
  const isSeen = login === "works" || truth.condition !== "dead_backend";
  const isBroken = truth.condition !== "well" && isSeen;
  if (adc === "up" && (truth.condition === "maintenance" || (isBroken && window === "open"))) {
    return "routes_to_maintenance";
  }
  if (login !== "works" && expected === "unknown") {
    return "auth_rejected";
  }
  return alarmOf(expected ?? "unknown", null);
}
