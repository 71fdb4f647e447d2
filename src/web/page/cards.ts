import { groupBy } from "../../lib/steps.ts";
import type { Estate } from "../../model/estate.ts";
import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../../model/live.ts";
import { DEPTH_WORDS } from "../../model/observation.ts";
import { memberWords, vserverWords } from "../../model/verdicts.ts";
import { html, prose, type Markup } from "../markup.ts";
import { presentedCertificate, servicesOf, type Attention } from "./attention.ts";
import { certificateCommands, serverCommands, vserverCommands, type Command } from "./commands.ts";
import { memberHref, vserverHref } from "./layout.ts";
import { causeWords, opinionBadge, causeOfEach } from "./opinions.ts";
import { probeSourceWords } from "./probe-source.ts";
import type { Remarks } from "./remarks.ts";
import { timeElement } from "./time.ts";
import { TONE_SIGNS } from "./tone.ts";

interface CardInput {
  readonly live: LiveState;
  readonly estates: readonly Estate[];
  readonly remarks: Remarks;
}

/** The card of a cause: the problem, the services, the opinions, and the commands. */
export function card(one: Attention, input: CardInput): Markup {
  const { now, later } = commandsOf(one, input);
  return html`<article class="card ${one.tone}" id="${cardId(one)}">
    <h3><span class="sign" aria-hidden="true">${TONE_SIGNS[one.tone]}</span> ${one.title}</h3>
    ${one.since === null ? null : html`<p class="since">since ${timeElement(one.since)}</p>`}
    ${bodyOf(one, input)} ${now === null ? null : commands([now])}
    ${one.kind === "server" ? evidence(one.members, cardId(one)) : null}
    ${
      later.length === 0
        ? null
        : html`<details id="more-${cardId(one)}">
            <summary>${later.map(({ purpose }) => purpose).join("; ")}</summary>
            ${commands(later)}
          </details>`
    }
  </article>`;
}

/** Stable over refreshes, so that the scroll position is kept. */
function cardId(one: Attention): string {
  const parts = {
    server: () => (one.kind === "server" ? [one.adc, one.server, one.verdict] : []),
    vserver: () => (one.kind === "vserver" ? [one.vserver.adc, one.vserver.vserver] : []),
    estate: () => (one.kind === "estate" ? [one.finding.adc, one.finding.kind] : []),
    certificate: () => (one.kind === "certificate" ? ["certificate", ...one.servers] : []),
  }[one.kind]();
  return ["card", ...parts].join("-").replace(/[^A-Za-z0-9-]+/g, "_");
}

function bodyOf(one: Attention, { live }: CardInput): Markup | null {
  switch (one.kind) {
    case "server":
      return html`${opinionTable(one.members)} ${monitorLine(one.members)}
        ${derivedLine(one.derived)}
        <p>${prose(memberWords(one.members[0]).advice)} ${probeSourceWords(one.members[0])}</p>`;
    case "vserver":
      return html`${vserverOpinions(one.vserver)}
        <p>${prose(vserverWords(one.vserver).advice)}</p>`;
    case "certificate":
      return html`${certificateTable(one.members, live)}
        <p>
          Clients of one name must see one certificate: import it on the servers that differ, and
          enable it for the same services.
        </p>`;
    case "estate":
      return null;
  }
}

/** The opinions; services with the same opinions share a row. */
function opinionTable(members: readonly LiveMember[]): Markup {
  const groups = groupBy(members, (member) => {
    const why = causeOfEach(member);
    return [member.adcOpinion, member.replica, why.replica, member.service, why.service].join();
  });
  return html`<table class="sides">
    <thead>
      <tr>
        <th scope="col">Service</th>
        <th scope="col">ADC</th>
        <th scope="col">Replica</th>
        <th scope="col">Service itself</th>
      </tr>
    </thead>
    <tbody>
      ${[...groups.values()].map(([first, ...rest]) =>
        first === undefined
          ? null
          : html`<tr>
              <th scope="row">${serviceLinks([first, ...rest])}</th>
              <td>${opinionBadge(first.adcOpinion)}</td>
              <td>${opinionBadge(first.replica)} ${causeOfEach(first).replica}</td>
              <td>${opinionBadge(first.service)} ${causeOfEach(first).service}</td>
            </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Labels by protocol and port; with the service name if several services share both. */
function serviceLinks(members: readonly LiveMember[]): readonly Markup[] {
  const link = (member: LiveMember, text: string): Markup =>
    html`<a href="${memberHref(member)}">${text}</a>`;
  return [...groupBy(members, (member) => servicesOf([member]))].map(([label, [first, ...rest]]) =>
    first !== undefined && rest.length === 0
      ? html`<div>${link(first, label)}</div>`
      : html`<div>
          ${label}
          <small
            >${[first, ...rest].map((one) => (one === undefined ? null : html` ${link(one, one.adcService)}`))}</small
          >
        </div>`,
  );
}

const MAX_MONITOR_LINES = 3;

/** The last responses of the ADC's monitors, and their depth; empty if they do not decide its state. */
function monitorLine(members: readonly LiveMember[]): Markup | null {
  const lines = new Set(
    members.flatMap(({ adcOpinion, adcLastResponse, adcMonitors, depth }) => {
      const names = adcMonitors
        .map(({ monitor }) => monitor)
        .slice(0, 3)
        .join(", ");
      const sees = depth?.adc ? ` (sees ${DEPTH_WORDS[depth.adc]})` : "";
      return adcLastResponse === null || !["up", "down"].includes(adcOpinion)
        ? []
        : [`${names}${sees}: “${adcLastResponse}”`];
    }),
  );
  return lines.size === 0
    ? null
    : html`<p>The ADC's monitor ${[...lines].slice(0, MAX_MONITOR_LINES).join("; ")}</p>`;
}

function derivedLine(vservers: readonly LiveVserver[]): Markup | null {
  return vservers.length === 0
    ? null
    : html`<p class="derived">
        Following from it:
        ${vservers.map(
          (vserver, index) =>
            html`${index === 0 ? "" : ", "}<a href="${vserverHref(vserver)}">${vserver.vserver}</a>
              (${vserverWords(vserver).label})`,
        )}.
      </p>`;
}

function vserverOpinions(vserver: LiveVserver): Markup {
  const { configured, reallyUp } = vserver.members;
  const why = vserver.vip === "up" ? "" : causeWords(null, vserver.reason);
  return html`<table class="sides">
    <thead>
      <tr>
        <th scope="col">Vserver</th>
        <th scope="col">ADC</th>
        <th scope="col">Through the ADC</th>
        <th scope="col">Servers</th>
      </tr>
    </thead>
    <tbody>
      <tr>
        <th scope="row"><a href="${vserverHref(vserver)}">${vserver.vserver}</a></th>
        <td>${opinionBadge(vserver.adcOpinion)}</td>
        <td>${opinionBadge(vserver.vip)} ${why}</td>
        <td>${reallyUp} of ${configured} work</td>
      </tr>
    </tbody>
  </table>`;
}

/** Maximum number of rows in a table of certificates; all are on the members' pages. */
const MAX_ROWS = 12;

function certificateTable(odd: readonly LiveMember[], live: LiveState): Markup {
  const vservers = new Set(odd.map(({ vservers: [first] }) => first));
  const beside = live.members.filter(
    ({ vservers: [first] }) => first !== undefined && vservers.has(first),
  );
  const shown = new Map(
    beside.flatMap((member) => {
      const leaf = presentedCertificate(member);
      return leaf === null ? [] : [[`${member.server} ${leaf.sha256}`, { member, leaf }] as const];
    }),
  );
  return html`<table class="sides">
    <thead>
      <tr>
        <th scope="col">Server</th>
        <th scope="col">Subject</th>
        <th scope="col">Until</th>
        <th scope="col">Thumbprint</th>
      </tr>
    </thead>
    <tbody>
      ${[...shown.values()].slice(0, MAX_ROWS).map(
        ({ member, leaf }) =>
          html`<tr class="${odd.includes(member) ? "odd" : ""}">
            <th scope="row"><a href="${memberHref(member)}">${member.server}</a></th>
            <td>${leaf.subject}</td>
            <td>${timeElement(leaf.notAfter)}</td>
            <td><code>${leaf.thumbprint.slice(0, 12)}…</code></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** The transcript of the probe that decided. */
function evidence(members: readonly LiveMember[], id: string): Markup | null {
  const probe = members.map(decidingProbe).find((one) => (one?.last ?? null) !== null) ?? null;
  const last = probe?.last ?? null;
  if (probe === null || last === null) {
    return null;
  }
  return html`<details class="evidence" id="evidence-${id}">
    <summary>
      Evidence: ${probe.kind === "monitor" ? probe.monitor : probe.transaction},
      ${timeElement(last.startedAt)}
    </summary>
    ${transcript(last)}
  </details>`;
}

export function transcript({
  evidence: { detail, transcript: text },
}: NonNullable<LiveProbe["last"]>): Markup {
  return html`${detail === null ? null : html`<p>${detail}</p>`}
    <pre>${text === "" ? "(no data exchanged)" : text}</pre>`;
}

/** The probe that decided the verdict: the one named, else the first that fails. */
function decidingProbe(member: LiveMember): LiveProbe | null {
  const named = member.probes.filter(
    (probe) => probe.monitor === member.decidedBy || probe.transaction === member.decidedBy,
  );
  const failing = (probes: readonly LiveProbe[]): LiveProbe | undefined =>
    probes.find((probe) => probe.lastPassed === false);
  return failing(named) ?? failing(member.probes) ?? named[0] ?? null;
}

function commandsOf(one: Attention, { live, estates, remarks }: CardInput) {
  const all = ((): readonly Command[] => {
    switch (one.kind) {
      case "server": {
        const estate = estates.find(({ adc }) => adc === one.adc) ?? null;
        return serverCommands(one.members, live, estate, estate === null ? [] : remarks(estate));
      }
      case "vserver":
        return vserverCommands(one.vserver);
      case "certificate":
        return certificateCommands(one.servers, one.members);
      case "estate":
        return [];
    }
  })();
  const [now = null, ...later] = all;
  return { now, later };
}

export function commands(list: readonly Command[]): Markup | null {
  return list.length === 0
    ? null
    : html`<ul class="commands">
        ${list.map(
          ({ purpose, where, text }) =>
            html`<li>
              <span class="purpose">${purpose} <small>${WHERE_LABELS[where]}</small></span>
              <pre class="command"><code>${withUnbrokenOptions(text)}</code></pre>
            </li>`,
        )}
      </ul>`;
}

/** Prevents line breaks at the hyphens of options. */
function withUnbrokenOptions(text: string): readonly (Markup | string)[] {
  return text
    .split(/([ \n])/)
    .map((part) => (part.startsWith("-") ? html`<span>${part}</span>` : part));
}

const WHERE_LABELS: Readonly<Record<Command["where"], string>> = {
  shell: "in a shell",
  NetScaler: "on the NetScaler",
  Exchange: "in the Exchange Management Shell",
};
