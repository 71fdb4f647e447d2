import type { LiveMember, LiveState, LiveVserver } from "../model/live.ts";
import {
  checkAll,
  memberWords,
  membersOf,
  reportOf,
  unknownServer,
  witnessCheck,
  type MaintenanceCheck,
  type MaintenanceReport,
} from "./report.ts";

/** One answer that came through a VIP. */
export interface VipAnswer {
  readonly at: number;
  /** The estate's name of the server that gave it; null if the answer names no known server. */
  readonly server: string | null;
}

export interface VerifyInputs {
  readonly live: LiveState;
  readonly server: string;
  readonly now: number;
  readonly stabilityMs: number;
  /** The last answers through a vserver's VIP, newest last, at most so many. */
  readonly recentAnswers: (vserver: LiveVserver, count: number) => readonly VipAnswer[];
}

/** Number of responses through each VIP that are examined. */
const VIP_ANSWERS = 10;

/** Is it really drained? The ADC has it out or down everywhere, no connection is left, and no VIP hands it clients. */
export function verifyDrained(inputs: VerifyInputs): MaintenanceReport {
  const { live, server } = inputs;
  return (
    unknownServer(live, server) ??
    reportOf(server, [
      witnessCheck(live, server),
      outCheck(inputs),
      connectionCheck(inputs),
      notServedCheck(inputs),
    ])
  );
}

/** Is it really back? Every monitor and transaction is good and stable, the ADC has it UP, each VIP used it again. */
export function verifyReturned(inputs: VerifyInputs): MaintenanceReport {
  const { live, server } = inputs;
  return (
    unknownServer(live, server) ??
    reportOf(server, [
      witnessCheck(live, server),
      probesCheck(inputs),
      upCheck(inputs),
      stableCheck(inputs),
      servedAgainCheck(inputs),
    ])
  );
}

function outCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server)
    .filter((member) => !["out", "down", "leaving_down"].includes(member.adcOpinion))
    .map((member) => `${memberWords(member)} is ${adcWords(member)} on ${member.adc}`);
  return checkAll("out", wrong, "The ADC reports every member out of service or down.");
}

function connectionCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server).flatMap((member) => {
    if (member.connections === null) {
      // A member that is DOWN has had its sessions flushed; of one that is out, this is unknown.
      return member.adcOpinion === "down" || member.adcOpinion === "leaving_down"
        ? []
        : [`${member.adc} does not report connections of ${memberWords(member)}`];
    }
    return member.connections === 0
      ? []
      : [`${memberWords(member)} still has ${String(member.connections)} connection(s)`];
  });
  return checkAll("connections", wrong, "No client is connected.");
}

function notServedCheck(inputs: VerifyInputs): MaintenanceCheck {
  const wrong = servedVservers(inputs).flatMap((vserver) => {
    const answers = answersBy(inputs, vserver, lastChange(inputs, vserver));
    return answers === 0
      ? []
      : [
          `${vserver.vserver} returned ${String(answers)} response(s) from it since it was taken out`,
        ];
  });
  return checkAll("vip", wrong, "No VIP returned a response from it since it was taken out.");
}

function probesCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server).flatMap((member) =>
    member.probes.flatMap((probe) => {
      const { monitor, transaction, last } = probe;
      const where = `${monitor === "" ? transaction : monitor} at ${memberWords(member)}`;
      if (probe.lastPassed === false || probe.opinion === "down") {
        return [`${where} fails: ${last?.reason ?? "no answer"}`];
      }
      // What has run without a result (not yet, held back, a fault of ours) has not passed either.
      return probe.opinion === "unknown" && probe.scheduled !== false
        ? [`${where} has no result: ${last?.reason ?? "not run yet"}`]
        : [];
    }),
  );
  return checkAll("probes", wrong, "All monitors and transactions pass.");
}

function upCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server)
    .filter((member) => member.adcOpinion !== "up")
    .map((member) => `${memberWords(member)} is ${adcWords(member)} on ${member.adc}`);
  return checkAll("up", wrong, "The ADC reports every member UP.");
}

function stableCheck({ live, server, now, stabilityMs }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server).flatMap((member) => {
    const goodForMs = member.since === null ? 0 : now - member.since;
    if (member.verdict !== "agree_up") {
      return [`${memberWords(member)} is ${member.verdict}`];
    }
    return goodForMs >= stabilityMs
      ? []
      : [
          `${memberWords(member)} has passed for ${inSeconds(goodForMs)} of ${inSeconds(stabilityMs)}`,
        ];
  });
  return checkAll("stable", wrong, `Everything has passed for ${inSeconds(stabilityMs)}.`);
}

function servedAgainCheck(inputs: VerifyInputs): MaintenanceCheck {
  const wrong = servedVservers(inputs)
    // If no answer ever names a server, none can be missing.
    .filter((vserver) => [...vserver.servedBy.keys()].some((name) => name !== "unrecognised"))
    .filter((vserver) => answersBy(inputs, vserver, lastChange(inputs, vserver)) === 0)
    .map((vserver) => `${vserver.vserver} has returned no response from it since it came back`);
  return checkAll(
    "vip",
    wrong,
    "Every VIP that identifies its servers has returned a response from it again.",
  );
}

/** Vservers that lead to the server. */
function servedVservers({ live, server }: VerifyInputs): readonly LiveVserver[] {
  const mine = membersOf(live, server);
  return live.vservers.filter(({ adc, vserver }) =>
    mine.some((member) => member.adc === adc && member.vservers.includes(vserver)),
  );
}

function answersBy(inputs: VerifyInputs, vserver: LiveVserver, since: number): number {
  const wanted = inputs.server.toLowerCase();
  return inputs
    .recentAnswers(vserver, VIP_ANSWERS)
    .filter(({ at, server }) => at > since && server?.toLowerCase() === wanted).length;
}

/** When the ADC last took a member of the server out of this vserver, or in; 0 when it does not tell: all answers count. */
function lastChange({ live, server }: VerifyInputs, { adc, vserver }: LiveVserver): number {
  const changes = membersOf(live, server)
    .filter((member) => member.adc === adc && member.vservers.includes(vserver))
    .map((member) => member.adcStateChangedAt ?? 0);
  return Math.max(0, ...changes);
}

function adcWords(member: LiveMember): string {
  return member.adcRawState ?? member.adcOpinion;
}

function inSeconds(durationMs: number): string {
  return `${String(Math.floor(durationMs / 1000))} s`;
}
