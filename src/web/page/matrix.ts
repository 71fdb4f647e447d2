import type { LiveMember } from "../../agent/live.ts";
import { VERDICT_WORDS } from "../../verdict/words.ts";
import { html, type Markup } from "../markup.ts";
import { memberHref, vserverHref } from "./links.ts";
import { mark, opinionWords } from "./opinions.ts";
import { severity, TONE_SIGNS, toneOf } from "./tone.ts";

const UNBOUND = "(no vserver)";

/** Vservers against servers of one ADC; the longer list makes the rows. */
export function matrix(adc: string, members: readonly LiveMember[]): Markup {
  const cells = new Map<string, LiveMember[]>();
  const servers = new Set<string>();
  const vservers = new Set<string>();
  for (const member of members) {
    servers.add(member.server);
    for (const vserver of member.vservers.length === 0 ? [UNBOUND] : member.vservers) {
      vservers.add(vserver);
      const key = cellKey(vserver, member.server);
      const known = cells.get(key);
      if (known === undefined) {
        cells.set(key, [member]);
      } else {
        known.push(member);
      }
    }
  }
  const serverRows = servers.size > vservers.size;
  const rows = [...(serverRows ? servers : vservers)];
  const columns = [...(serverRows ? vservers : servers)];
  const head = (name: string, isServer: boolean): Markup | string =>
    isServer || name === UNBOUND
      ? name
      : html`<a href="${vserverHref({ adc, vserver: name })}">${name}</a>`;
  return html`<div class="scroll" role="region" aria-label="Matrix of ${adc}" tabindex="0">
    <table class="matrix">
      <caption>
        NetScaler ${adc}: ${members.length} members, ${vservers.size} vservers, ${servers.size}
        servers
      </caption>
      <thead>
        <tr>
          <th scope="col">${serverRows ? "Server" : "Vserver"}</th>
          ${columns.map((column) => html`<th scope="col">${head(column, !serverRows)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${head(row, serverRows)}</th>
              ${columns.map((column) => {
                const key = serverRows ? cellKey(column, row) : cellKey(row, column);
                return html`<td>${(cells.get(key) ?? []).map(cell)}</td>`;
              })}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cell(member: LiveMember): Markup {
  const tone = toneOf(member.verdict);
  const { label } = VERDICT_WORDS[member.verdict];
  const words =
    `${member.server} port ${String(member.port)}: ADC ${opinionWords(member.adcOpinion)}, ` +
    `replica ${opinionWords(member.replica)}, service ${opinionWords(member.service)}: ${label}`;
  return html`<a class="cell ${tone}" href="${memberHref(member)}" title="${words}"
    ><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span
    >${mark(member.adcOpinion)}${mark(member.replica)}${mark(member.service)}<span class="sr"
      >${words}</span
    ></a
  >`;
}

/** What the signs mean, under the matrix. */
export function legend(members: readonly LiveMember[]): Markup {
  const held = [...new Set(members.map(({ verdict }) => verdict))].sort(
    (one, other) => severity(one) - severity(other),
  );
  return html`<div class="legend">
    <p>
      In each cell from left to right: the verdict's sign, then what the <b>ADC</b>, the
      <b>replica</b> of its monitor and the <b>service</b> say: ${mark("up")} up, ${mark("down")}
      down, ${mark("out")} out of service, ${mark("unknown")} unknown, ${mark("none")} not asked.
    </p>
    <ul>
      ${held.map((verdict) => {
        const tone = toneOf(verdict);
        return html`<li>
          <span class="chip ${tone}"
            ><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span>
            ${VERDICT_WORDS[verdict].label}</span
          >
        </li>`;
      })}
    </ul>
  </div>`;
}

function cellKey(vserver: string, server: string): string {
  return `${vserver}\u0000${server}`;
}
