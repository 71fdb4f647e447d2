import { type LiveMember, type LiveProbe, protocolWithPort } from "../../model/live.ts";
import type { Estate } from "../../model/estate.ts";
import { memberWords, vserverWords } from "../../model/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { memberCommands, vserverCommands, type Command } from "./commands.ts";
import type { Finding } from "../../change/findings.ts";
import { sentenceOf } from "../../change/findings.ts";
import { memberHref, vserverHref } from "./layout.ts";
import { because, maintenanceWords, opinionBadge, opinionWords, threeSides } from "./opinions.ts";
import { probeSourceWords } from "./probe-source.ts";
import type { Remarks } from "./remarks.ts";
import { moment } from "./time.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

/** One disagreement: who says what, since when, why, the evidence, and what to type. */
export function findingCard(
  finding: Finding,
  estates: readonly Estate[],
  remarks: Remarks,
): Markup {
  const tone = toneOf(finding.verdict);
  const words =
    finding.kind === "members" ? memberWords(finding.members[0]) : vserverWords(finding.vserver);
  return html`<article class="card ${tone}" id="${cardId(finding)}">
    <header>
      <h3><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span> ${titleOf(finding)}</h3>
      <p class="verdict">
        ${words.label}${finding.since === null ? "" : html`, since ${moment(finding.since)}`}
      </p>
    </header>
    <p>${sentenceOf(finding)}.</p>
    ${finding.kind === "members" ? sides(finding.members[0]) : vserverSides(finding)}
    <p class="advice">
      <b>What to do:</b> ${words.advice}
      ${finding.kind === "members" ? probeSourceWords(finding.members[0]) : null}
    </p>
    ${commands(commandsOf(finding, estates, remarks))}
    <p class="more">${moreLinks(finding)}</p>
  </article>`;
}

/** Stable over refreshes, so that a reader's place is kept. */
function cardId(finding: Finding): string {
  const about = finding.kind === "members" ? finding.server : finding.vserver.vserver;
  const ports = finding.kind === "members" ? finding.members.map(({ port }) => port) : [];
  return ["card", finding.adc, about, finding.verdict, ...ports]
    .join("-")
    .replace(/[^A-Za-z0-9-]+/g, "_");
}

function titleOf(finding: Finding): Markup {
  if (finding.kind === "vserver") {
    return html`${finding.vserver.vserver}
      <span class="what">${protocolWithPort(finding.vserver)}</span>`;
  }
  const what = finding.members.map(protocolWithPort);
  return html`${finding.server} <span class="what">${[...new Set(what)].join(", ")}</span>`;
}

function sides(member: LiveMember): Markup {
  return html`<dl class="sides">
      ${threeSides(member).map(
        ({ who, opinion, says }) =>
          html`<div>
            <dt>${who}</dt>
            <dd>${opinionBadge(opinion)} <span>${says}</span></dd>
          </div>`,
      )}
      ${maintenanceRow(member)}
    </dl>
    ${evidence(member)}`;
}

export function maintenanceRow(member: LiveMember): Markup | null {
  const words = maintenanceWords(member);
  return words === null
    ? null
    : html`<div>
        <dt>Maintenance</dt>
        <dd>Yes: ${words}.</dd>
      </div>`;
}

function vserverSides({ vserver }: Extract<Finding, { kind: "vserver" }>): Markup {
  const { configured, reallyUp } = vserver.members;
  const why = because(null, vserver.reason);
  return html`<dl class="sides">
    <div>
      <dt>ADC</dt>
      <dd>
        ${opinionBadge(vserver.adcOpinion)}
        <span>State of the vserver as reported by the ADC.</span>
      </dd>
    </div>
    <div>
      <dt>VIP</dt>
      <dd>
        ${opinionBadge(vserver.vip)}
        <span
          >The result through the VIP is
          ${opinionWords(vserver.vip)}${why === "" ? "" : `: ${why}`}.</span
        >
      </dd>
    </div>
    <div>
      <dt>Servers</dt>
      <dd>
        ${opinionBadge(reallyUp > 0 ? "up" : "down")}
        <span>${reallyUp} of ${configured} work.</span>
      </dd>
    </div>
  </dl>`;
}

/** The probe that decided, word for word. */
function evidence(member: LiveMember): Markup | null {
  const probe = decidingProbe(member);
  const last = probe?.last ?? null;
  if (probe === null || last === null) {
    return null;
  }
  const { transcript, detail } = last.evidence;
  const name = probe.kind === "monitor" ? probe.monitor : probe.transaction;
  return html`<details class="evidence" id="evidence-${probe.id.replace(/[^A-Za-z0-9-]+/g, "_")}">
    <summary>Evidence: ${name}, ${moment(last.startedAt)}</summary>
    ${detail === null ? null : html`<p>${detail}</p>`}
    <pre>${transcript === "" ? "(no data exchanged)" : transcript}</pre>
  </details>`;
}

/** The probe the verdict rests on: the one named, else the first that fails. */
function decidingProbe(member: LiveMember): LiveProbe | null {
  const named = member.probes.filter(
    (probe) => probe.monitor === member.decidedBy || probe.transaction === member.decidedBy,
  );
  const failing = (probes: readonly LiveProbe[]): LiveProbe | undefined =>
    probes.find((probe) => probe.lastPassed === false);
  return failing(named) ?? failing(member.probes) ?? named[0] ?? null;
}

function commandsOf(
  finding: Finding,
  estates: readonly Estate[],
  remarks: Remarks,
): readonly Command[] {
  const estate = estates.find((one) => one.adc === finding.adc) ?? null;
  const known = estate === null ? [] : remarks(estate);
  const all =
    finding.kind === "vserver"
      ? vserverCommands(finding.vserver)
      : finding.members.flatMap((member) => memberCommands(member, estate, known));
  return joined(all);
}

/** Commands of the same purpose under one heading. */
function joined(commandList: readonly Command[]): readonly Command[] {
  const byPurpose = new Map<string, Command>();
  for (const command of commandList) {
    const known = byPurpose.get(command.purpose);
    const lines = new Set([...(known?.text.split("\n") ?? []), ...command.text.split("\n")]);
    byPurpose.set(command.purpose, { ...command, text: [...lines].join("\n") });
  }
  return [...byPurpose.values()];
}

export function commands(list: readonly Command[]): Markup | null {
  return list.length === 0
    ? null
    : html`<ul class="commands">
        ${list.map(
          ({ purpose, where, text }) =>
            html`<li>
              <span class="purpose"
                >${purpose}
                <span class="where"
                  >${where === "shell" ? "in a shell" : "on the NetScaler"}</span
                ></span
              >
              <pre class="command"><code>${text}</code></pre>
            </li>`,
        )}
      </ul>`;
}

function moreLinks(finding: Finding): Markup {
  if (finding.kind === "vserver") {
    const { vserver } = finding;
    return html`More: <a href="${vserverHref(vserver)}">all about ${vserver.vserver}</a>`;
  }
  return html`More about ${finding.server}:
  ${finding.members.map(
    (member, index) =>
      html`${index === 0 ? "" : " · "}<a href="${memberHref(member)}"
          >${member.adcService} ${member.port}</a
        >`,
  )}`;
}
