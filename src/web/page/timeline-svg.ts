import { VERDICT_WORDS } from "../../model/verdicts.ts";
import type { TimelineEntry } from "../../model/timeline.ts";
import { html, type Markup } from "../markup.ts";
import { because, lookOf, opinionWords } from "./opinions.ts";
import { moment } from "./time.ts";
import { toneOf } from "./tone.ts";

interface Lane {
  readonly name: string;
  readonly of: (entry: TimelineEntry) => { readonly look: string; readonly words: string } | null;
}

const LANES: readonly Lane[] = [
  { name: "ADC", of: ({ adc }) => ({ look: lookOf(adc), words: opinionWords(adc) }) },
  {
    name: "Replica",
    of: ({ replica }) =>
      replica === null ? null : { look: lookOf(replica), words: opinionWords(replica) },
  },
  {
    name: "Service",
    of: ({ service }) => ({ look: lookOf(service), words: opinionWords(service) }),
  },
  {
    name: "Verdict",
    of: ({ verdict }) => ({ look: toneOf(verdict), words: VERDICT_WORDS[verdict].label }),
  },
];

const WIDTH = 1_000;
const LANE = 26;
const MIN_MS = 2 * 60_000;

/** Three lanes and the verdict over the time that is remembered, with a table that says the same in words. */
export function timeline(entries: readonly TimelineEntry[], now: number): Markup {
  const first = entries[0];
  if (first === undefined) {
    return html`<p class="empty">No history yet.</p>`;
  }
  const from = Math.min(first.at, now - MIN_MS);
  const x = (at: number): number => Math.round(((at - from) / Math.max(1, now - from)) * WIDTH);
  const lanes = LANES.filter((lane) => lane.of(first) !== null);
  return html`<figure class="timeline">
      <div class="lanes">
        <div class="names" aria-hidden="true">
          ${lanes.map(({ name }) => html`<span>${name}</span>`)}
        </div>
        <svg
          viewBox="0 0 ${WIDTH} ${lanes.length * LANE}"
          preserveAspectRatio="none"
          role="img"
          aria-label="Timeline; the table below has the same data"
        >
          ${lanes.map((lane, index) => laneBars(lane, entries, index * LANE, x, now))}
        </svg>
      </div>
      <figcaption><span>${moment(from)}</span><span>now</span></figcaption>
    </figure>
    <details class="words" id="timeline-words">
      <summary>As a table (${entries.length})</summary>
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
                  <td>${moment(entry.at)}</td>
                  ${lanes.map((lane) => html`<td>${lane.of(entry)?.words}</td>`)}
                  <td>${because(entry.step, entry.reason)}</td>
                </tr>`,
            )}
        </tbody>
      </table>
    </details>`;
}

function laneBars(
  lane: Lane,
  entries: readonly TimelineEntry[],
  y: number,
  x: (at: number) => number,
  now: number,
): readonly Markup[] {
  return entries.map((entry, index) => {
    const from = x(entry.at);
    const width = Math.max(1, x(entries[index + 1]?.at ?? now) - from);
    const shown = lane.of(entry);
    return html`<rect
      class="bar ${shown?.look ?? "none"}"
      x="${from}"
      y="${y + 2}"
      width="${width}"
      height="${LANE - 6}"
      ><title>${lane.name}: ${shown?.words} from ${new Date(entry.at).toISOString()}</title></rect
    >`;
  });
}
