import { VERDICT_WORDS } from "../../model/verdicts.ts";
import type { TimelineEntry } from "../../model/timeline.ts";
import { TIMELINE_MS } from "../history/timelines.ts";
import { html, type Markup } from "../markup.ts";
import { causeWords, markStyle, opinionWords } from "./opinions.ts";
import { timeElement } from "./time.ts";
import { toneOf, type Tone } from "./tone.ts";

/** Style of one beat; `away` (hatched): maintenance, or out of service on purpose. */
type Beat = Tone | "away" | "none";

/** One row of beats. */
interface Lane {
  readonly name: Markup | string;
  readonly timelines: readonly (readonly TimelineEntry[])[];
  readonly of: (entry: TimelineEntry) => Beat;
}

/** Worst last; a beat shows the worst state in its time. */
const BY_WEIGHT: readonly Beat[] = ["none", "good", "unknown", "quiet", "away", "warn", "bad"];
const BEATS = 96;
const BEAT_MS = TIMELINE_MS / BEATS;
/** An unknown state shorter than this (a start, or a late answer) is ignored if the beat has any other state. */
const BRIEFLY_MS = 120_000;
const BEAT_WIDTH = 10;
const HEIGHT = 24;

/** The last 24 hours in beats of a quarter of an hour, each showing the worst state in its time. */
export function heartbeat(lanes: readonly Lane[], now: number): Markup {
  const from = now - TIMELINE_MS;
  return html`<figure class="beats">
    ${lanes.map(
      ({ name, timelines, of }) =>
        html`<div class="lane"><span>${name}</span>${beats(timelines, of, from, now)}</div>`,
    )}
    <div class="lane ticks" aria-hidden="true">
      <span></span>
      <ol>
        ${[24, 18, 12, 6].map((hours) => html`<li>${timeElement(now - hours * 3_600_000, "hour")}</li>`)}
      </ol>
    </div>
    <figcaption>
      ${(["good", "bad", "warn", "away", "quiet", "unknown", "none"] as const).map(
        (beat) =>
          html`<span
            ><svg viewBox="0 0 8 12" aria-hidden="true">
              <path class="${beat}" ${fill(beat)} d="M0 0h8v12h-8z" />
            </svg>
            ${BEAT_WORDS[beat]}</span
          >`,
      )}
    </figcaption>
  </figure>`;
}

const BEAT_WORDS: Readonly<Record<Beat, string>> = {
  good: "works, all agree",
  bad: "the ADC is wrong",
  warn: "to look at",
  away: "maintenance",
  quiet: "down, all agree",
  unknown: "unknown",
  none: "not watched",
};

/** The pattern is in the page itself, because a style sheet cannot reference it. */
function fill(beat: Beat): Markup | null {
  return beat === "away" ? html` fill="url(#hatch)"` : null;
}

/** Beats of one style share one path, which keeps the number of elements small. */
function beats(timelines: Lane["timelines"], of: Lane["of"], from: number, now: number): Markup {
  const shown = new Array<number>(BEATS).fill(0);
  for (const entries of timelines) {
    for (const [index, entry] of entries.entries()) {
      const until = entries[index + 1]?.at ?? now;
      const look = of(entry);
      if (until <= from || (look === "unknown" && until - entry.at < BRIEFLY_MS)) {
        continue;
      }
      const weight = BY_WEIGHT.indexOf(look);
      const first = Math.max(0, Math.floor((entry.at - from) / BEAT_MS));
      const last = Math.min(BEATS - 1, Math.ceil((until - from) / BEAT_MS) - 1);
      for (let beat = first; beat <= last; beat++) {
        shown[beat] = Math.max(shown[beat] ?? 0, weight);
      }
    }
  }
  const looks = [...new Set(shown)].sort((one, other) => one - other);
  const words = looks.map((weight) => {
    const beat = BY_WEIGHT[weight] ?? "none";
    const quarters = shown.filter((one) => one === weight).length;
    return `${BEAT_WORDS[beat]}: ${String(quarters / 4)} h`;
  });
  return html`<svg
    viewBox="0 0 ${BEATS * BEAT_WIDTH} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="Last 24 hours: ${words.join(", ")}"
  >
    ${looks.map((weight) => {
      const beat = BY_WEIGHT[weight] ?? "none";
      const path = shown
        .map((one, index) =>
          one === weight ? `M${String(index * BEAT_WIDTH)} 0h8v${String(HEIGHT)}h-8z` : "",
        )
        .join("");
      return html`<path class="${beat}" ${fill(beat)} d="${path}"
        ><title>${BEAT_WORDS[beat]}</title></path
      >`;
    })}
  </svg>`;
}

/** The verdict of one entry as a beat. */
export function verdictBeat({ verdict }: TimelineEntry): Beat {
  switch (verdict) {
    case "maintenance_expected":
    case "drained":
    case "drained_undeclared":
    case "ready_to_return":
      return "away";
    case "settling":
      // Settling is part of the ADC's normal timing; only the resulting verdict matters.
      return "none";
    default:
      return toneOf(verdict);
  }
}

function opinionBeat(opinion: string): Beat {
  const looks = { up: "good", down: "bad", out: "away", unknown: "unknown", none: "none" } as const;
  return looks[markStyle(opinion)];
}

/** Opinions and verdict of one member or vserver over time, with a table below. */
export function timeline(
  entries: readonly TimelineEntry[],
  service: "Service" | "Through the ADC",
  now: number,
): Markup {
  const [first] = entries;
  if (first === undefined) {
    return html`<p class="empty">No history yet.</p>`;
  }
  const timelines = [entries];
  const lanes: readonly (Lane & { readonly words: (entry: TimelineEntry) => string })[] = [
    {
      name: "ADC",
      timelines,
      of: ({ adc }) => opinionBeat(adc),
      words: ({ adc }) => opinionWords(adc),
    },
    ...(first.replica === null
      ? []
      : [
          {
            name: "Replica",
            timelines,
            of: ({ replica }: TimelineEntry) => opinionBeat(replica ?? "unknown"),
            words: ({ replica }: TimelineEntry) => opinionWords(replica ?? "unknown"),
          },
        ]),
    {
      name: service,
      timelines,
      of: (entry) => opinionBeat(entry.service),
      words: (entry) => opinionWords(entry.service),
    },
    {
      name: "Verdict",
      timelines,
      of: verdictBeat,
      words: ({ verdict }) => VERDICT_WORDS[verdict].label,
    },
  ];
  return html`${heartbeat(lanes, now)}
    <details class="words" id="timeline-words">
      <summary>As a table (${entries.length})</summary>
      <div class="scroll" role="region" aria-label="Changes" tabindex="0">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">From</th>
              ${lanes.map(({ name }) => html`<th scope="col">${name}</th>`)}
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            ${[...entries]
              .reverse()
              .slice(0, 100)
              .map(
                (entry) =>
                  html`<tr>
                    <td>${timeElement(entry.at)}</td>
                    ${lanes.map(({ words }) => html`<td>${words(entry)}</td>`)}
                    <td>
                      ${toneOf(entry.verdict) === "good" ? "" : causeWords(entry.step, entry.reason)}
                    </td>
                  </tr>`,
              )}
          </tbody>
        </table>
      </div>
    </details>`;
}
