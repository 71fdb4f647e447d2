import type { LiveState } from "../../agent/live.ts";
import type { Estate } from "../../estate/model.ts";
import { html, type Markup } from "../markup.ts";
import { selectionQuery, selectMembers, selectVservers, type Selection } from "../selection.ts";
import { findingCard } from "./cards.ts";
import { filters } from "./filters.ts";
import { findingsOf, type Finding } from "./findings.ts";
import { headline } from "./headline.ts";
import { memberHref, vserverHref } from "./links.ts";
import { because } from "./opinions.ts";
import { layout } from "./layout.ts";
import { legend, matrix } from "./matrix.ts";
import { notices } from "./notices.ts";
import type { Remarks } from "./remarks.ts";
import { TONE_SIGNS } from "./tone.ts";
import { vserverTable } from "./vserver-table.ts";

export interface StatusInput {
  readonly live: LiveState;
  readonly estates: readonly Estate[];
  readonly remarks: Remarks;
  readonly selection: Selection;
  readonly version: string;
}

const MAX_CARDS = 12;

/** The first screen: whom the ADC is wrong about, since when, why, and what to type. */
export function statusPage(input: StatusInput): string {
  const { live, selection, version } = input;
  const top = headline(live);
  const chosen = {
    members: selectMembers(live, selection),
    vservers: selectVservers(live, selection),
  };
  const wrong = findingsOf(chosen, "bad");
  const warned = findingsOf(chosen, "warn");
  const warnings = warned.filter(({ verdict }) => verdict !== "settling");
  const settling = warned.filter(({ verdict }) => verdict === "settling");
  const adcs = [...new Set(chosen.members.map(({ adc }) => adc))];
  const filtered = selectionQuery(selection) !== "";
  return layout({
    title: top.title,
    current: "status",
    live,
    version,
    main: html`<section class="headline ${top.tone}" role="status" aria-live="polite" id="headline">
        <h1>
          <span class="sign" aria-hidden="true">${TONE_SIGNS[top.tone]}</span>
          <span>${top.sentence}</span>
        </h1>
        <p>${top.count}</p>
      </section>
      ${notices(live)} ${cards("The ADC is wrong", "wrong", wrong, input)}
      ${cards("Worth a look", "warnings", warnings, input)} ${settlingList(settling)}
      <section aria-labelledby="everything">
        <h2 id="everything">${filtered ? "The members chosen" : "Everything"}</h2>
        ${filters(live, selection)}
        ${adcs.map((adc) =>
          matrix(
            adc,
            chosen.members.filter((member) => member.adc === adc),
          ),
        )}
        ${
          chosen.members.length === 0
            ? html`<p class="empty">No member is chosen by this filter.</p>`
            : legend(chosen.members)
        }
      </section>
      ${vserverTable(chosen.vservers)}`,
  });
}

/** Differences that the ADC's own timing still explains: they come and go by themselves and get a line, not a card. */
function settlingList(findings: readonly Finding[]): Markup | null {
  return findings.length === 0
    ? null
    : html`<section aria-labelledby="settling">
        <h2 id="settling">Settling, within the ADC's own time</h2>
        <ul class="settling">
          ${findings.map((finding) =>
            finding.kind === "vserver"
              ? html`<li>
                  <a href="${vserverHref(finding.vserver)}">${finding.vserver.vserver}</a>
                </li>`
              : html`<li>
                  ${finding.server}${
                    because(finding.members[0].step, finding.members[0].reason) === ""
                      ? ""
                      : ` (${because(finding.members[0].step, finding.members[0].reason)})`
                  }:
                  ${finding.members.map(
                    (member, index) =>
                      html`${index === 0 ? "" : ", "}<a href="${memberHref(member)}"
                          >${member.adcService} ${member.port}</a
                        >`,
                  )}
                </li>`,
          )}
        </ul>
      </section>`;
}

function cards(
  title: string,
  id: string,
  findings: readonly Finding[],
  { estates, remarks, selection }: StatusInput,
): Markup | null {
  if (findings.length === 0) {
    return null;
  }
  const rest = findings.length - MAX_CARDS;
  const next = findings[MAX_CARDS];
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <div class="cards">
      ${findings.slice(0, MAX_CARDS).map((one) => findingCard(one, estates, remarks))}
    </div>
    ${
      rest > 0 && next !== undefined
        ? html`<p>
            And ${rest} more:
            <a href="/${selectionQuery({ ...selection, verdict: next.verdict })}"
              >show the next kind</a
            >, or see the matrix.
          </p>`
        : null
    }
  </section>`;
}
