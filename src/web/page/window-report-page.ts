import { createHash } from "node:crypto";
import { REASON_WORDS } from "../../model/reasons.ts";
import { VERDICT_WORDS } from "../../model/verdicts.ts";
import type { WINDOW_STEPS, WindowReport } from "../../change/window-report.ts";
import { html, Markup } from "../markup.ts";
import { durationText } from "./time.ts";
import { withPort } from "../../lib/ip.ts";

const STEP_WORDS: Readonly<Record<(typeof WINDOW_STEPS)[number], string>> = {
  drained: "out of service on the ADC, last client disconnected",
  in_maintenance: "in maintenance on the wire",
  good_again: "working again",
  returned: "back in service",
};

/** The file is self-contained, to be attached to tickets. */
const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid #8884; }
td.n { text-align: right; } td.bad { color: light-dark(#a4262c, #ff9a9e); font-weight: 600; }
code { font: 0.85rem/1.5 ui-monospace, monospace; display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; } dd { margin: 0; }
@media print { body { margin: 0; } }
`;

/** Content security policy: allows only the report's own style. */
export const REPORT_POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The report of a window as one HTML file without script or requests. `timeZone`: an IANA name, for its times. */
export function windowReportPage(report: WindowReport, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
    hour12: false,
  });
  const time = (text: string | null): Markup | string =>
    text === null
      ? "not seen"
      : html`<time datetime="${text}">${format.format(Date.parse(text)).replace(",", "")}</time>`;
  const { incidents, vservers, steps } = report;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Maintenance ${report.window}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>Maintenance ${report.window}</h1>
          <p>${headline(report)}</p>
          <dl>
            <dt>Servers</dt>
            <dd>${report.servers.join(", ")}</dd>
            <dt>Reason</dt>
            <dd>${report.reason ?? "none given"}</dd>
            <dt>Declared by</dt>
            <dd>${report.author ?? "the configuration"}</dd>
            <dt>From</dt>
            <dd>${time(report.from)}</dd>
            <dt>Planned end</dt>
            <dd>${report.planned_end === "never" ? "none" : time(report.planned_end)}</dd>
            <dt>Reported until</dt>
            <dd>${time(report.to)}</dd>
            <dt>Time zone</dt>
            <dd>${timeZone}</dd>
          </dl>
          <h2>Steps</h2>
          ${
            steps.length === 0
              ? html`<p>No member of these servers was watched in this time.</p>`
              : html`<table>
                  <thead>
                    <tr>
                      <th scope="col">Server</th>
                      <th scope="col">Step</th>
                      <th scope="col">First seen</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${steps.map(
                      ({ server, step, at }) =>
                        html`<tr>
                          <th scope="row">${server}</th>
                          <td>${STEP_WORDS[step]}</td>
                          <td>${time(at)}</td>
                        </tr>`,
                    )}
                  </tbody>
                </table>`
          }
          <h2>What clients met</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Virtual server</th>
                <th scope="col">ADC wrong</th>
                <th scope="col">Clients sent into maintenance</th>
                <th scope="col">VIP down</th>
                <th scope="col">Fewest working members</th>
              </tr>
            </thead>
            <tbody>
              ${vservers.map(
                (row) =>
                  html`<tr>
                    <th scope="row">${row.vserver}</th>
                    ${[row.adc_wrong_seconds, row.sent_into_maintenance_seconds, row.down_seconds].map(secondsCell)}
                    <td class="n">${row.working_minimum ?? "unknown"}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
          <h2>When the ADC was wrong</h2>
          ${
            incidents.length === 0
              ? html`<p>Never, while it was watched.</p>`
              : html`<table>
                  <thead>
                    <tr>
                      <th scope="col">From</th>
                      <th scope="col">To</th>
                      <th scope="col">For</th>
                      <th scope="col">What</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${incidents.map(
                      (each) =>
                        html`<tr>
                          <td>${time(each.from)}</td>
                          <td>${time(each.to)}</td>
                          <td class="n">${durationText(each.seconds * 1_000)}</td>
                          <td>
                            <strong>${objectOf(each)}: ${VERDICT_WORDS[each.verdict].label}</strong
                            ><br />${each.meaning}
                            ${evidenceOf(each)}${each.commands.map((command) => html`<code>${command}</code>`)}
                          </td>
                        </tr>`,
                    )}
                  </tbody>
                </table>`
          }
        </main>
      </body>
    </html> `;
  return page.text;
}

/** One-sentence summary of the report. */
export function headline(report: WindowReport): string {
  const wrong = report.vservers.filter((row) => row.adc_wrong_seconds > 0).length;
  const back = report.steps.filter(({ step }) => step === "returned");
  const missing = back.filter(({ at }) => at === null).map(({ server }) => server);
  const unwatched =
    report.unwatched_seconds === 0
      ? ""
      : ` Not watched for ${durationText(report.unwatched_seconds * 1_000)} of it.`;
  const returned =
    missing.length > 0
      ? ` Not seen back in service: ${missing.join(", ")}.`
      : back.length > 0
        ? " Every server is back in service."
        : "";
  return `The ADC was wrong about ${String(wrong)} of ${String(report.vservers.length)} virtual servers.${returned}${unwatched}`;
}

export function objectOf({ object, server, port }: WindowReport["incidents"][number]): string {
  return server === null ? object : `${object} (${withPort(server, port ?? "")})`;
}

function evidenceOf({ reason, decided_by }: WindowReport["incidents"][number]): string {
  const words = reason === null ? null : REASON_WORDS[reason].label;
  const by = decided_by === null ? "" : `${decided_by}: `;
  return words === null ? "" : `(${by}${words})`;
}

function secondsCell(seconds: number): Markup {
  return html`<td class="n ${seconds > 0 ? "bad" : ""}">
    ${seconds === 0 ? "0" : durationText(seconds * 1_000)}
  </td>`;
}
