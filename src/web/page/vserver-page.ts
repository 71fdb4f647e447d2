import {
  type LivePersistence,
  type LiveVserver,
  type LivePublicName,
  type LiveProbe,
  type LiveMember,
  type LiveState,
  protocolWithPort,
} from "../../model/live.ts";
import { html, prose, type Markup } from "../markup.ts";
import { opinionBadge, causeWords } from "./opinions.ts";
import { endpointFacts } from "../../exporters/prometheus/families/probes.ts";
import { VERDICT_WORDS, vserverWords } from "../../model/verdicts.ts";
import type { History } from "../history/history.ts";
import { headlineSection } from "./state-bar.ts";
import { commands } from "./cards.ts";
import { vserverCommands } from "./commands.ts";
import { loginSchemes } from "./notices.ts";
import { gslbSites } from "./gslb-sites.ts";
import { timeline } from "./heartbeat.ts";
import { layout, memberHref } from "./layout.ts";
import { excludedWords } from "./member-page.ts";
import { probeTable, tlsSection } from "./probe-table.ts";
import { timeElement } from "./time.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

/** Source persistence: what the agent can observe, and which member its own addresses stick to. */
function persistenceSection({ persistence: known }: LiveVserver): Markup | null {
  return known === undefined || known === null
    ? null
    : html`<section aria-labelledby="persistence">
        <h2 id="persistence">Persistence: ${known.type}</h2>
        <p>${observabilityWords(known)} ${probeWords(known)}</p>
        ${
          known.sticksTo.length === 0
            ? null
            : html`<ul>
                ${known.sticksTo.map(
                  ({ source, server }) =>
                    html`<li>The ADC sends ${source} to ${server ?? "an unknown server"}.</li>`,
                )}
              </ul>`
        }
      </section>`;
}

function observabilityWords({ observable }: LivePersistence): string {
  return observable
    ? "Each source address reaches one server, as a client's does."
    : "One source address reaches one server, as a client's does. To see the servers of other clients, configure more source_addresses.";
}

function probeWords({ probes }: LivePersistence): string {
  switch (probes) {
    case "running":
      return "";
    case "avoiding":
      return "A member is leaving: probes use only addresses that persistence does not send to it.";
    case "paused":
      return "A member is leaving: probes through the VIP pause until the ADC's persistence entry for this agent expires, because they would renew it.";
  }
}

/** The names that clients use: DNS answers and the state of each address. */
function publicNamesSection({ publicNames: names, probes }: LiveVserver): Markup | null {
  return names === undefined || names.length === 0
    ? null
    : html`<section aria-labelledby="names">
        <h2 id="names">Names clients use</h2>
        <div class="scroll" role="region" aria-label="Table of names" tabindex="0">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">DNS</th>
                <th scope="col">Addresses</th>
              </tr>
            </thead>
            <tbody>
              ${names.map(
                (name) =>
                  html`<tr>
                    <th scope="row">${name.name}</th>
                    <td>${dnsWords(name)}</td>
                    <td>${siteList(name, probes)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>`;
}

function dnsWords({ dns, message, unprobed }: LivePublicName): string {
  const more = unprobed === 0 ? "" : `; ${String(unprobed)} more are not probed`;
  switch (dns) {
    case "vip":
      return `answers with the VIP${more}`;
    case "vip_and_others":
      return `answers with the VIP and other addresses${more}`;
    case "others":
      return `answers with addresses other than the VIP: other sites, or NAT in front of the VIP${more}`;
    case "dns_failure":
      return `does not resolve: ${message ?? "no answer"}`;
    case "mapped":
      return "is not resolved: connect_to sets the address";
    case "refused":
      return message ?? "is not resolved";
    case "pending":
      return "has not been resolved yet";
  }
}

function siteList({ addresses }: LivePublicName, probes: readonly LiveProbe[]): Markup {
  return html`${addresses.map(({ address, vip }) => {
    const at = probes.filter((probe) => probe.vantage === "public" && probe.address === address);
    return html`<div>
      ${vip && at.length === 0 ? null : opinionBadge(worstOpinion(at))} ${address}
      ${vip ? html`<span>the VIP</span>` : null}
    </div>`;
  })}`;
}

/** The state of a site is its worst result. */
function worstOpinion(probes: readonly LiveProbe[]): LiveProbe["opinion"] {
  const opinions = probes.map((probe) => probe.opinion);
  return opinions.includes("down") ? "down" : opinions.includes("up") ? "up" : "unknown";
}

interface VserverInput {
  readonly live: LiveState;
  readonly vserver: LiveVserver;
  readonly history: History;
  readonly version: string;
  readonly now: number;
}

/** Everything about one vserver: what clients get, from which member, and its members. */
export function vserverPage({ live, vserver, history, version, now }: VserverInput): string {
  const tone = toneOf(vserver.verdict);
  const words = vserverWords(vserver);
  const gslb = vserver.gslb ?? null;
  const members = live.members.filter(
    (member) => member.adc === vserver.adc && member.vservers.includes(vserver.vserver),
  );
  const facts = endpointFacts(vserver.probes);
  const name = `${vserver.vserver} ${protocolWithPort(vserver)}`;
  const label = answersWithoutServers(vserver)
    ? "has no servers; a redirect or responder answers"
    : words.label;
  return layout({
    title: `${name}: ${label}`,
    tone,
    current: "none",
    agent: live.agent,
    version,
    main: html`<p class="crumbs"><a href="/">Status</a> / ${vserver.adc} / ${vserver.vserver}</p>
      ${headlineSection(
        tone,
        html`${name}: ${label}`,
        html`<p>
          ${excludedWords(vserver)}${answersWithoutServers(vserver) ? "A redirect or a responder answers its clients. The ADC always reports a vserver without servers as DOWN." : words.meaning}${vserver.since === null ? null : html` Since ${timeElement(vserver.since)}.`}
        </p>`,
      )}
      <section aria-labelledby="sides">
        <h2 class="sr" id="sides">Opinions</h2>
        <table class="sides plain">
          <tbody>
            ${opinionRows(vserver)}
            ${
              tone === "good"
                ? null
                : html`<tr>
                    <th scope="row">What to do</th>
                    <td colspan="2">${prose(words.advice)}</td>
                  </tr>`
            }
          </tbody>
        </table>
        ${commands(vserverCommands(vserver))}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Last 24 hours</h2>
        ${timeline(history.vserverTimeline(vserver), "Through the ADC", now)}
      </section>
      ${gslb === null ? null : gslbSites(gslb)}
      ${members.length === 0 ? null : memberTable(members)} ${certificateNotice(vserver)}
      ${loginSchemes(vserver)} ${refusalNotice(vserver)} ${failingReplicasNotice(vserver)}
      ${misroutedNotice(vserver)} ${servedBySection(vserver)} ${persistenceSection(vserver)}
      ${publicNamesSection(vserver)}
      ${
        vserver.probes.length === 0
          ? null
          : probeTable({
              columns: ["Through the ADC", null],
              lines: vserver.probes.map((probe) => ({ probe, through: [] })),
              history,
              calm: tone === "good" || vserver.verdict === "vip_protected",
            })
      }
      ${facts === null ? null : tlsSection(facts, now)}`,
  });
}

/** No servers, but clients are answered by a redirect or responder. */
function answersWithoutServers({ members, verdict }: LiveVserver): boolean {
  return members.configured === 0 && toneOf(verdict) === "good";
}

function opinionRows(vserver: LiveVserver): Markup {
  const { gslb = null, reason, vip, address } = vserver;
  const { configured, reallyUp, adcUp, maintenance } = vserver.members;
  const why = vip === "up" ? "" : causeWords(null, reason);
  const place = gslb === null ? `Through ${address ?? "the VIP"}` : "By the ADC's DNS";
  return html`<tr>
      <th scope="row">ADC</th>
      <td>
        ${answersWithoutServers(vserver) ? html`<span class="badge expected">○ NO SERVERS</span>` : opinionBadge(vserver.adcOpinion)}
      </td>
      <td>${healthWords(vserver)}</td>
    </tr>
    <tr>
      <th scope="row">${place}</th>
      <td>${opinionBadge(vip)}</td>
      <td>${why === "" ? "As seen by clients." : `${why}.`}</td>
    </tr>
    ${
      configured === 0
        ? null
        : html`<tr>
            <th scope="row">Servers</th>
            <td>${opinionBadge(reallyUp > 0 ? "up" : "down")}</td>
            <td>
              ${reallyUp} of ${configured} work, ${adcUp} are UP on the ADC, ${maintenance} in
              maintenance.
            </td>
          </tr>`
    }`;
}

const TLS_ENDS_AT = {
  pass_through: "TLS is passed through; clients see the servers' own certificates.",
  offload: "TLS is terminated at the ADC; connections to the servers are in clear text.",
  re_encrypt: "TLS is terminated at the ADC, which re-encrypts to the servers.",
} as const;

/** Where TLS is terminated, and whether certificates that must be identical are; null without TLS. */
function certificateNotice({ tlsEnds, certificateDiffers }: LiveVserver): Markup | null {
  return tlsEnds === undefined || tlsEnds === "none"
    ? null
    : html`<p>
        ${TLS_ENDS_AT[tlsEnds]}
        ${
          certificateDiffers === null
            ? null
            : certificateDiffers
              ? html`<b>The certificates there differ, but must be identical.</b>`
              : "The certificates there are identical."
        }
      </p>`;
}

function healthWords({ healthPercent, adcRawState }: LiveVserver): string {
  const health = healthPercent === null ? "" : `, health ${String(healthPercent)} %`;
  return adcRawState === null
    ? "No state from the ADC."
    : `State reported by the ADC: ${adcRawState}${health}.`;
}

function memberTable(members: readonly LiveMember[]): Markup {
  return html`<section aria-labelledby="members">
    <h2 id="members">Members</h2>
    <div class="scroll" role="region" aria-label="Table of members" tabindex="0">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Server</th>
            <th scope="col">Service</th>
            <th scope="col">ADC</th>
            <th scope="col">Replica</th>
            <th scope="col">Service</th>
            <th scope="col">Verdict</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${members.map((member) => {
            const tone = toneOf(member.verdict);
            return html`<tr>
              <th scope="row">
                <a href="${memberHref(member)}">${member.server}</a>
                <span>${member.port}</span>
              </th>
              <td>${member.adcService}</td>
              <td>${opinionBadge(member.adcOpinion)}</td>
              <td>${opinionBadge(member.replica)}</td>
              <td>${opinionBadge(member.service)}</td>
              <td>
                <span class="chip ${tone}"
                  ><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>
                  ${VERDICT_WORDS[member.verdict].label}</span
                >
              </td>
              <td>${tone === "good" ? "" : causeWords(member.step, member.reason)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

function refusalNotice({ refusesAgent = null }: LiveVserver): Markup | null {
  return refusesAgent === null
    ? null
    : html`<section aria-labelledby="refusal">
        <h2 id="refusal">This agent is refused here</h2>
        <p>
          By the ADC's configuration: ${refusesAgent}. Every failure fits that refusal, so they say
          nothing about clients. Let the agent's addresses in, or exclude this vserver.
        </p>
      </section>`;
}

function failingReplicasNotice({ failingReplicas: failing = [] }: LiveVserver): Markup | null {
  return failing.length === 0
    ? null
    : html`<section aria-labelledby="failing-replicas">
        <h2 id="failing-replicas">Monitors that fail through this vserver</h2>
        <p>The vserver works. What these monitors ask for is answered differently here.</p>
        <ul class="notices">
          ${failing.map(({ monitor, reason }) => html`<li>${monitor}: ${reason ?? "no reason"}</li>`)}
        </ul>
      </section>`;
}

function misroutedNotice(vserver: LiveVserver): Markup | null {
  const routes = vserver.misrouted ?? [];
  return routes.length === 0
    ? null
    : html`<section aria-labelledby="misrouted">
        <h2 id="misrouted">Answered by another group</h2>
        <p>
          Content switching sends these requests here, but a server that is not a member answered
          them. Check the policies, their order and their targets.
        </p>
        <ul class="notices">
          ${routes.map(
            ({ path, server }) => html`<li>${path ?? "A request"} was answered by ${server}.</li>`,
          )}
        </ul>
      </section>`;
}

function clientAddressNotice({ clientAddressKept }: LiveVserver): Markup | null {
  return clientAddressKept === undefined || clientAddressKept === null
    ? null
    : html`<p>
        ${
          clientAddressKept
            ? "Servers behind it see the client's own address."
            : "Servers behind it see an address of the ADC instead of the client's: in their per-source limits and logs all clients look like one."
        }
      </p>`;
}

function servedBySection(vserver: LiveVserver): Markup | null {
  const answers = [...vserver.servedBy].sort(([, one], [, other]) => other - one);
  return answers.length === 0
    ? null
    : html`<section aria-labelledby="served">
        <h2 id="served">Responses through the VIP</h2>
        ${clientAddressNotice(vserver)}
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Server</th>
              <th scope="col">Responses</th>
            </tr>
          </thead>
          <tbody>
            ${answers.map(
              ([server, count]) =>
                html`<tr>
                  <th scope="row">${server}</th>
                  <td class="number">${count}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </section>`;
}
