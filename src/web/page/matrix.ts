import type { LiveMember } from "../../model/live.ts";
import { DEPTH_WORDS } from "../../model/observation.ts";
import { memberWords, VERDICT_WORDS, severity } from "../../model/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { memberHref, vserverHref } from "./layout.ts";
import { mark, opinionWords } from "./opinions.ts";
import { TONE_SIGNS, toneOf } from "./tone.ts";

const UNBOUND = "(no vserver)";

/** More columns than anybody reads: then each vserver gets a row of its members instead. */
const MAX_COLUMNS = 40;
/** More cells than a page should hold; those that need somebody are kept before those that agree. */
const MAX_MEMBERS = 1_000;

/** Vservers against servers of one ADC; the longer list makes the rows. */
export function matrix(adc: string, members: readonly LiveMember[]): Markup {
  const shown = worstFirst(members);
  const grid = arrange(shown);
  const { servers, vservers } = grid;
  const table =
    Math.min(servers.size, vservers.size) > MAX_COLUMNS ? list(adc, grid) : cross(adc, grid);
  return html`<div class="scroll" role="region" aria-label="Matrix of ${adc}" tabindex="0">
      ${table}
    </div>
    ${
      shown.length === members.length
        ? null
        : html`<p>
            ${shown.length} of ${members.length} members are shown, findings first; narrow the
            filter above.
          </p>`
    }`;
}

/** Members by vserver and server. */
interface Grid {
  readonly members: number;
  readonly servers: ReadonlySet<string>;
  readonly vservers: ReadonlySet<string>;
  readonly cells: ReadonlyMap<string, readonly LiveMember[]>;
}

function arrange(members: readonly LiveMember[]): Grid {
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
  return { members: members.length, servers, vservers, cells };
}

function worstFirst(members: readonly LiveMember[]): readonly LiveMember[] {
  if (members.length <= MAX_MEMBERS) {
    return members;
  }
  const agreeing = members.filter(({ verdict }) => toneOf(verdict) === "good");
  const others = members.filter(({ verdict }) => toneOf(verdict) !== "good");
  return [...others, ...agreeing].slice(0, MAX_MEMBERS);
}

function cross(adc: string, { members, servers, vservers, cells }: Grid): Markup {
  const serverRows = servers.size > vservers.size;
  const rows = [...(serverRows ? servers : vservers)];
  const columns = [...(serverRows ? vservers : servers)];
  const head = (name: string, isServer: boolean): Markup | string =>
    isServer ? name : vserverName(adc, name);
  return html`<table class="matrix">
    <caption>
      NetScaler ${adc}: ${members} members, ${vservers.size} vservers, ${servers.size} servers
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
              const here = cells.get(key);
              return here === undefined
                ? EMPTY
                : html`<td>${here.map((member) => cell(member, false))}</td>`;
            })}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

const EMPTY = html`<td></td>`;

function list(adc: string, { members, servers, vservers, cells }: Grid): Markup {
  const byVserver = new Map([...vservers].map((vserver) => [vserver, [] as LiveMember[]]));
  for (const [key, here] of cells) {
    byVserver.get(key.slice(0, key.indexOf("\u0000")))?.push(...here);
  }
  return html`<table class="matrix long">
    <caption>
      NetScaler ${adc}: ${members} members, ${vservers.size} vservers, ${servers.size} servers
    </caption>
    <thead>
      <tr>
        <th scope="col">Vserver</th>
        <th scope="col">Members</th>
      </tr>
    </thead>
    <tbody>
      ${[...byVserver].map(
        ([vserver, here]) =>
          html`<tr>
            <th scope="row">${vserverName(adc, vserver)}</th>
            <td>${here.map((member) => cell(member, true))}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function vserverName(adc: string, name: string): Markup | string {
  return name === UNBOUND
    ? name
    : html`<a href="${vserverHref({ adc, vserver: name })}">${name}</a>`;
}

function cell(member: LiveMember, named: boolean): Markup {
  const tone = toneOf(member.verdict);
  const { label } = memberWords(member);
  const depth = member.depth?.adc ?? null;
  const sees = depth === null ? "" : `; the ADC's monitors see ${DEPTH_WORDS[depth]}`;
  const words =
    `${member.server} port ${String(member.port)}: ADC ${opinionWords(member.adcOpinion)}, ` +
    `replica ${opinionWords(member.replica)}, service ${opinionWords(member.service)}: ${label}${sees}`;
  return html`<a class="cell ${tone}" href="${memberHref(member)}" title="${words}"
    ><span class="sign" aria-hidden="true">${TONE_SIGNS[tone]}</span
    >${mark(member.adcOpinion)}${mark(member.replica)}${mark(member.service)}${
      named ? html`<span aria-hidden="true">&nbsp;${member.server}</span>` : null
    }<span class="sr">${words}</span></a
  >`;
}

/** What the signs mean, under the matrix. */
export function legend(members: readonly LiveMember[]): Markup {
  const held = [...new Set(members.map(({ verdict }) => verdict))].sort(
    (one, other) => severity(one) - severity(other),
  );
  return html`<div class="legend">
    <p>
      Each cell shows, from left to right, the verdict's symbol and the opinions of the <b>ADC</b>,
      the <b>replica</b> of its monitor and the <b>service</b>: ${mark("up")} up, ${mark("down")}
      down, ${mark("out")} out of service, ${mark("unknown")} unknown, ${mark("none")} not checked.
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
