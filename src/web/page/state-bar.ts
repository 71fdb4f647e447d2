import type { LiveAdc, LiveMember, LiveState } from "../../model/live.ts";
import type { Verdict } from "../../model/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { attentionOf } from "./attention.ts";
import { timeElement } from "./time.ts";
import { TONE_SIGNS, toneOf, type Tone } from "./tone.ts";

/** The headline: what the ADC is wrong about, or what else needs attention. */
export interface Headline {
  readonly tone: Tone;
  readonly sentence: string;
  readonly since: number | null;
  /** For the page title. */
  readonly title: string;
}

export function headline(live: LiveState): Headline {
  const rows = [...live.members, ...live.vservers];
  const { wrong, settling, unknown } = countsOf(live);
  const of = (tone: Tone, sentence: string, since: number | null, title: string): Headline => ({
    tone,
    sentence,
    since,
    title,
  });
  if (live.cutOff) {
    const sentence =
      "This agent is cut off: no control target is reachable, so all its opinions are unknown";
    return of("unknown", sentence, null, "cut off");
  }
  const [worst, ...others] = attentionOf(live);
  if (worst?.tone === "bad") {
    return of("bad", worst.sentence, worst.since, `${String(wrong)} wrong`);
  }
  const silent = live.adcs.find((adc) => adc.up === false);
  if (silent !== undefined) {
    const does = silent.silent === true ? "respond to" : "report its state to";
    const sentence = `NetScaler ${silent.name} does not ${does} this agent, so its state is unknown`;
    return of("unknown", sentence, silent.lastPollAt, "the ADC's state is unknown");
  }
  if (rows.length === 0) {
    const sentence = "No estate imported yet, so there is nothing to compare";
    return of("unknown", sentence, null, "starting");
  }
  if (unknown === rows.length) {
    const sentence = "Nothing can be compared yet: results of the ADC or of the probes are missing";
    return of("unknown", sentence, null, "nothing to compare");
  }
  if (worst !== undefined) {
    return of("warn", worst.sentence, worst.since, `${String(1 + others.length)} to look at`);
  }
  const adcs = live.adcs.map(({ name }) => `NetScaler ${name}`).join(" and ");
  if (settling > 0) {
    const differing = live.members.filter(({ verdict }) => verdict === "settling");
    const servers = [...new Set(differing.map(({ server }) => server))].slice(0, 3).join(", ");
    const about = servers === "" ? "a vserver" : servers;
    const sentence = `${adcs} and this agent differ about ${about}, still within the time the ADC itself needs to react`;
    return of("warn", sentence, latestSince(differing), `${String(settling)} settling`);
  }
  const away = live.servers.filter(({ maintenance }) => maintenance.declared || maintenance.adc);
  const names = [...new Set(away.map(({ server }) => server))].slice(0, 3).join(", ");
  const rest = names === "" ? "" : `; ${names} ${away.length === 1 ? "is" : "are"} out on purpose`;
  const known =
    unknown === 0 ? "all" : `${String(rows.length - unknown)} of ${String(rows.length)}`;
  const sentence = `${adcs} and this agent agree about ${known} members and vservers${rest}`;
  return of("good", sentence, latestSince(rows), "all agree");
}

function latestSince(rows: readonly { readonly since: number | null }[]): number | null {
  return rows.reduce<number | null>(
    (most, { since }) => (since !== null && since > (most ?? 0) ? since : most),
    null,
  );
}

const IN_MAINTENANCE: ReadonlySet<Verdict> = new Set<Verdict>([
  "maintenance_expected",
  "maintenance_overrun",
  "drained",
  "drained_undeclared",
  "ready_to_return",
]);

function countsOf({ members, vservers }: Pick<LiveState, "members" | "vservers">) {
  const rows = [...members, ...vservers];
  const count = (holds: (row: (typeof rows)[number]) => boolean): number =>
    rows.filter(holds).length;
  return {
    wrong: count(({ mismatch }) => mismatch),
    maintenance: count(({ verdict }) => IN_MAINTENANCE.has(verdict)),
    settling: count(({ verdict }) => verdict === "settling"),
    unknown: count(({ verdict }) => verdict === "unknown"),
  };
}

/** The fixed bar of the status page: headline, four counts, and age of the data. */
export function stateBar(live: LiveState, top: Headline, now: number, causes: number): Markup {
  const counts = countsOf(live);
  const tones = {
    wrong: "bad",
    maintenance: "quiet",
    settling: "warn",
    unknown: "unknown",
  } as const;
  return html`<div class="bar ${top.tone}" id="bar">
    ${headlineSection(top.tone, html`${top.sentence}${top.since === null ? "." : html`, since ${timeElement(top.since)}.`}`, null)}
    <ul class="counts" aria-label="Counts">
      ${(["wrong", "maintenance", "settling", "unknown"] as const).map(
        (name) =>
          html`<li class="${counts[name] === 0 ? "none" : tones[name]}">
            <b>${counts[name]}</b> ${name}
          </li>`,
      )}
      <li class="of">of ${live.members.length} members and ${live.vservers.length} vservers</li>
    </ul>
    ${causes === 0 ? null : html`<p class="jump"><a href="#causes">What to do</a></p>`}
    <p class="fresh">
      <span id="pulse" class="pulse" hidden></span>
      ${live.adcs.map(freshness)}
      <time id="clock" class="clock" datetime="${new Date(now).toISOString()}"
        >${new Date(now).toISOString().slice(11, 16)} UTC</time
      >
    </p>
  </div>`;
}

/** The headline of a page, in a live region for screen readers. */
export function headlineSection(tone: Tone, sentence: Markup, below: Markup | null): Markup {
  return html`<section class="headline ${tone}" role="status" aria-live="polite" id="headline">
    <h1>
      <span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span> <span>${sentence}</span>
    </h1>
    ${below}
  </section>`;
}

function freshness({ name, up, lastPollAt, nodes }: LiveAdc): Markup {
  if (up === null) {
    return html`<span>${name}: no NITRO</span>`;
  }
  const primary = nodes.find((node) => node.primary)?.node;
  return html`<span
    >NITRO<span class="wide"> of ${name}</span>
    ${lastPollAt === null ? "never polled" : html`polled ${timeElement(lastPollAt, `ago asked-${name.replace(/\W/g, "_")}`)}`}${
      primary === undefined ? null : html`<span class="wide">, primary ${primary}</span>`
    }</span
  >`;
}

/** The worst tone of several rows, for their common icon. */
export function worstTone(rows: readonly Pick<LiveMember, "verdict">[]): Tone {
  const order: readonly Tone[] = ["bad", "warn", "unknown", "quiet", "good"];
  const tones = new Set(rows.map(({ verdict }) => toneOf(verdict)));
  return order.find((tone) => tones.has(tone)) ?? "unknown";
}
