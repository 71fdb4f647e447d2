import { counted } from "../lib/counted.ts";
import { groupBy } from "../lib/steps.ts";
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

/** One response through a VIP. */
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
  /** The last responses through a vserver's VIP, newest last, up to a maximum number. */
  readonly recentAnswers: (vserver: LiveVserver, count: number) => readonly VipAnswer[];
}

/** Number of responses through each VIP that are examined. */
const VIP_ANSWERS = 10;

/**
 * Checks whether a server is drained: every member is out of service or down on the ADC, no connection is left, and no VIP
 * sends it clients.
 */
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

/**
 * Checks whether a server is back: every monitor and transaction passes for the stability time, the ADC has it UP, and each VIP
 * has used it again.
 */
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
  const members = membersOf(live, server);
  const still = members.filter(
    ({ adcOpinion }) => !["out", "down", "leaving_down"].includes(adcOpinion),
  );
  return checkAll(
    "out",
    byState(still).map(([state, alike]) => remainingWords(server, state, alike, members.length)),
    "The ADC reports every member out of service or down.",
  );
}

/** `13 of 13 members of ex02 still UP on prod: svc_owa:443, …`; a single one is named on its own. */
function remainingWords(
  server: string,
  state: string,
  alike: readonly LiveMember[],
  all: number,
): string {
  const [first] = alike;
  const adcs = [...new Set(alike.map(({ adc }) => adc))].join(" and ");
  if (first !== undefined && alike.length === 1) {
    return `${memberWords(first)} is ${state} on ${adcs}`;
  }
  const named = alike
    .slice(0, MAX_NAMED_MEMBERS)
    .map(({ adcService, port }) => `${adcService}:${String(port)}`);
  const more =
    alike.length > MAX_NAMED_MEMBERS
      ? `, and ${String(alike.length - MAX_NAMED_MEMBERS)} more`
      : "";
  return `${String(alike.length)} of ${String(all)} members of ${server} still ${state} on ${adcs}: ${named.join(", ")}${more}`;
}

const MAX_NAMED_MEMBERS = 5;

function byState(members: readonly LiveMember[]): readonly (readonly [string, LiveMember[]])[] {
  return [...groupBy(members, adcText)];
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
      : [`${memberWords(member)} still has ${counted(member.connections, "connection")}`];
  });
  return checkAll("connections", wrong, "No client is connected.");
}

/**
 * A VIP without any response since the change proves nothing, so the check fails. If source persistence binds the agent to one
 * server, other servers can never be observed; that is reported but not waited for.
 */
function notServedCheck(inputs: VerifyInputs): MaintenanceCheck {
  const { wrong, unseen } = throughVips(inputs, (vserver, answers) => {
    const own = answersOf(inputs, answers).length;
    const { vserver: name } = vserver;
    if (own > 0) {
      return `${name} returned ${counted(own, "response")} from it since the change`;
    }
    return answers.length === 0
      ? `no probe has been answered through ${name} since the change`
      : null;
  });
  return withUnobservedServers(
    checkAll("vip", wrong, "No VIP returned a response from it since the change."),
    unseen,
  );
}

/** The problems at each observable VIP, by its responses since the change; and the unobservable VIPs. */
function throughVips(
  inputs: VerifyInputs,
  wrongAt: (vserver: LiveVserver, answers: readonly VipAnswer[]) => string | null,
): { readonly wrong: readonly string[]; readonly unseen: readonly string[] } {
  const asked = servedVservers(inputs).filter(isProbedThrough);
  const seen = asked.filter(({ persistence }) => persistence?.observable !== false);
  return {
    wrong: seen.flatMap((vserver) => {
      const since = lastChange(inputs, vserver);
      const answers = inputs.recentAnswers(vserver, VIP_ANSWERS).filter(({ at }) => at > since);
      return wrongAt(vserver, answers) ?? [];
    }),
    unseen: asked.filter((vserver) => !seen.includes(vserver)).map(({ vserver }) => vserver),
  };
}

/** Whether probes go through it: a vserver behind another vserver has none, and one that is down serves no clients. */
function isProbedThrough({ probes, vip, adcOpinion }: LiveVserver): boolean {
  const isDown = vip === "down" || (adcOpinion !== "up" && adcOpinion !== "unknown");
  return !isDown && probes.some(({ vantage, scheduled }) => vantage === "vip" && scheduled);
}

function withUnobservedServers(
  check: MaintenanceCheck,
  unseen: readonly string[],
): MaintenanceCheck {
  return unseen.length === 0
    ? check
    : {
        ...check,
        warning: check.ok,
        message: `${check.message} Not observable from one address because of source persistence: ${unseen.join(", ")}.`,
      };
}

function probesCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const wrong = membersOf(live, server).flatMap((member) =>
    member.probes.flatMap((probe) => {
      const { monitor, transaction, last } = probe;
      const where = `${monitor === "" ? transaction : monitor} at ${memberWords(member)}`;
      if (probe.lastPassed === false || probe.opinion === "down") {
        return [`${where} fails: ${last?.reason ?? "no answer"}`];
      }
      // A run without a result (not run yet, held back, agent fault) has not passed.
      return probe.opinion === "unknown" && probe.scheduled
        ? [`${where} has no result: ${last?.reason ?? "not run yet"}`]
        : [];
    }),
  );
  return checkAll("probes", wrong, "All monitors and transactions pass.");
}

function upCheck({ live, server }: VerifyInputs): MaintenanceCheck {
  const members = membersOf(live, server);
  const wrong = byState(members.filter(({ adcOpinion }) => adcOpinion !== "up")).map(
    ([state, alike]) => remainingWords(server, state, alike, members.length),
  );
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
          `${memberWords(member)} has passed for ${secondsText(goodForMs)} of ${secondsText(stabilityMs)}`,
        ];
  });
  return checkAll("stable", wrong, `Everything has passed for ${secondsText(stabilityMs)}.`);
}

function servedAgainCheck(inputs: VerifyInputs): MaintenanceCheck {
  const { wrong, unseen } = throughVips(inputs, (vserver, answers) => {
    // If no response identifies a server, none can be missing.
    const names = [...vserver.servedBy.keys()].some((name) => name !== "unrecognised");
    return names && answersOf(inputs, answers).length === 0
      ? `${vserver.vserver} has returned no response from it since it came back`
      : null;
  });
  return withUnobservedServers(
    checkAll(
      "vip",
      wrong,
      "Every VIP that identifies its servers has returned a response from it again.",
    ),
    unseen,
  );
}

/** Vservers of the server. */
function servedVservers({ live, server }: VerifyInputs): readonly LiveVserver[] {
  const mine = membersOf(live, server);
  return live.vservers.filter(({ adc, vserver }) =>
    mine.some((member) => member.adc === adc && member.vservers.includes(vserver)),
  );
}

function answersOf({ server }: VerifyInputs, answers: readonly VipAnswer[]): readonly VipAnswer[] {
  const wanted = server.toLowerCase();
  return answers.filter((answer) => answer.server?.toLowerCase() === wanted);
}

/**
 * When the ADC last changed the state of a member of the server in this vserver; if it does not report that, since when the
 * member has been away. 0 if unknown: all responses count.
 */
function lastChange({ live, server }: VerifyInputs, { adc, vserver }: LiveVserver): number {
  const changes = membersOf(live, server)
    .filter((member) => member.adc === adc && member.vservers.includes(vserver))
    .map((member) => member.adcStateChangedAt ?? member.awaySince ?? 0);
  return Math.max(0, ...changes);
}

function adcText(member: LiveMember): string {
  return member.adcRawState ?? member.adcOpinion;
}

function secondsText(durationMs: number): string {
  return `${String(Math.floor(durationMs / 1000))} s`;
}
