import type { Tone } from "./tone.ts";

/** From this many columns on, a phone shows one column at a time. */
const COLUMNS = Array.from({ length: 12 }, (_, index) => index);

/**
 * The style sheet: system fonts in two weights, steps of 8 px, one accent. Colours meet AA contrast in both schemes; no
 * sign relies on colour alone.
 */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f4f6f8; --paper: #fff; --ink: #171c24; --soft: #515c6b; --line: #dde2e9; --accent: #0b57b0; --code: #eef1f5;
  --bad: #b3131b; --bad-tile: #c01a22; --bad-ink: #fff; --warn: #7a4300; --warn-tile: #f5c451; --warn-ink: #2b1c00;
  --good: #17693a; --good-tile: #d7efdf; --good-ink: #0f4c28; --quiet: #4d5766; --quiet-tile: #dfe4ea; --quiet-ink: #39424f;
  --beat: #3f9f68; --none: #e3e7ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101318; --paper: #181d24; --ink: #e8ecf2; --soft: #a7b2c0; --line: #2c343f; --accent: #8ab8ff; --code: #10141a;
    --bad: #ff9d9d; --bad-tile: #b8232b; --bad-ink: #fff; --warn: #ffc760; --warn-tile: #d9a02b; --warn-ink: #201500;
    --good: #86dba6; --good-tile: #173a26; --good-ink: #b5ecc9; --quiet: #a7b2c0; --quiet-tile: #2a323d; --quiet-ink: #cbd3de;
    --beat: #3d9463; --none: #272e38;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums; }
body { margin: 0; background: var(--ground); color: var(--ink); }
a { color: var(--accent); }
h1, h2, h3, p, ul, dl, figure, fieldset { margin: 0; padding: 0; border: 0; }
h1, h2, h3, b, th, dt { font-weight: 600; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .5rem; } h3 { font-size: 1rem; }
small { font-size: .8125rem; font-weight: 400; color: var(--soft); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.sr, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: absolute; z-index: 3; padding: .5rem 1rem; background: var(--paper); }
.top { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; padding: .5rem 1.5rem; background: var(--paper); }
.brand { font-weight: 600; color: var(--ink); text-decoration: none; } .agent { color: var(--soft); }
.top nav { display: flex; gap: 1rem; margin-left: auto; } .top nav [aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
main, footer { padding: 0 1.5rem; } main { padding-bottom: 1.5rem; }
footer { color: var(--soft); font-size: .875rem; padding-bottom: 1.5rem; }

.bar { position: sticky; top: 0; z-index: 2; margin: 0 -1.5rem 1rem; padding: .5rem 1.5rem; background: var(--quiet-tile); color: var(--quiet-ink); display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: baseline; }
.bar.bad { background: var(--bad-tile); color: var(--bad-ink); } .bar.warn { background: var(--warn-tile); color: var(--warn-ink); } .bar.good { background: var(--good-tile); color: var(--good-ink); }
.silent .bar { background: var(--quiet-tile); color: var(--quiet-ink); }
.bar .headline { flex: 1 0 100%; }
.headline h1 { font-size: clamp(1.125rem, .875rem + .45vw, 1.75rem); line-height: 1.333; display: flex; gap: .5rem; }
.headline p { margin-top: .25rem; } .headline time { white-space: nowrap; } .jump a { color: inherit; }
.counts { list-style: none; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; } .counts b { font-size: 1.125rem; } .counts .none b { font-weight: 400; }
@media (min-width: 75rem) { .jump { display: none; } } .fresh { margin-left: auto; display: flex; flex-wrap: wrap; gap: 0 1rem; } .pulse.lost { font-weight: 600; }
main > .headline, .plain > .headline { margin: 1rem 0; padding: 1rem 1.5rem; background: var(--paper); border-left: .5rem solid var(--quiet); }
main > .headline.bad { border-color: var(--bad-tile); } main > .headline.warn { border-color: var(--warn-tile); } main > .headline.good { border-color: var(--beat); }
.headline.bad .sign { color: var(--bad); } .headline.warn .sign { color: var(--warn); } .headline.good .sign { color: var(--good); } .bar .headline .sign { color: inherit; }

.screen { display: grid; gap: 1rem; } .screen > section { min-width: 0; }
@media (min-width: 75rem) { .screen.two { grid-template-columns: minmax(0, 1fr) minmax(24rem, 28rem); align-items: start; } }
@media (min-width: 100rem) { .screen.two { grid-template-columns: minmax(0, 1fr) minmax(28rem, 34rem); } }
.grid table, .scroll table { width: 100%; } .grid table { border-collapse: separate; border-spacing: 2px; }
.scroll { overflow-x: auto; position: relative; }
table { border-collapse: collapse; text-align: left; }
.grid { margin-bottom: .5rem; } .grid thead th { font-size: .875rem; padding: 0 .25rem; white-space: nowrap; color: var(--soft); } .grid thead a { color: inherit; text-decoration: none; } .grid thead a:hover { text-decoration: underline; }
.grid tbody th { line-height: 1.2; padding: 0 .5rem 0 0; white-space: nowrap; position: sticky; left: 0; background: var(--ground); } .grid tbody th a { color: var(--ink); text-decoration: none; } .grid tbody th a:hover { text-decoration: underline; } .grid tbody th > a, .grid tbody th { font-size: .875rem; } .grid tbody small { display: block; font-size: .75rem; } .grid tbody th small a { color: var(--soft); font-size: inherit; }
.grid td { padding: 0; height: 2.125rem; vertical-align: top; }
.t { position: relative; display: flex; gap: .375rem; align-items: center; padding: 0 .5rem; min-height: 2.125rem; height: 100%; border-radius: 4px; text-decoration: none; white-space: nowrap; font-size: .8125rem; background: var(--quiet-tile); color: var(--quiet-ink); overflow: hidden; }
.t + .t { margin-top: 2px; } .t i { font-style: normal; width: .875rem; text-align: center; } .t small { margin-left: auto; color: inherit; font: .75rem "DejaVu Sans", "Segoe UI Symbol", sans-serif; letter-spacing: .0625rem; }
.t.bad { background: var(--bad-tile); color: var(--bad-ink); } .t.warn { background: var(--warn-tile); color: var(--warn-ink); } .t.good { background: var(--good-tile); color: var(--good-ink); } .t.good b { font-weight: 400; }
.t.unknown { background: transparent; box-shadow: inset 0 0 0 1px var(--line); color: var(--soft); }
.t::after { content: ""; position: absolute; left: 0; bottom: 0; height: 3px; background: currentColor; opacity: .55; }
${COLUMNS.slice(0, 6)
  .map(
    (depth) =>
      `.t.d${String(depth)}::after { width: ${String(Math.round(((depth + 1) * 100) / 6))}%; }`,
  )
  .join(" ")}
a.t:hover { box-shadow: inset 0 0 0 2px var(--accent); }
.long td:last-child { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 2px; height: auto; } .long .t + .t { margin: 0; } .long .t b { overflow: hidden; text-overflow: ellipsis; }
.mark { font-family: "DejaVu Sans", "Segoe UI Symbol", sans-serif; font-size: .75rem; display: inline-block; width: .8125rem; text-align: center; }
.badge { font-weight: 600; font-size: .8125rem; white-space: nowrap; }
.badge.up, .badge.up .mark { color: var(--good); } .badge.down, .badge.down .mark { color: var(--bad); } .badge.out, .badge.out .mark { color: var(--warn); } .badge.unknown, .badge.none, .badge.expected { color: var(--quiet); }
.pick { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .8125rem; color: var(--soft); } .legend .t { display: inline-block; width: 2rem; min-height: 0; height: .875rem; vertical-align: -2px; margin: 0 2px 0 0; }
.filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; margin-bottom: .5rem; }
.field { display: flex; gap: .5rem; align-items: baseline; max-width: 100%; } .field label { font-size: .8125rem; color: var(--soft); }
select, input:not([type=checkbox], [type=radio]) { font: inherit; font-size: .875rem; padding: .125rem .5rem; border: 1px solid var(--soft); border-radius: 4px; background: var(--paper); color: var(--ink); max-width: 100%; }
button, .button { font: inherit; font-size: .875rem; padding: .125rem .75rem; border: 1px solid var(--soft); border-radius: 4px; background: var(--paper); color: var(--ink); cursor: pointer; text-decoration: none; display: inline-block; }
button:hover, .button:hover { background: var(--quiet-tile); color: var(--quiet-ink); } button.main { background: var(--accent); border-color: var(--accent); color: var(--paper); }

.causes, .card { grid-template-columns: minmax(0, 1fr); } .causes { display: grid; gap: .5rem; align-content: start; scroll-margin-top: 6rem; }
.card { background: var(--paper); border-left: .5rem solid var(--warn-tile); border-radius: 4px; padding: .75rem 1rem; display: grid; gap: .5rem; font-size: .875rem; min-width: 0; overflow-wrap: anywhere; }
.card.bad { border-color: var(--bad-tile); } .card h3 { line-height: 1.333; } .card.bad .sign { color: var(--bad); } .card.warn .sign { color: var(--warn); } .since { color: var(--soft); margin-top: -.5rem; }
.sides { width: 100%; font-size: .875rem; } .sides th, .sides td { padding: .25rem .5rem .25rem 0; vertical-align: top; overflow-wrap: normal; } .sides .badge { display: inline-flex; gap: .25rem; white-space: normal; } .sides thead th { font-size: .8125rem; font-weight: 400; color: var(--soft); } .sides tbody tr { border-top: 1px solid var(--line); } .sides .odd { color: var(--warn); }
.steps .commands { margin-top: .5rem; } .sides + .commands { margin-top: 1rem; } .commands { list-style: none; display: grid; gap: .5rem; } details .commands { margin-top: .5rem; }
pre { background: var(--code); border-radius: 4px; padding: .5rem .75rem; margin: .25rem 0 0; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
pre, code, .hash { font: .8125rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.command span { white-space: nowrap; } .copy { float: right; margin-left: .5rem; font-size: .75rem; } .copyable { clear: right; } .purpose { display: block; }
summary { cursor: pointer; color: var(--accent); }
.notices { list-style: none; margin-top: 1rem; display: grid; gap: .25rem; font-size: .875rem; } .notices li { border-left: .25rem solid var(--line); padding-left: .75rem; overflow-wrap: anywhere; }

.beats { display: grid; gap: .25rem; } .lane { display: grid; grid-template-columns: 9rem 1fr; align-items: center; gap: .5rem; font-size: .875rem; } .lane > span { overflow-wrap: anywhere; line-height: 1.2; } .lane svg { width: 100%; height: 1.5rem; display: block; }
.beats .none { fill: var(--none); } .beats .good { fill: var(--beat); } .beats .bad { fill: var(--bad-tile); } .beats .warn { fill: var(--warn-tile); } .beats .quiet { fill: var(--quiet); } .beats .unknown { fill: var(--soft); opacity: .5; }
#hatch .under { fill: var(--quiet-tile); } #hatch .line { fill: var(--soft); }
.ticks ol { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(4, 1fr); color: var(--soft); font-size: .75rem; } .ticks li { border-left: 1px solid var(--soft); padding-left: .25rem; }
.beats figcaption { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .75rem; color: var(--soft); } .beats figcaption svg { width: .5rem; height: .75rem; }

.plain { max-width: 80rem; } .crumbs { color: var(--soft); margin-top: .5rem; }
.list { font-size: .875rem; } .list th, .list td { padding: .25rem 1rem .25rem 0; vertical-align: top; } .list thead th { font-size: .8125rem; font-weight: 400; color: var(--soft); white-space: nowrap; } .list tbody tr { border-top: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; } .differs { color: var(--bad); font-weight: 600; }
.chip { white-space: nowrap; } .chip.bad { color: var(--bad); font-weight: 600; } .chip.warn { color: var(--warn); font-weight: 600; } .chip.good { color: var(--good); }
.spark { width: 10rem; height: 1.25rem; display: block; } .spark path { fill: var(--beat); } .spark .bad { fill: var(--bad-tile); } .spark .unknown, .spark .expected { fill: var(--soft); }
.phases { width: 15rem; height: .75rem; } .phase { fill: #5b8def; } .phase.connect { fill: #2f9e6d; } .phase.tls, .phase.starttls { fill: #b983ff; } .phase.banner, .phase.first_byte { fill: #e0a030; } .phase.login, .phase.transaction { fill: #e0607e; } .phase.transfer { fill: #4fb3bf; }
.facts { display: grid; gap: .25rem 1rem; font-size: .875rem; margin-bottom: 1rem; } .facts > div { display: grid; grid-template-columns: 10rem 1fr; gap: .5rem; } .facts dt { color: var(--soft); font-weight: 400; } .facts dd { margin: 0; overflow-wrap: anywhere; }
.monitor { margin-bottom: 1rem; } .remarks { padding-left: 1.25rem; }
.message { padding: .5rem 1rem; background: var(--paper); border-left: .5rem solid var(--bad-tile); } .message.good { border-color: var(--beat); }
.steps { list-style: none; display: grid; gap: .5rem; counter-reset: step; padding: 0; } .steps > li { display: grid; grid-template-columns: 2rem 1fr; background: var(--paper); padding: .75rem 1rem; border-radius: 4px; } .steps .tick { font-weight: 600; } .steps .done .tick { color: var(--good); } .steps .wrong .tick { color: var(--bad); }
.stack { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .5rem 1rem; max-width: 60rem; align-items: end; } .stack label { display: grid; font-size: .875rem; } .stack .check { display: flex; gap: .5rem; align-items: baseline; } .stack button { justify-self: start; } .inline { display: flex; flex-wrap: wrap; gap: .5rem; align-items: baseline; } .inline input { width: 8rem; }

@media (max-width: 40rem) {
  main, footer, .top, .bar { padding-left: 1rem; padding-right: 1rem; } .bar { margin: 0 -1rem .5rem; position: static; }
  .fresh { margin-left: 0; } .facts > div, .lane { grid-template-columns: 1fr; gap: 0; }
  .filters:not(.always) { display: none; } .pick { display: flex; flex-wrap: wrap; gap: .25rem; margin-bottom: .5rem; }
  .pick input { position: absolute; opacity: 0; } .pick label { padding: .375rem .75rem; border-radius: 4px; background: var(--paper); } .pick :checked + label { background: var(--accent); color: var(--paper); font-weight: 600; } .pick :focus-visible + label { outline: 3px solid var(--accent); outline-offset: 2px; }
  .wide { display: none; } .grid:not(.long) td:nth-child(2) .t > :not(i) { display: none; }
  .grid:not(.long) tr > :nth-child(n + 3) { display: none; }
  ${COLUMNS.map((index) => `.grid:has(.c${String(index)}:checked) tr > :nth-child(${String(index + 3)})`).join(", ")} { display: table-cell; }
  .grid tbody th { white-space: normal; } .t { padding: 0 .25rem; gap: .25rem; } .t small { letter-spacing: 0; }
  .list td, .list th { padding-right: .5rem; }
}
.wall { font-size: clamp(14px, 1.04vw, 48px); } .wall .screen.two { grid-template-columns: minmax(0, 1fr) 24rem; } .wall .t { padding: 0 .375rem; } .wall main, .embed main { padding-bottom: 0; } .wall .headline h1 { font-size: 2rem; } .wall .counts b { font-size: 1.5rem; }
.wall .bar { flex-wrap: wrap; margin-bottom: .5rem; } .wall .t { font-size: 1rem; } .wall .grid tbody th, .wall .grid tbody th > a, .wall .grid thead th { font-size: 1rem; } .wall .card { font-size: 1rem; } .wall .card details, .wall .card p:not(.since, .derived), .wall .copy { display: none; } .wall pre { font-size: 1rem; }
@media (prefers-reduced-motion: no-preference) { .t, button, .bar { transition: background-color .15s; } }
@media print { .top nav, .filters, .copy, footer { display: none; } .bar { position: static; } }
`;

const ICON_COLOURS: Readonly<Record<Tone, string>> = {
  bad: "#c01a22",
  warn: "#f5c451",
  good: "#3f9f68",
  quiet: "#4d5766",
  unknown: "#4d5766",
};

/** The icon, in the colour of the page's state. */
export function icon(tone: string | null): string {
  const colour = (ICON_COLOURS as Readonly<Record<string, string>>)[tone ?? ""] ?? "#0b57b0";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="${colour}"/><path d="M5 16s4-7 11-7 11 7 11 7-4 7-11 7-11-7-11-7z" fill="#fff"/><circle cx="16" cy="16" r="4.5" fill="#12151a"/></svg>`;
}
