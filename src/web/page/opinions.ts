import type { LiveMember, LiveProbe } from "../../model/live.ts";
import { DEPTH_WORDS } from "../../model/observation.ts";
import { html, type Markup } from "../markup.ts";
import { REASON_WORDS, STEP_WORDS, type Reason, type Step } from "../../model/reasons.ts";

/** Style of an opinion's mark: shape and colour. */
export type MarkStyle = "up" | "down" | "out" | "none" | "unknown";

export function markStyle(opinion: string): MarkStyle {
  switch (opinion) {
    case "up":
    case "protected":
      return "up";
    case "down":
    case "leaving_down":
      return "down";
    case "out":
    case "leaving":
      return "out";
    case "none":
      return "none";
    default:
      return "unknown";
  }
}

const SHAPES: Readonly<Record<MarkStyle, string>> = {
  up: "▲",
  down: "▼",
  out: "■",
  none: "·",
  unknown: "?",
};

/** The shape alone, for places where text says the same. */
export function shape(opinion: string): string {
  return SHAPES[markStyle(opinion)];
}

/** Labels of the opinions; the ADC's states by the ADC's own names. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["up", "up"],
  ["down", "down"],
  ["out", "out of service"],
  ["leaving", "going out of service"],
  ["leaving_down", "down when going out of service"],
  ["unknown", "unknown"],
  ["none", "not checked"],
  ["protected", "behind a login"],
]);

export function opinionWords(opinion: string): string {
  return WORDS.get(opinion) ?? opinion;
}

/** A decorative mark; the caller must add the text for screen readers. */
export function mark(opinion: string): Markup {
  return MARKS[markStyle(opinion)];
}

const MARKS: Readonly<Record<MarkStyle, Markup>> = {
  up: makeMark("up"),
  down: makeMark("down"),
  out: makeMark("out"),
  none: makeMark("none"),
  unknown: makeMark("unknown"),
};

function makeMark(style: MarkStyle): Markup {
  return html`<span class="mark ${style}" aria-hidden="true">${SHAPES[style]}</span>`;
}

/** A mark with its label. */
export function opinionBadge(opinion: string): Markup {
  return html`<span class="badge ${markStyle(opinion)}"
    >${mark(opinion)} ${opinionWords(opinion).toUpperCase()}</span
  >`;
}

/** Why, as the end of a sentence: `the connection was refused, while connecting`. */
export function causeWords(step: Step | null, reason: Reason | null): string {
  if (reason === null || reason === "ok") {
    return "";
  }
  const { label } = REASON_WORDS[reason];
  return step === null ? label : `${label}, ${STEP_WORDS[step]}`;
}

/** The reason in a few words, next to the opinion that it explains; empty next to the others. */
export function causeOfEach(member: LiveMember): {
  readonly replica: string;
  readonly service: string;
} {
  const { replica, service, probes, step, reason } = member;
  const failed = (kind: LiveProbe["kind"]): LiveProbe | undefined =>
    probes.find((probe) => probe.kind === kind && probe.lastPassed === false);
  if (service === "up") {
    const look = failed("transaction");
    return {
      replica: replica === "up" ? "" : failureWords(failed("monitor"), member),
      service:
        look?.kind === "transaction"
          ? `but ${look.transaction} fails: ${failureWords(look, member)}`
          : "",
    };
  }
  const why = causeWords(step, reason);
  return service !== "down" && replica === "down"
    ? { replica: why, service: "" }
    : { replica: "", service: why };
}

/** The reason of a failed probe, else the reason of the member's verdict. */
function failureWords(failed: LiveProbe | undefined, { step, reason }: LiveMember): string {
  return causeWords(failed?.last?.step ?? step, failed?.last?.reason ?? reason);
}

/** The three opinions on a member, each in a sentence. */
export function opinionSentences(
  member: LiveMember,
): readonly { readonly who: string; readonly opinion: string; readonly says: string }[] {
  return [
    {
      who: "ADC",
      opinion: member.adcOpinion,
      says: adcSentence(member) + depthSentence(member, "adc"),
    },
    { who: "Replica", opinion: member.replica, says: replicaSentence(member) },
    {
      who: "Service",
      opinion: member.service,
      says: serviceSentence(member) + depthSentence(member, "service"),
    },
  ];
}

/** The depth of an opinion, as an extra sentence or empty. */
function depthSentence({ depth }: LiveMember, opinion: "adc" | "service"): string {
  const own = depth?.[opinion] ?? null;
  if (own === null) {
    return "";
  }
  return opinion === "adc"
    ? ` Its monitors see ${DEPTH_WORDS[own]}.`
    : ` Its checks see ${DEPTH_WORDS[own]}.`;
}

/** The sources of a member's maintenance, in a sentence; null if there is none. */
export function maintenanceWords({ maintenance, verdict }: LiveMember): string | null {
  const sources = [
    maintenance.declared === "open" ? "a window is open" : null,
    maintenance.declared === "over" ? "its window has ended" : null,
    maintenance.adc ? "it is out of service on the ADC" : null,
    maintenance.detected ? "the server's responses show maintenance" : null,
  ].filter((source) => source !== null);
  if (sources.length === 0) {
    return null;
  }
  const onlySeen = sources.length === 1 && maintenance.detected;
  return onlySeen && verdict === "agree_up"
    ? "Other services of this server show maintenance; this one works."
    : `Yes: ${sources.join(", ")}.`;
}

function adcSentence(member: LiveMember): string {
  if (member.adcOpinion === "unknown") {
    return "No state from the ADC.";
  }
  const response = member.adcLastResponse;
  const monitors = member.adcMonitors.map(({ monitor }) => monitor);
  const by = monitors.length === 0 ? "" : ` by ${monitors.slice(0, 3).join(", ")}`;
  return response === null
    ? `State reported by the ADC${by}.`
    : `Last response${by}: “${response}”`;
}

function replicaSentence(member: LiveMember): string {
  const names = member.probes
    .filter((probe) => probe.kind === "monitor")
    .map((probe) => probe.monitor);
  const own =
    names.length === 0 ? "The same monitor" : `The same monitor (${enumerateShort(names)})`;
  switch (member.replica) {
    case "up":
      return `${own}, repeated by this agent, passes.`;
    case "down": {
      const failed = member.probes.find(
        (probe) => probe.kind === "monitor" && probe.lastPassed === false,
      );
      const why = failureWords(failed, member);
      return `${own}, repeated by this agent, fails${why === "" ? "" : `: ${why}`}.`;
    }
    default:
      return names.length === 0 ? "No monitor can be repeated." : `${own} has no opinion yet.`;
  }
}

function serviceSentence(member: LiveMember): string {
  const looks = member.probes.filter((probe) => probe.kind === "transaction");
  if (member.service === "none" || looks.length === 0) {
    return "No transaction checks the service.";
  }
  const names = enumerateShort(looks.map((probe) => probe.transaction));
  switch (member.service) {
    case "up":
      return workingSentence(looks, names);
    case "down": {
      const failed = looks.find((probe) => probe.lastPassed === false);
      const why = failureWords(failed, member);
      return `A client's exchange (${names}) fails${why === "" ? "" : `: ${why}`}.`;
    }
    default: {
      const why = causeWords(member.step, member.reason);
      return `A client's exchange (${names}) has no result${why === "" ? " yet" : `: ${why}`}.`;
    }
  }
}

/** Up may be based on one exchange while another fails: a login outranks an anonymous look, and runs less often. */
function workingSentence(looks: readonly LiveProbe[], names: string): string {
  const failed = looks.find((probe) => probe.lastPassed === false);
  if (failed === undefined) {
    return `A client's exchange (${names}) works.`;
  }
  const why = causeWords(failed.last?.step ?? null, failed.last?.reason ?? null);
  return `Still considered working, but ${failed.transaction} fails${why === "" ? "" : `: ${why}`}.`;
}

function enumerateShort(names: readonly string[]): string {
  const few = [...new Set(names)].slice(0, 3).join(", ");
  return names.length > 3 ? `${few} …` : few;
}
