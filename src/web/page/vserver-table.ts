import type { LiveVserver } from "../../agent/live.ts";
import { VERDICT_WORDS } from "../../verdict/words.ts";
import { html, type Markup } from "../markup.ts";
import { vserverHref } from "./links.ts";
import { opinionBadge } from "./opinions.ts";
import { protocolWithPort } from "./protocol.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

/** The vservers as their clients see them. */
export function vserverTable(vservers: readonly LiveVserver[]): Markup | null {
  return vservers.length === 0
    ? null
    : html`<section aria-labelledby="vservers">
        <h2 id="vservers">Vservers</h2>
        <div class="scroll" role="region" aria-label="Vservers" tabindex="0">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Vserver</th>
                <th scope="col">VIP</th>
                <th scope="col">ADC says</th>
                <th scope="col">Clients get</th>
                <th scope="col">Members really up</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              ${vservers.map(row)}
            </tbody>
          </table>
        </div>
      </section>`;
}

function row(vserver: LiveVserver): Markup {
  const tone = toneOf(vserver.verdict);
  const { configured, adcUp, reallyUp } = vserver.members;
  return html`<tr>
    <th scope="row"><a href="${vserverHref(vserver)}">${vserver.vserver}</a></th>
    <td>
      ${vserver.address ?? "not addressable"} <span class="what">${protocolWithPort(vserver)}</span>
    </td>
    <td>${opinionBadge(vserver.adcOpinion)}</td>
    <td>${opinionBadge(vserver.vip)}</td>
    <td>
      ${reallyUp} of
      ${configured}${adcUp === reallyUp ? null : html` <span class="differs">(ADC: ${adcUp})</span>`}
    </td>
    <td>
      <span class="chip ${tone}"
        ><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>
        ${VERDICT_WORDS[vserver.verdict].label}</span
      >
    </td>
  </tr>`;
}
