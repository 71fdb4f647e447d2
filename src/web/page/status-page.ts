import { type LiveState, type LiveVserver, protocolWithPort } from "../../model/live.ts";
import { gapSentence } from "../../model/nitro-gap.ts";
import { html, type Markup } from "../markup.ts";
import { certificateNotice } from "./certificates.ts";
import { untriedLogins } from "./untried-logins.ts";
import { schemesNotice } from "./login-schemes.ts";
import { moment } from "./time.ts";
import { VERDICT_WORDS, vserverWords, type Verdict, severity } from "../../model/verdicts.ts";
import { selectionQuery, type Selection, selectMembers, selectVservers } from "../selection.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";
import { vserverHref, memberHref, layout } from "./layout.ts";
import { opinionBadge, because } from "./opinions.ts";
import type { Estate } from "../../model/estate.ts";
import { findingCard } from "./cards.ts";
import { findingsOf, type Finding } from "../../change/findings.ts";
import { headline } from "./headline.ts";
import { legend, matrix } from "./matrix.ts";
import type { Remarks } from "./remarks.ts";

/** What limits what this agent can say: an ADC that does not answer, an account at rest, a fault behind all front ends, certificates or login schemes that differ, a server in maintenance. */
export function notices(live: LiveState): Markup | null {
  const all = [
    ...live.adcs.flatMap((adc) => {
      if (adc.up === null) {
        return [
          html`NetScaler ${adc.name} is known from its configuration file only, so it has no ADC
          opinion.`,
        ];
      }
      return adc.up
        ? []
        : [
            html`NetScaler ${adc.name} does not ${adc.silent === true ? "answer" : "tell its state"}
            over
            NITRO${adc.lastPollAt === null ? "" : html`, last at ${moment(adc.lastPollAt)}`}${
              adc.lastError === null ? "" : `: ${adc.lastError}`
            }.
            Its last state is kept for three polls, then it is unknown.`,
          ];
    }),
    ...live.adcs.flatMap(({ name, gaps }) =>
      (gaps ?? []).map((gap) => html`${gapSentence(name, gap)}`),
    ),
    ...live.suspendedAccounts.map(
      ({ account, until }) =>
        html`Account ${account} is suspended until ${moment(until)} because its logins were
        rejected.`,
    ),
    ...heldBack(live),
    ...(live.unverifiedLogins ?? []).map(
      (place) => html`${place}: verify is false, so passwords are sent to an unverified server.`,
    ),
    ...untriedLogins(live.probes),
    ...(live.findings ?? []).map(({ message }) => html`${message}`),
    ...live.vservers
      .filter(({ certificateDiffers }) => certificateDiffers === true)
      .map(certificateNotice),
    ...live.vservers.filter(({ oddSchemes }) => (oddSchemes ?? []).length > 0).map(schemesNotice),
    ...live.servers
      .filter((server) => server.maintenance.declared)
      .map(
        ({ server, maintenanceEnd }) =>
          html`${server} is in declared
          maintenance${maintenanceEnd === null ? "" : html`, until ${moment(maintenanceEnd)}`}.`,
      ),
  ];
  return all.length === 0
    ? null
    : html`<ul class="notices">
        ${all.map((one) => html`<li>${one}</li>`)}
      </ul>`;
}

/** Logins that are not made for want of the state directory, each account once. */
function heldBack(live: LiveState): readonly Markup[] {
  const messages = new Map(
    live.probes.flatMap(({ account, heldBack: held }) =>
      typeof account === "string" && held?.why.startsWith("state_") === true
        ? [[account, held.message ?? held.why] as const]
        : [],
    ),
  );
  return [...messages].map(
    ([account, message]) => html`Logins of ${account} are held back: ${message}.`,
  );
}

/** A form that only makes an address: every choice is a permalink, with or without script. */
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

/** The vservers as their clients see them. */
function vserverTable(vservers: readonly LiveVserver[]): Markup | null {
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
                <th scope="col">Through the VIP</th>
                <th scope="col">Members up</th>
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
      ${vserver.address ?? (vserver.gslb?.domains ?? ["not addressable"]).slice(0, 3).join(", ")}
      <span class="what">${protocolWithPort(vserver)}</span>
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
        ${vserverWords(vserver).label}</span
      >
    </td>
  </tr>`;
}

interface StatusInput {
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
      ${cards("Warnings", "warnings", warnings, input)} ${settlingList(settling)}
      <section aria-labelledby="everything">
        <h2 id="everything">${filtered ? "Selected members" : "Everything"}</h2>
        ${filters(live, selection)}
        ${adcs.map((adc) =>
          matrix(
            adc,
            chosen.members.filter((member) => member.adc === adc),
          ),
        )}
        ${
          chosen.members.length === 0
            ? html`<p class="empty">No member matches this filter.</p>`
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
        <h2 id="settling">Settling, within grace</h2>
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
              >show the next verdict</a
            >, or see the matrix.
          </p>`
        : null
    }
  </section>`;
}
