import type { LiveMember, LiveState } from "../../agent/live.ts";
import { REASON_WORDS, STEP_WORDS } from "../../verdict/reason-words.ts";
import { VERDICT_WORDS } from "../../verdict/words.ts";
import { html } from "../markup.ts";

/** Every member in a table: the three opinions, the verdict in words, since when and why. */
export function plainPage(live: LiveState): string {
  const wrong = live.members.filter((member) => member.mismatch).length;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="refresh" content="10" />
        <title>${wrong} of ${live.members.length} disagree: adc-witness</title>
        <link rel="stylesheet" href="/page.css" />
      </head>
      <body>
        <h1>The ADC is wrong about ${wrong} of ${live.members.length} members</h1>
        <table>
          <thead>
            <tr>
              <th>Server</th>
              <th>Port</th>
              <th>Vserver</th>
              <th>ADC</th>
              <th>Replica</th>
              <th>Service</th>
              <th>Verdict</th>
              <th>Why</th>
              <th>Since</th>
            </tr>
          </thead>
          <tbody>
            ${live.members.map(row)}
          </tbody>
        </table>
      </body>
    </html>`;
  return page.text;
}

function row(member: LiveMember) {
  return html`<tr class="${member.verdict}">
    <th scope="row">${member.server}</th>
    <td>${member.port}</td>
    <td>${member.vservers.join(", ")}</td>
    <td>${member.adcOpinion}</td>
    <td>${member.replica}</td>
    <td>${member.service}</td>
    <td>${VERDICT_WORDS[member.verdict].label}</td>
    <td>${why(member)}</td>
    <td>${member.since === null ? "" : new Date(member.since).toISOString()}</td>
  </tr>`;
}

function why({ reason, step }: LiveMember): string {
  if (reason === null || reason === "ok") {
    return "";
  }
  return step === null
    ? REASON_WORDS[reason].label
    : `${REASON_WORDS[reason].label} ${STEP_WORDS[step]}`;
}
