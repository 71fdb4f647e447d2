import type { LiveState } from "../../agent/live.ts";
import { VERDICT_WORDS } from "../../verdict/words.ts";
import type { Verdict } from "../../verdict/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { selectionQuery, type Selection } from "../selection.ts";
import { severity } from "./tone.ts";

/** A form that only makes an address: every choice is a permalink, with or without script. */
export function filters(live: LiveState, selection: Selection): Markup {
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
  // A choice that no longer exists stays visible, so that the address and the page say the same.
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

/** Longer lists are typed, not chosen from. */
const MAX_CHOICES = 300;
const SELECTED = html` selected`;

function unique(values: readonly string[]): readonly string[] {
  const all = [...new Set(values)];
  return all.length > MAX_CHOICES ? all : all.sort(BY_NAME.compare);
}

/** ex2 before ex10. */
const BY_NAME = new Intl.Collator("en", { numeric: true });
