import type {
  AdcOpinion,
  MemberVerdict,
  ReplicaOpinion,
  ServiceOpinion,
} from "../model/verdicts.ts";

/** Everything the verdict on a member depends on. */
export interface MemberInputs {
  /** The agent's control targets are silent: no opinion of ours counts. */
  readonly cutOff: boolean;
  readonly adc: AdcOpinion;
  readonly replica: ReplicaOpinion;
  /** `none` counts as unknown. */
  readonly service: ServiceOpinion;
  /** The replica's last observation failed: the ADC may be about to notice. */
  readonly failing: boolean;
  /** A declared window is open, or one is over and the member has been out ever since it was open. */
  readonly declared: "no" | "open" | "over";
  /** Maintenance was seen on the wire at this member. */
  readonly detected: boolean;
  readonly withinGrace: boolean;
  /** Everything has been good for the stability time. */
  readonly stable: boolean;
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
  return "drained_undeclared";
}

function upVerdict(inputs: MemberInputs): MemberVerdict {
  const { replica, service, failing } = inputs;
  const broken = service === "down" || replica === "down";
  if (inputs.detected || (inputs.declared === "open" && broken)) {
    return failing || replica === "down"
      ? afterGrace(inputs, "routes_to_maintenance")
      : "routes_to_maintenance";
  }
  if (replica === "down") {
    return afterGrace(inputs, service === "up" ? "replica_differs" : "false_up");
  }
  if (service === "down") {
    return failing ? afterGrace(inputs, "blind_monitor") : "blind_monitor";
  }
  return "agree_up";
}

function downVerdict(inputs: MemberInputs): MemberVerdict {
  const { replica, service } = inputs;
  const maintenance = inputs.detected || inputs.declared === "open";
  if (maintenance && (replica !== "up" || service === "down")) {
    return "maintenance_expected";
  }
  if (service === "down") {
    return "agree_down";
  }
  if (replica === "up" || (replica === "unknown" && service === "up")) {
    return afterGrace(inputs, "false_down");
  }
  if (replica === "down" && service === "up") {
    return afterGrace(inputs, "strict_monitor");
  }
  return "agree_down";
}

function afterGrace(inputs: MemberInputs, verdict: MemberVerdict): MemberVerdict {
  return inputs.withinGrace ? "settling" : verdict;
}

function serviceKnown(inputs: MemberInputs): boolean {
  return inputs.service === "up" || inputs.service === "down";
}
