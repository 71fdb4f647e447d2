import { outranks, type Sight } from "../model/observation.ts";
import type {
  AdcOpinion,
  MemberVerdict,
  ReplicaOpinion,
  ServiceOpinion,
} from "../model/verdicts.ts";

/**
 * What passing transactions prove: that every bound monitor would be wrong to fail; that those failing now are wrong; or
 * neither, because the transactions see less deep or another path.
 */
export const SERVICE_PROOFS = ["every_monitor", "failing_monitor", "shallower"] as const;
export type ServiceProof = (typeof SERVICE_PROOFS)[number];

/** One monitor that counts. `sight` is null if its depth is not known: no pass outranks it. */
export interface JudgedMonitor {
  readonly sight: Sight | null;
  readonly fails: boolean;
  /** It runs here, and has neither passed nor failed often enough: it may still confirm the ADC. */
  readonly mayFail?: boolean;
}

/**
 * Compares depths: a pass at least as deep as a failure, on the same path, outranks it. While a monitor is undecided here, its
 * DOWN at the ADC is neither false nor too strict.
 */
export function serviceProof(
  passes: readonly Sight[],
  monitors: readonly JudgedMonitor[],
): ServiceProof {
  const isProvenWrong = ({ sight }: JudgedMonitor): boolean =>
    sight !== null && passes.some((pass) => outranks(pass, sight));
  if (monitors.every((each) => isProvenWrong(each) && each.mayFail !== true)) {
    return "every_monitor";
  }
  const failing = monitors.filter(({ fails }) => fails);
  return failing.length > 0 && failing.every(isProvenWrong) ? "failing_monitor" : "shallower";
}

/** Everything the verdict on a member depends on. */
export interface MemberInputs {
  /** The agent's control targets do not respond: none of its own opinions counts. */
  readonly cutOff: boolean;
  readonly adc: AdcOpinion;
  readonly replica: ReplicaOpinion;
  /** `none` counts as unknown. */
  readonly service: ServiceOpinion;
  /** The replica's last probe failed: the ADC may be about to notice. */
  readonly failing: boolean;
  /**
   * The account of a login monitor is rejected here; the ADC's own probe may fail for the same reason. `proven`: a login with
   * another account works. Null or absent: no account is rejected.
   */
  readonly refused?: "refused" | "proven" | null;
  /** The server of a configured login offers only schemes that this agent does not support: its result stays unknown. */
  readonly loginUnsupported?: boolean;
  /** A declared window is open, or is over and the member has been away ever since. */
  readonly declared: "no" | "open" | "over";
  /** It has been in undeclared maintenance, and has not worked since, for longer than that may take. */
  readonly overdue: boolean;
  /** Maintenance was seen on the wire at this member. */
  readonly detected: boolean;
  readonly withinGrace: boolean;
  /** Everything has been good for the stability time. */
  readonly stable: boolean;
  /** What passing transactions prove against the monitors. */
  readonly proof: ServiceProof;
  /**
   * Whether our evidence may contradict an ADC that says UP: the ADC was polled after the evidence appeared, and the evidence
   * is not older than the replica's recovery.
   */
  readonly conclusive: boolean;
}

/** The verdict on a member: total, and the first rule that matches wins. */
export function memberVerdict(inputs: MemberInputs): MemberVerdict {
  if (inputs.cutOff || inputs.adc === "unknown") {
    return "unknown";
  }
  if (inputs.adc !== "up" && inputs.adc !== "down") {
    return outVerdict(inputs);
  }
  if (inputs.replica === "unknown" && !serviceKnown(inputs) && !inputs.detected) {
    return "unknown";
  }
  return inputs.adc === "up" ? upVerdict(inputs) : downVerdict(inputs);
}

/** The ADC has it out of service, or on the way there. */
function outVerdict(inputs: MemberInputs): MemberVerdict {
  const good =
    inputs.replica !== "down" &&
    inputs.service !== "down" &&
    (inputs.replica === "up" || inputs.service === "up");
  const mayReturn = good && inputs.stable;
  if (inputs.declared === "over" && mayReturn) {
    return "return_overdue";
  }
  if (inputs.declared === "open") {
    return mayReturn && inputs.adc === "out" ? "ready_to_return" : "drained";
  }
  return isOverrun(inputs) && !good && !inputs.withinGrace
    ? "maintenance_overrun"
    : "drained_undeclared";
}

/** Its window is over, or undeclared maintenance has lasted too long. */
function isOverrun({ declared, overdue }: MemberInputs): boolean {
  return declared === "over" || (declared === "no" && overdue);
}

function upVerdict(inputs: MemberInputs): MemberVerdict {
  const { replica, service, failing } = inputs;
  const broken = service === "down" || replica === "down";
  if (inputs.detected || (inputs.declared === "open" && broken)) {
    if (!inputs.conclusive) {
      return "settling";
    }
    return failing || replica === "down"
      ? afterGrace(inputs, "routes_to_maintenance")
      : "routes_to_maintenance";
  }
  if (replica === "down") {
    return afterGrace(inputs, provesFailingWrong(inputs) ? "replica_differs" : "false_up");
  }
  if (service === "down") {
    if (!inputs.conclusive) {
      return "settling";
    }
    return failing ? afterGrace(inputs, "blind_monitor") : "blind_monitor";
  }
  return inputs.loginUnsupported === true ? "unknown" : "agree_up";
}

function downVerdict(inputs: MemberInputs): MemberVerdict {
  const { replica, service } = inputs;
  const maintenance = inputs.detected || inputs.declared === "open";
  if (maintenance && (replica !== "up" || service === "down")) {
    return isOverrun(inputs) ? "maintenance_overrun" : "maintenance_expected";
  }
  const agreed = isOverrun(inputs) ? "maintenance_overrun" : "agree_down";
  if (service === "down") {
    return agreed;
  }
  const { refused = null } = inputs;
  if (refused !== null && replica === "unknown") {
    return refused === "proven" && service === "up"
      ? afterGrace(inputs, "strict_monitor")
      : "unknown";
  }
  if (replica === "up") {
    return afterGrace(inputs, "false_down");
  }
  if (replica === "unknown" && service === "up") {
    return inputs.proof === "every_monitor" ? afterGrace(inputs, "false_down") : "unknown";
  }
  return provesFailingWrong(inputs) ? afterGrace(inputs, "strict_monitor") : agreed;
}

/** The replica fails, but a transaction at least as deep as the failing monitor passes. */
function provesFailingWrong({ replica, service, proof }: MemberInputs): boolean {
  return replica === "down" && service === "up" && proof !== "shallower";
}

function afterGrace(inputs: MemberInputs, verdict: MemberVerdict): MemberVerdict {
  return inputs.withinGrace ? "settling" : verdict;
}

function serviceKnown(inputs: MemberInputs): boolean {
  return inputs.service === "up" || inputs.service === "down";
}
