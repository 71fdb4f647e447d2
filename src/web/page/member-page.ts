import type { MonitorBinding } from "../../model/adc-service.ts";
import type { Estate } from "../../model/estate.ts";
import type { Monitor } from "../../model/monitor.ts";
import { pasteLines } from "../../lint/change.ts";
import type { Finding } from "../../lint/finding.ts";
import { html, prose, type Markup } from "../markup.ts";
import { durationText, timeElement } from "./time.ts";
import { type LiveMember, type LiveState, protocolWithPort } from "../../model/live.ts";
import { endpointFacts } from "../../exporters/prometheus/families/probes.ts";
import { memberWords } from "../../model/verdicts.ts";
import type { History } from "../history/history.ts";
import { headlineSection } from "./state-bar.ts";
import { commands } from "./cards.ts";
import { memberCommands } from "./commands.ts";
import { timeline } from "./heartbeat.ts";
import { layout, vserverHref } from "./layout.ts";
import { maintenanceWords, opinionBadge, opinionSentences } from "./opinions.ts";
import { probeSourceWords } from "./probe-source.ts";
import { probeTable, tlsSection, type ProbeLine } from "./probe-table.ts";
import { toneOf } from "./tone.ts";

/** The monitors bound to a service as configured, each with its blind spots. */
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
        <h3>${binding.monitor} <span>${bindingWords(binding)}</span></h3>
        ${
          monitor === undefined
            ? html`<p>Not defined in the ADC's configuration.</p>`
            : html`<p>${timingWords(monitor)}</p>
                <pre class="command"><code>${adcSyntax(monitor)}</code></pre>`
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
    `Every ${durationText(monitor.intervalMs)}, response timeout ${durationText(monitor.responseTimeoutMs)}; ` +
    `${String(monitor.retries)} failures mean DOWN, then the next probe after ${durationText(monitor.downTimeMs)}; ` +
    `${String(monitor.successRetries)} ${monitor.successRetries === 1 ? "success makes" : "successes make"} UP.` +
    (monitor.reverse ? " Reverse: a match means DOWN." : "")
  );
}

/** NITRO returns every parameter; those that add nothing to the sentence are skipped. */
const SHOWN_IN_SENTENCE =
  /^(monitorname|type|units\d|interval|resptimeout|downtime|retries|successretries|reverse|state)$/;
const EMPTY_VALUES: readonly string[] = ["", "0", "0.0.0.0", "NO"];

/** In the ADC's syntax; secrets are already masked in the model. */
function adcSyntax(monitor: Monitor): string {
  const parameters = [...monitor.written]
    .filter(
      ([key, values]) => !SHOWN_IN_SENTENCE.test(key) && !EMPTY_VALUES.includes(values.join(" ")),
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
          (remark) =>
            html`<li>
              <b>${remark.severity}:</b> ${remark.message}
              ${
                remark.commands.length === 0
                  ? null
                  : html`<pre class="command"><code>${pasteLines(remark).join("\n")}</code></pre>`
              }
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

/** Everything about one member: verdict, last day, opinions, probes directly and through the ADC, TLS, monitors. */
export function memberPage(input: MemberInput): string {
  const { live, member, estate, remarks, history, version, now } = input;
  const tone = toneOf(member.verdict);
  const words = memberWords(member);
  const facts = endpointFacts(member.probes);
  const name = `${member.server} ${protocolWithPort(member)}`;
  const maintenance = maintenanceWords(member);
  return layout({
    title: `${name}: ${words.label}`,
    tone,
    current: "none",
    agent: live.agent,
    version,
    main: html`<p class="crumbs"><a href="/">Status</a> / ${member.adc} / ${member.adcService}</p>
      ${headlineSection(
        tone,
        html`${name}: ${words.label}`,
        html`<p>
          ${excludedWords(member)}${words.meaning}${member.since === null ? null : html` Since ${timeElement(member.since)}.`}
        </p>`,
      )}
      <section aria-labelledby="sides">
        <h2 class="sr" id="sides">Opinions</h2>
        <table class="sides plain">
          <tbody>
            ${opinionSentences(member).map(
              ({ who, opinion, says }) =>
                html`<tr>
                  <th scope="row">${who}</th>
                  <td>${opinionBadge(opinion)}</td>
                  <td>${says}</td>
                </tr>`,
            )}
            ${
              maintenance === null
                ? null
                : html`<tr>
                    <th scope="row">Maintenance</th>
                    <td colspan="2">${maintenance}</td>
                  </tr>`
            }
            ${
              tone === "good"
                ? null
                : html`<tr>
                    <th scope="row">What to do</th>
                    <td colspan="2">${prose(words.advice)} ${probeSourceWords(member)}</td>
                  </tr>`
            }
            <tr>
              <th scope="row">Serves</th>
              <td colspan="2">
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
                    : `, ${String(member.connections)} open connections from the ADC`
                }
              </td>
            </tr>
          </tbody>
        </table>
        ${commands(memberCommands(member, estate, remarks))} ${blindNotice(member)}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Last 24 hours</h2>
        ${timeline(history.memberTimeline(member), "Service", now)}
      </section>
      ${probeTable({
        columns: ["Straight", "Through the ADC"],
        lines: linesOf(live, member),
        history,
        calm: tone === "good",
      })}
      ${facts === null ? null : tlsSection(facts, now)}
      ${estate === null ? null : monitorFacts(estate, member.adcService, remarks)}`,
  });
}

/** Why the configuration excludes it from judging; empty if it does not. */
export function excludedWords({ unjudged = null }: Pick<LiveMember, "unjudged">): string {
  return unjudged === null ? "" : `Excluded from judging by the configuration: ${unjudged}. `;
}

function blindNotice(member: LiveMember): Markup | null {
  return member.blind.length === 0
    ? null
    : html`<p class="blind">
        The reported ADC state is unreliable:
        ${member.blind.map((reason) => reason.replaceAll("_", " ")).join(", ")}.
      </p>`;
}

/** Each probe of the member, with the same probe through its vservers. */
function linesOf(live: LiveState, member: LiveMember): readonly ProbeLine[] {
  const vips = live.vservers
    .filter(({ adc, vserver }) => adc === member.adc && member.vservers.includes(vserver))
    .flatMap(({ probes }) => probes);
  return member.probes.map((probe) => ({
    probe,
    through: vips.filter(
      (vip) => vip.monitor === probe.monitor && vip.transaction === probe.transaction,
    ),
  }));
}
