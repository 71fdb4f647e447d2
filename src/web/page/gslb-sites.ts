import type { LiveGslb, LiveGslbSite, SiteSource } from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";
import { causeWords, opinionBadge } from "./opinions.ts";

/** The sites of a GSLB vserver: state in GSLB, DNS answers, and what clients get. */
export function gslbSites(gslb: LiveGslb): Markup {
  return html`<section aria-labelledby="sites">
      <h2 id="sites">Sites</h2>
      <div class="scroll" role="region" aria-label="Table of sites" tabindex="0">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Site</th>
              <th scope="col">Address</th>
              <th scope="col">GSLB says</th>
              <th scope="col">Metric exchange</th>
              <th scope="col">In DNS</th>
              <th scope="col">Serves clients</th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            ${gslb.sites.map(siteRow)}
          </tbody>
        </table>
      </div>
    </section>
    <section aria-labelledby="answers">
      <h2 id="answers">Answers of the ADC's DNS (${gslb.method})</h2>
      ${
        gslb.answers.length === 0 && gslb.unasked.length === 0
          ? html`<p>
              No ADNS service is known, so nobody can be asked what ${gslb.domains.join(", ")} leads
              to.
            </p>`
          : html`<ul class="notices">
              ${gslb.answers.map(
                ({ domain, address, port, transport, answered, failure }) =>
                  html`<li>
                    ${address}:${port} (${transport.toUpperCase()}) answers ${domain} with
                    ${answered === null || answered.length === 0 ? "no address" : answered.join(", ")}${failure === null ? "" : ` (${causeWords(null, failure)})`}.
                  </li>`,
              )}
              ${gslb.unasked.map(
                ({ why, questions }) =>
                  html`<li>
                    Not asked: ${questions} ${questions === 1 ? "question" : "questions"} about
                    ${gslb.domains.join(", ")} (${why}).
                  </li>`,
              )}
            </ul>`
      }
    </section>`;
}

const SOURCE_WORDS: Readonly<Record<SiteSource, string | null>> = {
  vserver: null,
  probes: null,
  mep: "known only by the metric exchange (MEP): no ADC of this configuration has the VIP, and nothing can be probed there",
  nothing:
    "not known: no ADC of this configuration has the VIP, nothing can be probed there, and no metric exchange reports it",
};

function siteRow(site: LiveGslbSite): Markup {
  const { behind, handedOut, mep } = site;
  return html`<tr>
    <th scope="row">
      ${site.site ?? site.adcService}
      <span>${site.adcService}${site.backup === true ? ", of the backup vserver" : ""}</span>
    </th>
    <td>
      ${site.addresses.join(", ")}
      ${(site.addressStates ?? []).map(
        ({ address, state, reason }) =>
          html`<span class="what"
            >${address}: ${opinionBadge(state)} ${causeWords(null, reason)}</span
          >`,
      )}
      <span class="what"
        >${site.port}${behind === null ? "" : `, vserver ${behind.vserver} of ${behind.adc}`}</span
      >
    </td>
    <td>${opinionBadge(site.adcOpinion)}</td>
    <td>${mep === null ? "none" : opinionBadge(mep)}</td>
    <td>${handedOut === null ? "not known" : handedOut ? "handed out" : "not handed out"}</td>
    <td>
      ${opinionBadge(site.serves)}
      ${SOURCE_WORDS[site.knownBy] === null ? null : html`<span class="what">${SOURCE_WORDS[site.knownBy]}</span>`}
    </td>
    <td>${causeWords(null, site.reason)}</td>
  </tr>`;
}
