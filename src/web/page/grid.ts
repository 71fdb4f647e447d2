import { append } from "../../lib/steps.ts";
import { type LiveMember, type LiveState, type LiveVserver, protocolOf } from "../../model/live.ts";
import { depthRank, DEPTH_WORDS } from "../../model/observation.ts";
import { memberWords, vserverWords } from "../../model/verdicts.ts";
import { html, type Markup } from "../markup.ts";
import { worstTone } from "./state-bar.ts";
import { memberHref, vserverHref, type View } from "./layout.ts";
import { mark, opinionWords, shape } from "./opinions.ts";
import { TILE_WORDS, TONE_SIGNS, toneOf } from "./tone.ts";

/** With more columns than this, each row lists its tiles with the server's name. */
const MAX_COLUMNS = 12;
/** Maximum number of tiles on a page; tiles that need attention are kept first. */
const MAX_TILES = 1_000;

/** One row of the grid: a vserver that clients reach, directly or by content switching, and its members. */
interface Row {
  readonly vserver: LiveVserver | null;
  readonly name: string;
  readonly members: readonly LiveMember[];
  /** Content-switching vservers that lead here. */
  readonly via: readonly LiveVserver[];
}

/** A grid of vservers and servers for each ADC, and one for its GSLB names. */
export function grids(
  live: LiveState,
  chosen: { readonly members: readonly LiveMember[]; readonly vservers: readonly LiveVserver[] },
  view: View,
): readonly Markup[] {
  const adcs = [...new Set([...chosen.members, ...chosen.vservers].map(({ adc }) => adc))];
  return adcs.flatMap((adc) =>
    [false, true].flatMap((isNames) => {
      const isHere = (one: LiveVserver): boolean =>
        one.adc === adc && (one.kind === "gslb") === isNames;
      const rows = rowsOf(
        live.vservers.filter(isHere),
        new Set(chosen.vservers.filter(isHere)),
        chosen.members.filter((one) => one.adc === adc),
        new Set(live.vservers.flatMap((one) => (one.adc === adc ? [one.vserver] : []))),
        isNames,
      );
      const title = isNames ? `Sites behind the names of ${adc}` : `Services of ${adc}`;
      return rows.length === 0 ? [] : [grid(title, rows, isNames, view)];
    }),
  );
}

function rowsOf(
  all: readonly LiveVserver[],
  chosen: ReadonlySet<LiveVserver>,
  members: readonly LiveMember[],
  known: ReadonlySet<string>,
  isNames: boolean,
): readonly Row[] {
  const byVserver = new Map<string, LiveMember[]>();
  for (const member of members) {
    for (const name of member.vservers) {
      append(byVserver, name, member);
    }
  }
  const targets = all.filter(({ kind, address }) => kind === "lb" && address === null);
  const leadsTo = (cs: LiveVserver, target: LiveVserver): boolean =>
    (byVserver.get(target.vserver) ?? []).some(({ vservers }) => vservers.includes(cs.vserver));
  const switching = all.filter(({ kind }) => kind === "cs");
  const folded = new Set(switching.filter((cs) => targets.some((one) => leadsTo(cs, one))));
  const rows = all
    .filter((one) => !folded.has(one) && (chosen.has(one) || byVserver.has(one.vserver)))
    .map((vserver): Row => {
      const via = targets.includes(vserver) ? switching.filter((cs) => leadsTo(cs, vserver)) : [];
      return { vserver, name: vserver.vserver, members: byVserver.get(vserver.vserver) ?? [], via };
    });
  const strays = new Map<string, LiveMember[]>();
  for (const member of isNames ? [] : members) {
    if (!member.vservers.some((name) => known.has(name))) {
      append(strays, member.vservers[0] ?? "(no vserver)", member);
    }
  }
  const others = [...strays].map(([name, of]): Row => ({
    vserver: null,
    name,
    members: of,
    via: [],
  }));
  return [...rows, ...others].sort(
    (one, other) => orderOf(one) - orderOf(other) || BY_NAME.compare(one.name, other.name),
  );
}

/** ex2 before ex10. */
export const BY_NAME = new Intl.Collator("en", { numeric: true });

/** Order of the rows: web services by virtual directory, then mail, then what both depend on. */
const ROW_ORDER: readonly RegExp[] = [
  /owa|webmail/i,
  /ecp/i,
  /active.?sync|\beas\b/i,
  /mapi/i,
  /rpc(?!_?client)|outlook.?anywhere/i,
  /ews/i,
  /autodiscover/i,
  /oab/i,
];
const PROTOCOLS = ["HTTPS", "HTTP", "SMTP", "IMAP", "POP3", "RPC", "LDAP", "DNS", "NTP"];

function orderOf({ name, vserver, members }: Row): number {
  const endpoint = vserver ?? members[0];
  const protocol = endpoint === undefined ? "" : protocolOf(endpoint);
  const place = PROTOCOLS.indexOf(protocol);
  const isWeb = protocol === "HTTPS" || protocol === "virtual";
  const directory = isWeb ? ROW_ORDER.findIndex((pattern) => pattern.test(name)) : -1;
  return directory >= 0 ? directory : ROW_ORDER.length + (place < 0 ? PROTOCOLS.length : place);
}

/** Maximum number of rows on a wall; beyond it, rows that agree are left out. */
const MAX_WALL_ROWS = 20;

function grid(title: string, rows: readonly Row[], isNames: boolean, view: View): Markup {
  const worth = view === "wall" && rows.length > MAX_WALL_ROWS ? rows.filter(rowDeviates) : rows;
  const shown = withinBounds(worth);
  const tiles = new Map<string, LiveMember[]>();
  for (const { members } of shown) {
    for (const member of members) {
      append(tiles, member.server, member);
    }
  }
  const servers = [...tiles]
    .sort(
      ([name, of], [other, ofOther]) => ofOther.length - of.length || BY_NAME.compare(name, other),
    )
    .map(([server, of]) => ({ server, tone: worstTone(of) }));
  const long = servers.length > MAX_COLUMNS;
  const worst = Math.max(
    0,
    servers.findIndex(({ tone }) => tone === worstTone([...tiles.values()].flat())),
  );
  const id = title.replace(/[^A-Za-z0-9-]+/g, "_");
  const count = (of: readonly Row[]): number =>
    of.reduce((sum, { members }) => sum + members.length, 0);
  const left = count(worth) - count(shown);
  return html`<div class="grid ${long ? "long" : ""}">
    ${
      long
        ? null
        : html`<fieldset class="pick">
            <legend class="sr">Server</legend>
            ${servers.map(
              ({ server, tone }, index) =>
                html`<input
                    type="radio"
                    name="pick-${id}"
                    id="pick-${id}-${index}"
                    class="c${index}"
                    ${index === worst ? CHECKED : null}
                  /><label class="${tone}" for="pick-${id}-${index}"
                    ><span aria-hidden="true">${TONE_SIGNS[tone]}</span> ${server}</label
                  >`,
            )}
          </fieldset>`
    }
    <div class="scroll" role="region" aria-label="${title}" tabindex="0">
      <table>
        <caption class="sr">
          ${title}
        </caption>
        <thead>
          <tr>
            <th scope="col">${isNames ? "Name" : "Service"}</th>
            <th scope="col">
              ${isNames ? "DNS" : html`<span class="wide">Through the </span>ADC`}
            </th>
            ${
              long
                ? html`<th scope="col">Servers</th>`
                : servers.map(
                    ({ server }) =>
                      html`<th scope="col"><a href="/?server=${server}">${server}</a></th>`,
                  )
            }
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (row) =>
              html`<tr>
                <th scope="row">${rowHead(row)}</th>
                <td>${row.vserver === null ? null : vserverTile(row.vserver)}</td>
                ${
                  long
                    ? html`<td>${row.members.map((member) => memberTile(member, true))}</td>`
                    : servers.map(
                        ({ server }) =>
                          html`<td>
                            ${row.members.map((one) => (one.server === server ? memberTile(one, false) : null))}
                          </td>`,
                      )
                }
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${left === 0 ? null : html`<p>${left} agreeing members are not shown; narrow the filter.</p>`}
    ${worth === rows ? null : html`<p>${rows.length - worth.length} more services, on which all agree.</p>`}
  </div>`;
}

const CHECKED = html` checked`;

function withinBounds(rows: readonly Row[]): readonly Row[] {
  let left =
    MAX_TILES - rows.reduce((sum, { members }) => sum + members.filter(deviates).length, 0);
  return rows.map((row) => ({
    ...row,
    members: row.members.filter((member) => deviates(member) || left-- > 0),
  }));
}

function rowDeviates({ vserver, members, via }: Row): boolean {
  return (
    [vserver, ...via].some((one) => one !== null && toneOf(one.verdict) !== "good") ||
    members.some(deviates)
  );
}

function deviates({ verdict }: LiveMember): boolean {
  return toneOf(verdict) !== "good";
}

function rowHead({ vserver, name, members, via }: Row): Markup {
  const endpoint = vserver ?? members[0];
  const port = vserver?.port ?? (via.length > 0 ? via[0]?.port : members[0]?.port);
  const protocol = endpoint === undefined ? "" : protocolOf(endpoint);
  const spoken =
    protocol === "virtual" && members[0] !== undefined ? protocolOf(members[0]) : protocol;
  const what =
    spoken.startsWith("port ") || port === undefined || port === null
      ? spoken
      : `${spoken} ${String(port)}${differingPort(members, port)}`;
  return html`${vserver === null ? name : html`<a href="${vserverHref(vserver)}">${name}</a>`}
    <small
      >${what}${via.map((cs) => {
        const tone = toneOf(cs.verdict);
        return html`<span class="wide"
          >, via
          <a href="${vserverHref(cs)}"
            ><span aria-hidden="true">${TONE_SIGNS[tone]}</span> ${cs.vserver}<span class="sr"
              >: ${vserverWords(cs).label}</span
            ></a
          ></span
        >`;
      })}</small
    >`;
}

/** The servers' port, if it differs from the vserver's. */
function differingPort(members: readonly LiveMember[], port: LiveMember["port"]): string {
  const [own, ...others] = new Set(members.map((member) => member.port));
  return own === undefined || others.length > 0 || own === port ? "" : ` → ${String(own)}`;
}

function vserverTile(vserver: LiveVserver): Markup {
  const tone = toneOf(vserver.verdict);
  const { configured, reallyUp } = vserver.members;
  const short = TILE_WORDS[vserver.verdict];
  const alone = configured === 0 && tone === "good";
  const words = alone
    ? `${vserver.vserver}: has no servers; a redirect or responder answers clients`
    : `${vserver.vserver}: ADC ${opinionWords(vserver.adcOpinion)}, through it ${opinionWords(vserver.vip)}, ${String(reallyUp)} of ${String(configured)} servers work: ${vserverWords(vserver).label}`;
  const shown = alone ? "redirects" : `${short} ${String(reallyUp)}/${String(configured)}`;
  const marks = alone ? "" : `${shape(vserver.adcOpinion)}${shape(vserver.vip)} `;
  return html`<a class="t ${tone}" href="${vserverHref(vserver)}" aria-label="${shown}: ${words}"
    ><i>${TONE_SIGNS[tone]}</i><b>${alone ? "redirects" : short}</b
    ><small>${marks}${alone ? null : `${String(reallyUp)}/${String(configured)}`}</small></a
  >`;
}

function memberTile(member: LiveMember, named: boolean): Markup {
  const tone = toneOf(member.verdict);
  const depth = member.depth?.adc ?? null;
  const sees = depth === null ? "" : `; the ADC's monitors see ${DEPTH_WORDS[depth]}`;
  const short = TILE_WORDS[member.verdict];
  const opinions =
    member.verdict === "agree_up" && member.service === "up" && member.replica === "up"
      ? "all agree"
      : `ADC ${opinionWords(member.adcOpinion)}, replica ${opinionWords(member.replica)}, service ${opinionWords(member.service)}: ${memberWords(member).label}`;
  const words = `${short}: ${member.server} port ${String(member.port)}: ${opinions}${sees}`;
  const marks = shape(member.adcOpinion) + shape(member.replica) + shape(member.service);
  return html`<a
    class="t ${tone}${depth === null ? null : ` d${String(depthRank(depth))}`}"
    href="${memberHref(member)}"
    aria-label="${words}"
    ><i>${TONE_SIGNS[tone]}</i><b>${named ? member.server : short}</b><small>${marks}</small></a
  >`;
}

/** The legend under the grid. */
export function legend(): Markup {
  return html`<p class="legend">
    <span
      ><b>Tile:</b> verdict, then ${mark("up")}${mark("up")}${mark("up")} what the <b>ADC</b>, the
      <b>replica</b> of its monitor and the <b>service</b> itself say</span
    >
    <span>${mark("up")} up</span> <span>${mark("down")} down</span>
    <span>${mark("out")} out of service</span> <span>${mark("unknown")} unknown</span>
    <span>${mark("none")} not checked</span>
    <span><b>2/3</b> servers that pass every check</span>
    <span
      ><span class="t good d0"></span><span class="t good d3"></span
      ><span class="t good d5"></span> the line below: how deep the ADC's monitors see, from a bare
      port to a mailbox</span
    >
  </p>`;
}
