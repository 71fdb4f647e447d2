import type { LiveState } from "../../model/live.ts";
import type { Verdict } from "../../model/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { findingsOf, type Finding } from "./findings.ts";
import { protocolOf } from "./protocol.ts";
import { moment } from "./time.ts";
import type { Tone } from "./tone.ts";

/** The one sentence on top: whom the ADC is wrong about, since when, and how much else. */
export interface Headline {
  readonly tone: Tone;
  readonly sentence: Markup;
  /** `3 of 214 checks disagree.` */
  readonly count: string;
  /** For the window's title. */
  readonly title: string;
}

export function headline(live: LiveState): Headline {
  const findings = findingsOf(live, "bad");
  const checks = live.members.length + live.vservers.length;
  const wrong =
    live.members.filter((member) => member.mismatch).length +
    live.vservers.filter((vserver) => vserver.mismatch).length;
  const unknown = [...live.members, ...live.vservers].filter(
    ({ verdict }) => verdict === "unknown",
  ).length;
  const count = countWords(wrong, unknown, checks);
  if (live.cutOff) {
    return {
      tone: "unknown",
      sentence: html`This agent is cut off: it reaches no control target, so all its opinions are
      unknown.`,
      count,
      title: "cut off",
    };
  }
  const worst = worstOf(findings);
  if (worst !== null) {
    return {
      tone: "bad",
      sentence: html`${sentenceOf(worst)}${worst.since === null ? "." : html`, since ${moment(worst.since)}.`}`,
      count,
      title: `${String(wrong)} of ${String(checks)} disagree`,
    };
  }
  const silent = live.adcs.find((adc) => adc.up === false);
  if (silent !== undefined) {
    return {
      tone: "unknown",
      sentence: html`NetScaler ${silent.name} does not
      ${silent.silent === true ? "respond to" : "report its state to"} this agent, so its state is
      unknown${silent.lastPollAt === null ? "" : html` since ${moment(silent.lastPollAt)}`}.`,
      count,
      title:
        silent.silent === true ? "the ADC does not respond" : "the ADC does not report its state",
    };
  }
  if (checks === 0) {
    return {
      tone: "unknown",
      sentence: html`No estate imported yet, so there is nothing to compare.`,
      count: "",
      title: "starting",
    };
  }
  if (unknown === checks) {
    return {
      tone: "unknown",
      sentence: html`Nothing can be compared yet: results of the ADC or of the probes are missing.`,
      count,
      title: "nothing to compare",
    };
  }
  return {
    tone: "good",
    sentence: html`${live.adcs.map((adc) => `NetScaler ${adc.name}`).join(" and ")} and this agent
    agree about every server they both know.`,
    count,
    title: "all agree",
  };
}

function countWords(wrong: number, unknown: number, checks: number): string {
  const rest = unknown === 0 ? "" : ` ${String(unknown)} ${unknown === 1 ? "is" : "are"} unknown.`;
  return `${String(wrong)} of ${String(checks)} checks ${wrong === 1 ? "disagrees" : "disagree"}.${rest}`;
}

/** The worst finding; findings of the same server and verdict are told in one breath. */
function worstOf(findings: readonly Finding[]): Finding | null {
  const worst = findings[0];
  if (worst?.kind !== "members") {
    return worst ?? null;
  }
  const alike = findings.flatMap((finding) =>
    finding.kind === "members" &&
    finding.verdict === worst.verdict &&
    finding.adc === worst.adc &&
    finding.server === worst.server
      ? finding.members
      : [],
  );
  const [first = worst.members[0], ...rest] = alike;
  return { ...worst, members: [first, ...rest] };
}

/** A finding as a sentence without its end, so that a time may follow. */
export function sentenceOf(finding: Finding): string {
  const adc = `NetScaler ${finding.adc}`;
  if (finding.kind === "vserver") {
    const { vserver, members } = finding.vserver;
    return vserverSentence(
      finding.verdict,
      adc,
      `${vserver} (${protocolOf(finding.vserver)})`,
      members.reallyUp,
    );
  }
  const protocols = enumerate([...new Set(finding.members.map(protocolOf))]);
  return memberSentence(finding.verdict, adc, protocols, finding.server);
}

function memberSentence(verdict: Verdict, adc: string, protocols: string, server: string): string {
  switch (verdict) {
    case "routes_to_maintenance":
      return `${adc} sends ${protocols} clients to ${server}, which is in maintenance`;
    case "blind_monitor":
      return `${adc} sends ${protocols} clients to ${server}, which does not work, and its monitor cannot detect it`;
    case "false_up":
      return `${adc} says ${protocols} on ${server} is UP, but it is down`;
    case "false_down":
      return `${adc} says ${protocols} on ${server} is DOWN, but it works`;
    case "strict_monitor":
      return `${adc} sends no ${protocols} clients to ${server}, which works: the monitor is too strict`;
    case "return_overdue":
      return `${adc} still has ${server} out of service for ${protocols} although its maintenance is over`;
    case "maintenance_overrun":
      return `${server} should be back from maintenance, and ${protocols} does not work yet`;
    case "replica_differs":
      return `Only this agent's replica of the ${protocols} monitor fails on ${server}`;
    case "drained_undeclared":
      return `${server} is out of service for ${protocols} without declared maintenance`;
    default:
      return `${adc} and this agent differ about ${protocols} on ${server}`;
  }
}

function vserverSentence(verdict: Verdict, adc: string, vserver: string, good: number): string {
  switch (verdict) {
    case "vip_served_by_drained_server":
      return `${adc} sends clients of ${vserver} to a server in maintenance`;
    case "vip_up_members_down":
      return `${adc} says ${vserver} is UP although no server behind it works`;
    case "vip_down_members_up":
      return `${adc} does not serve ${vserver} although ${String(good)} of its servers work`;
    case "vip_login_broken":
      return `Logins through ${adc} at ${vserver} fail although ${String(good)} of its servers work`;
    case "vip_wrong_certificate":
      return `${adc} presents the wrong certificate on ${vserver}`;
    case "vip_backup_active":
      return `The backup of ${vserver} is active`;
    default:
      return `${adc} and this agent differ about ${vserver}`;
  }
}

/** `IMAP`, `IMAP and POP3`, `IMAP, POP3 and SMTP`. */
function enumerate(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
