import {
  type LivePersistence,
  type LiveVserver,
  type LivePublicName,
  type LiveProbe,
  type LiveMember,
  type LiveState,
  protocolWithPort,
} from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";
import { opinionBadge, because, opinionWords } from "./opinions.ts";
import { endpointFacts } from "../../exporters/prometheus/families/probes.ts";
import { VERDICT_WORDS, vserverWords } from "../../model/verdicts.ts";
import type { History } from "../history/history.ts";
import { probeNowHref } from "../probe/target.ts";
import { commands } from "./cards.ts";
import { vserverCommands } from "./commands.ts";
import { certificates } from "./certificates.ts";
import { loginSchemes } from "./login-schemes.ts";
import { gslbSites } from "./gslb-sites.ts";
import { excludedWords } from "./excluded.ts";
import { layout, memberHref } from "./layout.ts";
import { probeSection, tlsSection } from "./runs.ts";
import { moment } from "./time.ts";
import { timeline } from "./timeline-svg.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

/** Where clients stick to servers by their address: what that lets us see, and whom our own addresses stick to. */
function persistence({ persistence: known }: LiveVserver): Markup | null {
  return known === undefined || known === null
    ? null
    : html`<section aria-labelledby="persistence">
        <h2 id="persistence">Persistence: ${known.type}</h2>
        <p>${sightWords(known)} ${probeWords(known)}</p>
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

function sightWords({ observable }: LivePersistence): string {
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

/** The names clients use: what DNS answers, beside the VIP, and how each address does. */
function publicNames({ publicNames: names, probes }: LiveVserver): Markup | null {
  return names === undefined || names.length === 0
    ? null
    : html`<section aria-labelledby="names">
        <h2 id="names">Names clients use</h2>
        <div class="scroll" role="region" aria-label="Names clients use" tabindex="0">
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
                    <td>${sites(name, probes)}</td>
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
      return `answers with other addresses than the VIP: other sites, or NAT in front of the VIP${more}`;
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

function sites({ addresses }: LivePublicName, probes: readonly LiveProbe[]): Markup {
  return html`${addresses.map(({ address, vip }) => {
    const at = probes.filter((probe) => probe.vantage === "public" && probe.address === address);
    return html`<div>
      ${vip && at.length === 0 ? null : opinionBadge(worst(at))} ${address}
      ${vip ? html`<span class="what">the VIP</span>` : null}
    </div>`;
  })}`;
}

/** One site is as good as what fares worst there. */
function worst(probes: readonly LiveProbe[]): LiveProbe["opinion"] {
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

const RUNS_SHOWN = 10;

/** Everything about one vserver: what clients get there, from whom, and its members. */
export function vserverPage({ live, vserver, history, version, now }: VserverInput): string {
  const tone = toneOf(vserver.verdict);
  const words = vserverWords(vserver);
  const gslb = vserver.gslb ?? null;
  const members = live.members.filter(
    (member) => member.adc === vserver.adc && member.vservers.includes(vserver.vserver),
  );
  const facts = endpointFacts(vserver.probes);
  const why = because(null, vserver.reason);
  return layout({
    title: vserver.vserver,
    current: "none",
    live,
    version,
    main: html`<p class="crumbs"><a href="/">Status</a> / ${vserver.adc} / ${vserver.vserver}</p>
      <section class="headline ${tone}" role="status" aria-live="polite" id="headline">
        <h1>
          <span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>
          <span
            >${vserver.vserver} <span class="what">${protocolWithPort(vserver)}</span>:
            ${words.label}</span
          >
        </h1>
        <p>
          ${excludedWords(vserver)}${words.meaning}${vserver.since === null ? null : html` Since ${moment(vserver.since)}.`}
        </p>
      </section>
      <section aria-labelledby="sides">
        <h2 id="sides">Opinions</h2>
        <dl class="sides wide">
          <div>
            <dt>ADC</dt>
            <dd>${opinionBadge(vserver.adcOpinion)} <span>${healthWords(vserver)}</span></dd>
          </div>
          <div>
            <dt>${gslb === null ? "VIP" : "DNS"}</dt>
            <dd>
              ${opinionBadge(vserver.vip)}
              <span
                >The result
                ${gslb === null ? `through ${vserver.address ?? "the VIP"}` : "of the ADC's DNS"} is
                ${opinionWords(vserver.vip)}${why === "" ? "" : `: ${why}`}.</span
              >
            </dd>
          </div>
          <div>
            <dt>Servers</dt>
            <dd>
              ${opinionBadge(vserver.members.reallyUp > 0 ? "up" : "down")}
              <span
                >${vserver.members.reallyUp} of ${vserver.members.configured} work,
                ${vserver.members.adcUp} are UP on the ADC, ${vserver.members.maintenance} in
                maintenance.</span
              >
            </dd>
          </div>
        </dl>
        <p class="advice"><b>What to do:</b> ${words.advice}</p>
        ${commands(vserverCommands(vserver))}
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        ${timeline(history.vserverTimeline(vserver), now)}
      </section>
      ${gslb === null ? null : gslbSites(gslb)} ${memberTable(members)} ${certificates(vserver)}
      ${loginSchemes(vserver)} ${refusal(vserver)} ${failingReplicas(vserver)} ${misrouted(vserver)}
      ${servedBy(vserver)} ${persistence(vserver)} ${publicNames(vserver)}
      ${
        vserver.probes.length === 0
          ? null
          : html`<section aria-labelledby="probes">
              <h2 id="probes">Probes</h2>
              ${vserver.probes.map((probe) =>
                probeSection(
                  probe,
                  history.runs(probe.id, RUNS_SHOWN),
                  probe.vantage === "vip" ? probeNowHref(probe) : null,
                ),
              )}
            </section>`
      }
      ${facts === null ? null : tlsSection(facts, now)}`,
  });
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
    <div class="scroll" role="region" aria-label="Members" tabindex="0">
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
                <span class="what">${member.port}</span>
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
              <td>${because(member.step, member.reason)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

function refusal({ refusesAgent = null }: LiveVserver): Markup | null {
  return refusesAgent === null
    ? null
    : html`<section aria-labelledby="refusal">
        <h2 id="refusal">This agent is refused here</h2>
        <p>
          By the ADC's configuration: ${refusesAgent}. All failures look like that, so they say
          nothing about clients. Let the agent's addresses in, or exclude this vserver.
        </p>
      </section>`;
}

function failingReplicas({ failingReplicas: failing = [] }: LiveVserver): Markup | null {
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

function misrouted(vserver: LiveVserver): Markup | null {
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

function clientAddress({ clientAddressKept }: LiveVserver): Markup | null {
  return clientAddressKept === undefined || clientAddressKept === null
    ? null
    : html`<p>
        ${
          clientAddressKept
            ? "Servers behind it see the client's own address."
            : "Servers behind it see an address of the ADC instead of the client's: their limits by source and their logs take all clients for one."
        }
      </p>`;
}

function servedBy(vserver: LiveVserver): Markup | null {
  const answers = [...vserver.servedBy].sort(([, one], [, other]) => other - one);
  return answers.length === 0
    ? null
    : html`<section aria-labelledby="served">
        <h2 id="served">Responses through the VIP</h2>
        ${clientAddress(vserver)}
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
