import type { LiveState } from "../../model/live.ts";
import { findingsOf, sentenceOf, type Finding } from "../../change/findings.ts";
import { html, type Markup } from "../markup.ts";
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
