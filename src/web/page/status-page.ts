import { VERDICT_WORDS, type Verdict, severity } from "../../model/verdicts.ts";
import type { Estate } from "../../model/estate.ts";
import type { LiveState } from "../../model/live.ts";
import type { History } from "../history/history.ts";
import { html, type Markup } from "../markup.ts";
import { selectionQuery, type Selection, selectMembers, selectVservers } from "../selection.ts";
import { attentionOf } from "./attention.ts";
import { headline, stateBar } from "./state-bar.ts";
import { card } from "./cards.ts";
import { BY_NAME, grids, legend } from "./grid.ts";
import { heartbeat, verdictBeat } from "./heartbeat.ts";
import { layout, type View } from "./layout.ts";
import { notices } from "./notices.ts";
import type { Remarks } from "./remarks.ts";

/** A GET form: every choice is a permalink, with or without script. */
function filters(live: LiveState, selection: Selection): Markup {
  const adcs = live.adcs.map(({ name }) => name);
  const vservers = unique(live.members.flatMap((member) => member.vservers));
  const servers = unique(live.members.map(({ server }) => server));
  const verdicts = [...new Set(live.members.map(({ verdict }) => verdict))].sort(
    (one, other) => severity(one) - severity(other),
  );
  const active = selectionQuery(selection) !== "";
  return html`<form class="filters" method="get" action="/" id="filters">
    ${adcs.length > 1 ? choice("adc", "ADC", adcs, selection.adc) : null}
    ${choice("vserver", "Vserver", vservers, selection.vserver)}
    ${choice("server", "Server", servers, selection.server)}
    ${choice("verdict", "Verdict", verdicts, selection.verdict, (verdict) => VERDICT_WORDS[verdict as Verdict].label)}
    <button type="submit">Show</button>
    ${active ? html`<a href="/">Show all</a>` : null}
  </form>`;
}

function choice(
  name: string,
  label: string,
  values: readonly string[],
  chosen: string | undefined,
  words: (value: string) => string = (value) => value,
): Markup {
  if (values.length > MAX_CHOICES) {
    return html`<div class="field">
      <label for="filter-${name}">${label}</label>
      <input name="${name}" id="filter-${name}" value="${chosen ?? ""}" />
    </div>`;
  }
  // A choice that no longer exists stays visible, so that the page matches its URL.
  const all = chosen === undefined || values.includes(chosen) ? values : [chosen, ...values];
  return html`<div class="field">
    <label for="filter-${name}">${label}</label>
    <select name="${name}" id="filter-${name}">
      <option value="">all</option>
      ${all.map(
        (value) =>
          html`<option value="${value}" ${value === chosen ? SELECTED : null}>
            ${values.includes(value) ? words(value) : value}
          </option>`,
      )}
    </select>
  </div>`;
}

/** Longer lists become a text field. */
const MAX_CHOICES = 300;
const SELECTED = html` selected`;

function unique(values: readonly string[]): readonly string[] {
  const all = [...new Set(values)];
  return all.length > MAX_CHOICES ? all : all.sort(BY_NAME.compare);
}

interface StatusInput {
  readonly live: LiveState;
  readonly estates: readonly Estate[];
  readonly remarks: Remarks;
  readonly history: History;
  readonly selection: Selection;
  readonly view: View;
  readonly version: string;
  readonly now: number;
}

const MAX_CARDS = 12;
/** Maximum number of lanes of the last 24 hours. */
const MAX_LANES = 16;

/** The status page: what the ADC is wrong about, since when, why, and the commands. */
export function statusPage(input: StatusInput): string {
  const { live, selection, view, version, now } = input;
  const top = headline(live);
  const chosen = {
    members: selectMembers(live, selection),
    vservers: selectVservers(live, selection),
    findings: live.findings ?? [],
  };
  const all = attentionOf(chosen);
  const isEmpty = chosen.members.length === 0 && chosen.vservers.length === 0;
  return layout({
    title: top.title,
    tone: top.tone,
    current: "status",
    agent: live.agent,
    version,
    view,
    main: html`${stateBar(live, top, now, all.length)}
      <div class="${all.length === 0 ? "screen" : "screen two"}">
        <section aria-labelledby="everything">
          <h2 class="sr" id="everything">Services and servers</h2>
          ${view === "page" ? filters(live, selection) : null}
          ${isEmpty ? html`<p class="empty">No member matches this filter.</p>` : grids(live, chosen, view)}
          ${isEmpty || view === "wall" ? null : legend()}
        </section>
        ${
          all.length === 0
            ? null
            : html`<section class="causes" aria-labelledby="causes">
                <h2 class="sr" id="causes">What to look at</h2>
                ${all.slice(0, MAX_CARDS).map((one) => card(one, input))}
                ${
                  all.length > MAX_CARDS
                    ? html`<p>
                        And ${all.length - MAX_CARDS} more causes; all of them are in the grid.
                      </p>`
                    : null
                }
              </section>`
        }
      </div>
      ${view === "page" ? notices(live) : null}
      ${view !== "page" || isEmpty ? null : day(input, chosen)}`,
  });
}

/** The last 24 hours of each server, and through the ADC. */
function day(
  { history, now }: StatusInput,
  { members, vservers }: Pick<LiveState, "members" | "vservers">,
): Markup {
  const servers = [...new Set(members.map(({ server }) => server))].sort(BY_NAME.compare);
  const lanes = servers.slice(0, MAX_LANES).map((server) => ({
    name: html`<a href="/?server=${server}">${server}</a>`,
    timelines: members.filter((one) => one.server === server).map(history.memberTimeline),
    of: verdictBeat,
  }));
  const through = {
    name: "Through the ADC",
    timelines: vservers.map(history.vserverTimeline),
    of: verdictBeat,
  };
  return html`<section class="day" aria-labelledby="day">
    <h2 id="day">Last 24 hours</h2>
    ${heartbeat(vservers.length === 0 ? lanes : [...lanes, through], now)}
    ${servers.length > MAX_LANES ? html`<p>${servers.length - MAX_LANES} more servers: choose one above.</p>` : null}
  </section>`;
}
