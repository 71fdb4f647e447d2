import type { LiveMember, LiveProbe, LiveState } from "../../agent/live.ts";
import type { Estate } from "../../estate/model.ts";
import { endpointFacts } from "../../exporters/prometheus/families/tls.ts";
import type { Finding } from "../../lint/finding.ts";
import { VERDICT_WORDS } from "../../verdict/words.ts";
import type { History } from "../history/history.ts";
import { html, type Markup } from "../markup.ts";
import { probeNowHref } from "../probe/target.ts";
import { commands, maintenanceRow } from "./cards.ts";
import { memberCommands } from "./commands.ts";
import { layout } from "./layout.ts";
import { vserverHref } from "./links.ts";
import { monitorFacts } from "./monitor-facts.ts";
import { opinionBadge, threeSides } from "./opinions.ts";
import { probeSourceWords } from "./probe-source.ts";
import { protocolWithPort } from "./protocol.ts";
import { outcomeWords, probeSection, tlsSection } from "./runs.ts";
import { moment } from "./time.ts";
import { timeline } from "./timeline-svg.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

export interface MemberInput {
  readonly live: LiveState;
  readonly member: LiveMember;
  readonly estate: Estate | null;
  readonly remarks: readonly Finding[];
  readonly history: History;
  readonly version: string;
  readonly now: number;
}

const RUNS_SHOWN = 10;

/** Everything about one member: verdict, timeline, runs, TLS, monitors, VIP against backend. */
export function memberPage(input: MemberInput): string {
  const { live, member, estate, remarks, history, version, now } = input;
  const tone = toneOf(member.verdict);
  const words = VERDICT_WORDS[member.verdict];
  const name = `${member.server} ${protocolWithPort(member)}`;
  const facts = endpointFacts(member.probes);
  return layout({
    title: name,
    current: "none",
    live,
    version,
    main: html`<p class="crumbs"><a href="/">Status</a> / ${member.adc} / ${member.adcService}</p>
      <section class="headline ${tone}" role="status" aria-live="polite" id="headline">
        <h1>
          <span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>
          <span
            >${member.server} <span class="what">${protocolWithPort(member)}</span>:
            ${words.label}</span
          >
        </h1>
        <p>
          ${words.meaning}${member.since === null ? null : html` Since ${moment(member.since)}.`}
        </p>
      </section>
      <section aria-labelledby="sides">
        <h2 id="sides">Who says what</h2>
        <dl class="sides wide">
          ${threeSides(member).map(
            ({ who, opinion, says }) =>
              html`<div>
                <dt>${who}</dt>
                <dd>${opinionBadge(opinion)} <span>${says}</span></dd>
              </div>`,
          )}
          ${maintenanceRow(member)}
        </dl>
        <p class="advice"><b>What to do:</b> ${words.advice} ${probeSourceWords(member)}</p>
        ${commands(memberCommands(member, estate, remarks))}
        <p>
          Serves
          ${
            member.vservers.length === 0
              ? "no vserver"
              : member.vservers.map(
                  (vserver, index) =>
                    html`${index === 0 ? "" : ", "}<a
                        href="${vserverHref({ adc: member.adc, vserver })}"
                        >${vserver}</a
                      >`,
                )
          };
          address
          ${member.address ?? "unknown"}${
            member.connections === null
              ? ""
              : `, ${String(member.connections)} connections held by the ADC`
          }.
        </p>
        ${blindNotice(member)}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">The last hours</h2>
        ${timeline(history.memberTimeline(member), now)}
      </section>
      ${sideBySide(live, member)}
      <section aria-labelledby="probes">
        <h2 id="probes">Probes</h2>
        ${member.probes.map((probe) =>
          probeSection(probe, history.runs(probe.id, RUNS_SHOWN), probeNowHref(probe)),
        )}
      </section>
      ${facts === null ? null : tlsSection(facts, now)}
      ${estate === null ? null : monitorFacts(estate, member.adcService, remarks)}`,
  });
}

function blindNotice(member: LiveMember): Markup | null {
  return member.blind.length === 0
    ? null
    : html`<p class="blind">
        The ADC's own word is worth little here:
        ${member.blind.map((reason) => reason.replaceAll("_", " ")).join(", ")}.
      </p>`;
}

/** The same probe through the ADC and straight to the server, beside each other. */
function sideBySide(live: LiveState, member: LiveMember): Markup | null {
  const vips = live.vservers
    .filter(({ adc, vserver }) => adc === member.adc && member.vservers.includes(vserver))
    .flatMap((vserver) => vserver.probes);
  const rows = member.probes.flatMap((probe) => {
    const same = vips.filter(
      (vip) => vip.monitor === probe.monitor && vip.transaction === probe.transaction,
    );
    return same.length === 0 ? [] : [{ probe, same }];
  });
  return rows.length === 0
    ? null
    : html`<section aria-labelledby="beside">
        <h2 id="beside">Straight to the server, and through the ADC</h2>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Probe</th>
              <th scope="col">${member.server}</th>
              <th scope="col">Through the ADC</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ probe, same }) =>
                html`<tr>
                  <th scope="row">
                    ${probe.kind === "monitor" ? probe.monitor : probe.transaction}
                  </th>
                  <td>${result(probe)}</td>
                  <td>${same.map((vip) => html`<div>${vip.vserver}: ${result(vip)}</div>`)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </section>`;
}

function result(probe: LiveProbe): Markup {
  return html`${opinionBadge(probe.opinion)}
  ${probe.last === null ? "has not run yet" : outcomeWords(probe.last, probe.lastPassed)}`;
}
