import type { MonitorBinding } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { Finding } from "../../lint/finding.ts";
import { html, type Markup } from "../markup.ts";
import { span, moment } from "./time.ts";
import {
  type LiveMember,
  type LiveProbe,
  type LiveState,
  protocolWithPort,
} from "../../model/live.ts";
import { endpointFacts } from "../../exporters/prometheus/families/probes.ts";
import { memberWords } from "../../model/verdicts.ts";
import type { History } from "../history/history.ts";
import { probeNowHref } from "../probe/target.ts";
import { commands, maintenanceRow } from "./cards.ts";
import { memberCommands } from "./commands.ts";
import { excludedWords } from "./excluded.ts";
import { layout, vserverHref } from "./layout.ts";
import { opinionBadge, threeSides } from "./opinions.ts";
import { probeSourceWords } from "./probe-source.ts";
import { outcomeWords, probeSection, tlsSection } from "./runs.ts";
import { timeline } from "./timeline-svg.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

/** The monitors bound to a service as they are configured, each with what it cannot see. */
function monitorFacts(
  estate: Estate,
  adcService: string,
  remarks: readonly Finding[],
): Markup | null {
  const service = estate.services.get(adcService);
  if (service === undefined || service.monitors.length === 0) {
    return null;
  }
  const ofService = remarks.filter(({ object }) => object === adcService);
  return html`<section aria-labelledby="monitors">
    <h2 id="monitors">Monitors as configured</h2>
    ${remarkList(ofService)}
    ${service.monitors.map((binding) => {
      const monitor = estate.monitors.get(binding.monitor);
      const own = remarks.filter(({ object }) => object === binding.monitor);
      return html`<article class="monitor">
        <h3>${binding.monitor} <span class="what">${bindingWords(binding)}</span></h3>
        ${
          monitor === undefined
            ? html`<p>Not defined in the ADC's configuration.</p>`
            : html`<p>${timingWords(monitor)}</p>
                <pre class="command"><code>${asWritten(monitor)}</code></pre>`
        }
        ${remarkList(own)}
      </article>`;
    })}
  </section>`;
}

function bindingWords(binding: MonitorBinding): string {
  const words = [
    binding.synthesised ? "bound by default" : null,
    binding.enabled ? null : "disabled on this service",
    binding.passive ? "passive" : null,
    binding.weight === 1 ? null : `weight ${String(binding.weight)}`,
  ];
  return words.filter((word) => word !== null).join(", ");
}

function timingWords(monitor: Monitor): string {
  return (
    `Every ${span(monitor.intervalMs)}, response timeout ${span(monitor.responseTimeoutMs)}; ` +
    `${String(monitor.retries)} failures mean DOWN, then probed after ${span(monitor.downTimeMs)}; ` +
    `${String(monitor.successRetries)} ${monitor.successRetries === 1 ? "success makes" : "successes make"} UP.` +
    (monitor.reverse ? " Reverse: a match means DOWN." : "")
  );
}

/** NITRO tells every parameter, the name and the units among them: what says nothing beside the sentence is left out. */
const SAID_ELSEWHERE =
  /^(monitorname|type|units\d|interval|resptimeout|downtime|retries|successretries|reverse|state)$/;
const SAYS_NOTHING: readonly string[] = ["", "0", "0.0.0.0", "NO"];

/** In the ADC's own words; secrets are masked in the model already. */
function asWritten(monitor: Monitor): string {
  const parameters = [...monitor.written]
    .filter(
      ([key, values]) => !SAID_ELSEWHERE.test(key) && !SAYS_NOTHING.includes(values.join(" ")),
    )
    .map(([key, values]) => `-${key} ${values.map(quoted).join(" ")}`);
  return [monitor.name, monitor.type, ...parameters].join(" ");
}

function quoted(value: string): string {
  return /^[\w.:/<>-]+$/.test(value) ? value : JSON.stringify(value);
}

function remarkList(remarks: readonly Finding[]): Markup | null {
  return remarks.length === 0
    ? null
    : html`<ul class="remarks">
        ${remarks.map(
          ({ severity, message, fix }) =>
            html`<li>
              <b>${severity}:</b> ${message}
              ${fix === null ? null : html`<pre class="command"><code>${fix}</code></pre>`}
            </li>`,
        )}
      </ul>`;
}

interface MemberInput {
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
  const words = memberWords(member);
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
          ${excludedWords(member)}${words.meaning}${member.since === null ? null : html` Since ${moment(member.since)}.`}
        </p>
      </section>
      <section aria-labelledby="sides">
        <h2 id="sides">Opinions</h2>
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
              : `, ${String(member.connections)} connections from the ADC`
          }.
        </p>
        ${blindNotice(member)}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
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
        The reported ADC state is unreliable:
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
        <h2 id="beside">Directly at the server, and through the ADC</h2>
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
