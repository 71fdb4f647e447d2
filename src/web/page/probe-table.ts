import type { LiveProbe } from "../../model/live.ts";
import { PHASES, type Observation, type TlsFacts } from "../../model/observation.ts";
import type { History } from "../history/history.ts";
import type { PastRun } from "../history/observations.ts";
import { html, type Markup } from "../markup.ts";
import { isProbedNow } from "../../exporters/discovery.ts";
import { probeNowHref } from "../probe/target.ts";
import { transcript } from "./cards.ts";
import { causeWords, opinionBadge } from "./opinions.ts";
import { timeElement, durationText } from "./time.ts";

/** One row of the table: a probe, and the same probe through the ADC. */
export interface ProbeLine {
  readonly probe: LiveProbe;
  readonly through: readonly LiveProbe[];
}

interface ProbeTable {
  /** Titles of the result columns: the probe itself, and the same probe through the ADC; null: no such column. */
  readonly columns: readonly [string, string | null];
  readonly lines: readonly ProbeLine[];
  readonly history: History;
  /** The headline reports no problem, so failures here are not shown as an outage. */
  readonly calm: boolean;
}

/** All probes in one table: last result, last twenty results, and expandable runs and transcripts. */
export function probeTable({ columns, lines, history, calm }: ProbeTable): Markup {
  const [own, through] = columns;
  return html`<section aria-labelledby="probes">
    <h2 id="probes">Probes</h2>
    <div class="scroll" role="region" aria-label="Table of probes" tabindex="0">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Probe</th>
            <th scope="col">${own}</th>
            ${through === null ? null : html`<th scope="col">${through}</th>`}
            <th scope="col">Last 20</th>
            <th scope="col">Took</th>
            <th scope="col"><span class="sr">Now</span></th>
          </tr>
        </thead>
        <tbody>
          ${lines.map((line) => {
            const alike = lines.filter(({ probe }) => nameOf(probe) === nameOf(line.probe));
            const isAlone = alike.length === 1;
            const more = isAlone ? "" : distinctionWords(line.probe);
            return probeRows(
              { ...line, more, isAlone },
              { hasThrough: through !== null, history, calm },
            );
          })}
        </tbody>
      </table>
    </div>
  </section>`;
}

const RUNS_SHOWN = 20;
const RUNS_LISTED = 10;

function probeRows(
  {
    probe,
    through,
    more,
    isAlone,
  }: ProbeLine & { readonly more: string; readonly isAlone: boolean },
  {
    hasThrough,
    history,
    calm,
  }: Pick<ProbeTable, "history" | "calm"> & { readonly hasThrough: boolean },
): Markup {
  const known = history.runs(probe.id, RUNS_SHOWN);
  const runs = known.length > 0 || probe.last === null ? known : [asRun(probe, probe.last)];
  const id = probe.id.replace(/[^A-Za-z0-9-]+/g, "_");
  const now = isProbedNow(probe) ? probeNowHref(probe, isAlone) : null;
  const name = `${nameOf(probe)}${more}`;
  return html`<tr>
      <th scope="row">
        ${name} <br /><small
          >${probe.kind === "monitor" ? probe.type : "transaction"}, every
          ${durationText(probe.intervalMs)}${placeWords(probe)}</small
        >
      </th>
      <td>${resultWords(probe, calm)}</td>
      ${hasThrough ? html`<td>${viaVserverWords(through, probe, calm)}</td>` : null}
      <td>${spark(runs, calm)}</td>
      <td class="number">${probe.last === null ? null : durationText(probe.last.durationMs)}</td>
      <td>
        ${now === null ? null : html`<a class="button" href="${now}" aria-label="Probe now: ${name}">Probe now</a>`}
      </td>
    </tr>
    ${
      runs.length === 0
        ? null
        : html`<tr class="more">
            <td colspan="${hasThrough ? 6 : 5}">
              <details id="runs-${id}">
                <summary>Runs and transcripts of ${name}</summary>
                ${runTable(runs.slice(0, RUNS_LISTED), calm)} ${transcripts(probe, id)}
              </details>
            </td>
          </tr>`
    }`;
}

function nameOf(probe: LiveProbe): string {
  return probe.kind === "monitor" ? probe.monitor : probe.transaction;
}

/** What distinguishes probes of one name: the path that is requested, or the account. */
function distinctionWords(probe: LiveProbe): string {
  const own = probe.id.slice(probe.id.lastIndexOf("/") + 1).replace(nameOf(probe), "");
  return own.replaceAll("%2F", "/");
}

function placeWords({ vantage, address = null }: LiveProbe): string {
  return vantage === "public" && address !== null ? `, at ${address} as clients reach it` : "";
}

/** A failure while the headline reports no problem is a different kind of response: a redirect, or the ADC's login. */
function answerBadge(passed: boolean | null, calm: boolean): Markup {
  return passed === false && calm
    ? html`<span class="badge expected">○ OTHER ANSWER</span>`
    : opinionBadge(passed === null ? "unknown" : passed ? "up" : "down");
}

function resultWords(probe: LiveProbe, calm: boolean): Markup {
  const { last, lastPassed, notRepeated = null } = probe;
  if (last === null) {
    return html`${notRepeated === null ? "has not run yet" : `not repeated: ${notRepeated}`}`;
  }
  return html`${answerBadge(lastPassed, calm)} ${causeWords(last.step, last.reason)} <br /><small
      >${timeElement(last.startedAt)}</small
    >`;
}

/** One line per vserver: the worst of several probes of one name. */
function viaVserverWords(
  through: readonly LiveProbe[],
  straight: LiveProbe,
  calm: boolean,
): Markup {
  const worst = new Map<string, LiveProbe>();
  for (const probe of through) {
    const known = worst.get(probe.vserver);
    if (known === undefined || (known.lastPassed !== false && probe.lastPassed === false)) {
      worst.set(probe.vserver, probe);
    }
  }
  return html`${[...worst.values()].map(({ vserver, last, lastPassed }) => {
    // A failure through the ADC adds nothing if the probe also fails at the server.
    const isOthers = last?.reason === "login_broken_by_adc" && straight.lastPassed === false;
    const why = isOthers || last === null ? "" : causeWords(last.step, last.reason);
    return html`<div>
      ${last === null ? "has not run yet" : answerBadge(lastPassed, calm)}
      ${vserver}${why === "" ? "" : `: ${why}`}
    </div>`;
  })}`;
}

function asRun(probe: LiveProbe, observation: Observation): PastRun {
  return { probeId: probe.id, observation, passed: probe.lastPassed };
}

const SPARK_HEIGHT = 20;

/** The last runs, oldest first: duration and result. */
function spark(runs: readonly PastRun[], calm: boolean): Markup | null {
  if (runs.length === 0) {
    return null;
  }
  const longest = Math.max(1, ...runs.map(({ observation }) => observation.durationMs));
  const passed = runs.filter((run) => run.passed === true).length;
  const bars = [...runs].reverse().map(({ observation, passed: ok }, index) => {
    const height = Math.max(3, Math.round((observation.durationMs / longest) * SPARK_HEIGHT));
    const look = ok === null ? "unknown" : ok ? "good" : calm ? "expected" : "bad";
    return {
      look,
      path: `M${String(index * 8)} ${String(SPARK_HEIGHT - height)}h6v${String(height)}h-6z`,
    };
  });
  const words = `${String(passed)} of the last ${String(runs.length)} passed`;
  return html`<svg
    class="spark"
    viewBox="0 0 ${RUNS_SHOWN * 8} ${SPARK_HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    ${[...new Set(bars.map(({ look }) => look))].map(
      (look) =>
        html`<path
          class="${look}"
          d="${bars.map((bar) => (bar.look === look ? bar.path : "")).join("")}"
        ></path>`,
    )}
  </svg>`;
}

function runTable(runs: readonly PastRun[], calm: boolean): Markup {
  const longest = Math.max(1, ...runs.map((run) => run.observation.durationMs));
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">When</th>
        <th scope="col">Result</th>
        <th scope="col">Took</th>
        <th scope="col">Phases</th>
        <th scope="col">Answered by</th>
      </tr>
    </thead>
    <tbody>
      ${runs.map(
        ({ observation, passed }) =>
          html`<tr>
            <td>${timeElement(observation.startedAt)}</td>
            <td>
              ${answerBadge(passed, calm)} ${causeWords(observation.step, observation.reason)}
            </td>
            <td class="number">${durationText(observation.durationMs)}</td>
            <td>${phaseBar(observation, longest)}</td>
            <td>${observation.servedBy}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const BAR_WIDTH = 240;

/** The phases in sequence, scaled to the slowest run shown. */
function phaseBar(observation: Observation, longest: number): Markup {
  const reached = PHASES.flatMap((phase) => {
    const durationMs = observation.phases[phase];
    return durationMs === undefined ? [] : [{ phase, durationMs }];
  });
  const words = reached
    .map(({ phase, durationMs }) => `${phase} ${durationText(durationMs)}`)
    .join(", ");
  let x = 0;
  return html`<svg
    class="phases"
    viewBox="0 0 ${BAR_WIDTH} 12"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    ${reached.map(({ phase, durationMs }) => {
      const from = x;
      const width = Math.max(0.5, (durationMs / longest) * BAR_WIDTH);
      x += width;
      return html`<rect
        class="phase ${phase}"
        x="${from.toFixed(1)}"
        y="0"
        width="${width.toFixed(1)}"
        height="12"
      ></rect>`;
    })}
  </svg>`;
}

function transcripts(probe: LiveProbe, id: string): Markup {
  const shown = [
    { name: "last success", observation: probe.lastSuccess },
    { name: "last failure", observation: probe.lastFailure },
  ];
  return html`${shown.map(({ name, observation }) =>
    observation === null
      ? null
      : html`<details class="evidence" id="${name.replace(" ", "-")}-${id}">
          <summary>Transcript of the ${name}, ${timeElement(observation.startedAt)}</summary>
          ${transcript(observation)}
        </details>`,
  )}`;
}

const VERIFICATION_WORDS: Readonly<Record<TlsFacts["verification"], string>> = {
  ok: "accepted by a verifying client",
  expired: "expired",
  not_yet_valid: "not valid yet",
  name: "does not contain the name that clients use",
  untrusted: "issuer not trusted",
  unverified: "no certificate received",
};

export function tlsSection(facts: TlsFacts, now: number): Markup {
  return html`<section aria-labelledby="tls">
    <h2 id="tls">TLS</h2>
    <dl class="facts">
      <div>
        <dt>Version</dt>
        <dd>${facts.protocol ?? "none"}</dd>
      </div>
      <div>
        <dt>Cipher</dt>
        <dd>${facts.cipher ?? "none"}</dd>
      </div>
      <div>
        <dt>Server name (SNI)</dt>
        <dd>${facts.serverName ?? "none"}</dd>
      </div>
      <div>
        <dt>Verification</dt>
        <dd>${VERIFICATION_WORDS[facts.verification]}</dd>
      </div>
    </dl>
    ${facts.chain.map(
      (certificate) =>
        html`<dl class="facts certificate">
          <div>
            <dt>Subject</dt>
            <dd>
              ${certificate.subject}${
                facts.unneeded?.includes(certificate.sha256) === true
                  ? " (sent but not needed; the chain verifies without it)"
                  : ""
              }
            </dd>
          </div>
          <div>
            <dt>Names</dt>
            <dd>${certificate.names.join(", ")}</dd>
          </div>
          <div>
            <dt>Issuer</dt>
            <dd>${certificate.issuer}</dd>
          </div>
          <div>
            <dt>Valid</dt>
            <dd>
              ${timeElement(certificate.notBefore)} to ${timeElement(certificate.notAfter)}
              (${daysLeft(certificate.notAfter, now)})
            </dd>
          </div>
          <div>
            <dt>Key</dt>
            <dd>${certificate.key}</dd>
          </div>
          <div>
            <dt>SHA-256</dt>
            <dd class="hash">${certificate.sha256}</dd>
          </div>
          <div>
            <dt>Thumbprint</dt>
            <dd class="hash">${certificate.thumbprint}</dd>
          </div>
        </dl>`,
    )}
  </section>`;
}

function daysLeft(notAfter: number, now: number): string {
  const days = Math.floor((notAfter - now) / 86_400_000);
  return days < 0 ? `expired ${String(-days)} days ago` : `${String(days)} days left`;
}
