import type { LiveProbe } from "../../model/live.ts";
import { PHASES, type Observation, type TlsFacts } from "../../model/observation.ts";
import type { PastRun } from "../history/observations.ts";
import { html, type Markup } from "../markup.ts";
import { because, opinionBadge } from "./opinions.ts";
import { moment, span } from "./time.ts";

/** One probe: what it says now, its last runs with phase bars, the transcript, and a link to run it now. */
export function probeSection(
  probe: LiveProbe,
  runs: readonly PastRun[],
  nowHref: string | null,
): Markup {
  const name = probe.kind === "monitor" ? probe.monitor : probe.transaction;
  const shown = runs.length > 0 || probe.last === null ? runs : [asRun(probe, probe.last)];
  const longest = Math.max(1, ...shown.map((run) => run.observation.durationMs));
  const id = probe.id.replace(/[^A-Za-z0-9-]+/g, "_");
  return html`<section class="probe" aria-labelledby="probe-${id}">
    <h3 id="probe-${id}">
      ${name}
      <span class="what"
        >${probe.kind === "monitor" ? `monitor, ${probe.type}` : "transaction"}, every
        ${span(probe.intervalMs)}, ${vantageWords(probe)}</span
      >
    </h3>
    <p>
      ${opinionBadge(probe.opinion)}
      ${probe.last === null ? neverRan(probe) : outcomeWords(probe.last, probe.lastPassed)}
      ${nowHref === null ? null : html`<a class="button" href="${nowHref}">Probe now</a>`}
    </p>
    ${shown.length === 0 ? null : runTable(shown, longest)} ${transcripts(probe, id)}
  </section>`;
}

function neverRan({ notRepeated = null }: LiveProbe): string {
  return notRepeated === null ? "has not run yet" : `not repeated: ${notRepeated}`;
}

function vantageWords(probe: LiveProbe): string {
  switch (probe.vantage) {
    case "backend":
      return "directly at the server";
    case "vip":
      return `through ${probe.vserver}`;
    case "public":
      return probe.address === undefined || probe.address === null
        ? `at a public address of ${probe.vserver}`
        : `at ${probe.address}, as clients of ${probe.vserver}`;
  }
}

export function outcomeWords(observation: Observation, passed: boolean | null): string {
  const why = because(observation.step, observation.reason);
  const verb = passed === true ? "passed" : passed === false ? "failed" : "no result";
  return `${verb} in ${span(observation.durationMs)}${why === "" ? "" : `: ${why}`}`;
}

function asRun(probe: LiveProbe, observation: Observation): PastRun {
  return { probeId: probe.id, observation, passed: probe.lastPassed };
}

function runTable(runs: readonly PastRun[], longest: number): Markup {
  return html`<table class="list runs">
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
            <td>${moment(observation.startedAt)}</td>
            <td>
              ${opinionBadge(passed === null ? "unknown" : passed ? "up" : "down")}
              ${because(observation.step, observation.reason)}
            </td>
            <td class="number">${span(observation.durationMs)}</td>
            <td>${phaseBar(observation, longest)}</td>
            <td>${observation.servedBy}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const BAR = 240;

/** The phases one after another, to the scale of the slowest run shown. */
function phaseBar(observation: Observation, longest: number): Markup {
  const reached = PHASES.flatMap((phase) => {
    const durationMs = observation.phases[phase];
    return durationMs === undefined ? [] : [{ phase, durationMs }];
  });
  const words = reached.map(({ phase, durationMs }) => `${phase} ${span(durationMs)}`).join(", ");
  let x = 0;
  return html`<svg
    class="phases"
    viewBox="0 0 ${BAR} 12"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}"
  >
    <title>${words}</title>
    ${reached.map(({ phase, durationMs }) => {
      const from = x;
      const width = Math.max(0.5, (durationMs / longest) * BAR);
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
          <summary>Transcript of the ${name}, ${moment(observation.startedAt)}</summary>
          ${observation.evidence.detail === null ? null : html`<p>${observation.evidence.detail}</p>`}
          <pre>
${
              observation.evidence.transcript === ""
                ? "(no data exchanged)"
                : observation.evidence.transcript
            }</pre>
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
                  ? " (sent, but not needed: the chain verifies without it)"
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
              ${moment(certificate.notBefore)} to ${moment(certificate.notAfter)}
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
        </dl>`,
    )}
  </section>`;
}

function daysLeft(notAfter: number, now: number): string {
  const days = Math.floor((notAfter - now) / 86_400_000);
  return days < 0 ? `expired ${String(-days)} days ago` : `${String(days)} days left`;
}
