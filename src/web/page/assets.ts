/** The style sheet. Colours meet AA contrast in both schemes; no sign relies on colour alone. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --paper: #ffffff; --ink: #1a1f27; --soft: #4d5766; --line: #d5dae2; --link: #0b57b0;
  --bad: #b3131b; --bad-ground: #fdeced; --warn: #8a4b00; --warn-ground: #fff3dd; --good: #17693a;
  --good-ground: #e6f5ec; --quiet: #4d5766; --quiet-ground: #eceff3; --code: #f0f2f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151a; --paper: #1b2027; --ink: #e9edf3; --soft: #a9b4c2; --line: #353d49; --link: #8ab8ff;
    --bad: #ff9a9a; --bad-ground: #3d1a1e; --warn: #ffc266; --warn-ground: #38290f; --good: #7fd8a1;
    --good-ground: #14301f; --quiet: #a9b4c2; --quiet-ground: #272e38; --code: #12151a;
  }
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { margin: 0; background: var(--ground); color: var(--ink); }
a { color: var(--link); }
h1, h2, h3, p, ul, dl { margin: 0; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 .6rem; }
h3 { font-size: 1.05rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.sr, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: absolute; z-index: 2; padding: .5rem 1rem; background: var(--paper); }
.top { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; padding: .6rem 1.25rem; background: var(--paper); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; color: var(--ink); text-decoration: none; }
.agent { color: var(--soft); }
.top nav { display: flex; gap: 1rem; }
.top nav [aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
.pulse { margin-left: auto; color: var(--soft); font-size: .9rem; }
.pulse.lost { color: var(--bad); font-weight: 600; }
main, footer { max-width: 100rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 1rem; padding-bottom: 2rem; }
footer { color: var(--soft); font-size: .9rem; padding-bottom: 1.5rem; }
.headline { border-left: .5rem solid var(--quiet); background: var(--paper); padding: 1rem 1.25rem; border-radius: .4rem; }
.headline h1 { font-size: clamp(1.3rem, 1rem + 1.4vw, 2.1rem); line-height: 1.25; display: flex; gap: .6rem; }
.headline p { margin-top: .4rem; color: var(--soft); }
.headline.bad { border-color: var(--bad); background: var(--bad-ground); }
.headline.good { border-color: var(--good); background: var(--good-ground); }
.headline.warn { border-color: var(--warn); background: var(--warn-ground); }
.headline.bad .sign { color: var(--bad); } .headline.good .sign { color: var(--good); } .headline.warn .sign { color: var(--warn); }
.headline.bad p, .headline.good p, .headline.warn p { color: var(--ink); }
.what { font-weight: 400; color: var(--soft); }
.bad .what { color: inherit; }
.notices { list-style: none; padding: 0; margin-top: .75rem; display: grid; gap: .4rem; }
.notices li { background: var(--quiet-ground); padding: .5rem .9rem; border-radius: .4rem; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); align-items: start; }
.card { background: var(--paper); border: 1px solid var(--line); border-top: .3rem solid var(--quiet); border-radius: .4rem; padding: .9rem 1.1rem; display: grid; gap: .6rem; min-width: 0; }
.card.bad { border-top-color: var(--bad); } .card.warn { border-top-color: var(--warn); }
.card .verdict { font-weight: 600; } .card.bad .verdict, .card.bad .sign { color: var(--bad); } .card.warn .verdict, .card.warn .sign { color: var(--warn); }
.sides { display: grid; gap: .35rem; }
.sides > div { display: grid; grid-template-columns: 7.5rem 1fr; gap: .5rem; }
.advice { margin-top: .5rem; }
.written code { font: .875rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.settling { padding-left: 1.2rem; }
.sides dt { font-weight: 600; } .sides dd { margin: 0; overflow-wrap: anywhere; }
.badge { font-weight: 700; font-size: .85rem; white-space: nowrap; margin-right: .25rem; }
.mark { font-family: "DejaVu Sans", "Segoe UI Symbol", sans-serif; font-size: .8em; display: inline-block; width: 1.1em; text-align: center; }
.badge.up, .mark.up { color: var(--good); } .badge.down, .mark.down { color: var(--bad); }
.badge.out, .mark.out { color: var(--warn); } .badge.unknown, .badge.none, .mark.unknown, .mark.none { color: var(--quiet); }
.commands { list-style: none; padding: 0; display: grid; gap: .5rem; }
.purpose { font-size: .9rem; } .where, .hint { color: var(--soft); font-size: .85rem; font-weight: 400; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .3rem; padding: .5rem .7rem; margin: .2rem 0 0; overflow-x: auto; font: .875rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.command { position: relative; }
.command.copyable { padding-right: 4.2rem; }
.copy { position: absolute; top: .25rem; right: .25rem; font: .8rem system-ui, sans-serif; }
button, .button { font: inherit; padding: .3rem .8rem; border: 1px solid var(--soft); border-radius: .3rem; background: var(--paper); color: var(--ink); cursor: pointer; text-decoration: none; display: inline-block; }
button:hover, .button:hover { background: var(--quiet-ground); }
summary { cursor: pointer; color: var(--link); }
.more { font-size: .95rem; }
.filters { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin-bottom: .8rem; }
.field { display: grid; max-width: 100%; } .field label { font-size: .85rem; color: var(--soft); }
select, input:not([type=checkbox]) { font: inherit; padding: .3rem .5rem; border: 1px solid var(--soft); border-radius: .3rem; background: var(--paper); color: var(--ink); max-width: 100%; }
.scroll { overflow-x: auto; position: relative; }
table { border-collapse: collapse; background: var(--paper); border: 1px solid var(--line); }
caption { text-align: left; white-space: nowrap; color: var(--soft); padding: .3rem 0; font-size: .9rem; }
th, td { padding: .3rem .6rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { background: var(--quiet-ground); font-size: .9rem; }
th { font-weight: 600; } .number { text-align: right; white-space: nowrap; }
.matrix { margin-bottom: .8rem; } .matrix th[scope=row] { position: sticky; left: 0; background: var(--paper); white-space: nowrap; }
.matrix td { text-align: center; padding: .2rem; } .matrix.long td { text-align: left; }
.cell { display: inline-flex; gap: .1rem; align-items: center; padding: .15rem .45rem; border-radius: .3rem; text-decoration: none; color: inherit; border: 2px solid transparent; }
.cell .sign { font-weight: 700; margin-right: .3rem; width: 1em; text-align: center; }
.cell.bad, .chip.bad { background: var(--bad-ground); border-color: var(--bad); } .cell.bad > .sign, .chip.bad { color: var(--bad); }
.cell.warn, .chip.warn { background: var(--warn-ground); border-color: var(--warn); } .cell.warn > .sign, .chip.warn { color: var(--warn); }
.cell.good, .chip.good { background: var(--good-ground); } .cell.good > .sign, .chip.good { color: var(--good); }
.cell.quiet, .cell.unknown, .chip.quiet, .chip.unknown { background: var(--quiet-ground); } .cell.quiet > .sign, .cell.unknown > .sign, .chip.quiet, .chip.unknown { color: var(--quiet); }
.chip { display: inline-block; padding: .05rem .5rem; border-radius: .3rem; border: 1px solid transparent; font-size: .9rem; }
.legend { font-size: .9rem; color: var(--soft); display: grid; gap: .4rem; } .legend ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
.list { font-size: .95rem; } .differs { color: var(--bad); font-weight: 600; }
.crumbs { color: var(--soft); margin-bottom: .6rem; }
.timeline { margin: 0; } .lanes { display: grid; grid-template-columns: 5rem 1fr; } .lanes .names { display: grid; grid-auto-rows: 1.9rem; font-size: .9rem; font-weight: 600; } .lanes svg { width: 100%; height: 7.6rem; background: var(--paper); border: 1px solid var(--line); }
.timeline figcaption { display: flex; justify-content: space-between; margin-left: 5rem; color: var(--soft); font-size: .85rem; }
.bar.up, .bar.good { fill: var(--good); } .bar.down, .bar.bad { fill: var(--bad); } .bar.out, .bar.warn { fill: var(--warn); } .bar.quiet { fill: var(--quiet); } .bar.unknown, .bar.none { fill: var(--line); }
.probe, .monitor { position: relative; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem; margin-bottom: .8rem; display: grid; gap: .5rem; overflow-x: auto; }
.phases { width: 15rem; height: .75rem; background: var(--quiet-ground); } .phase { fill: #5b8def; } .phase.connect { fill: #2f9e6d; } .phase.tls, .phase.starttls { fill: #b983ff; } .phase.banner, .phase.first_byte { fill: #e0a030; } .phase.login, .phase.transaction { fill: #e0607e; } .phase.transfer { fill: #4fb3bf; }
.facts { display: grid; gap: .2rem .8rem; background: var(--paper); border: 1px solid var(--line); padding: .6rem .9rem; border-radius: .4rem; margin-bottom: .6rem; } .facts > div { display: grid; grid-template-columns: 9rem 1fr; gap: .5rem; } .facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; } .hash { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85rem; }
.message { padding: .6rem 1rem; border-radius: .4rem; } .message.good { background: var(--good-ground); } .message.bad { background: var(--bad-ground); }
.stack { display: grid; gap: .7rem; max-width: 34rem; } .stack label { display: grid; gap: .1rem; } .stack .check { display: flex; gap: .5rem; align-items: baseline; } .stack button { justify-self: start; } .inline { display: flex; gap: .4rem; } .inline input { width: 7rem; }
.remarks { padding-left: 1.2rem; }
@media (max-width: 40rem) {
  main, footer, .top { padding-left: .8rem; padding-right: .8rem; }
  .sides > div { grid-template-columns: 1fr; gap: 0; } .facts > div { grid-template-columns: 1fr; gap: 0; }
  .inline { flex-wrap: wrap; } .matrix th[scope=row] { white-space: normal; max-width: 40vw; overflow-wrap: anywhere; }
}
@media (min-width: 120rem) { html { font-size: 20px; } main, footer { max-width: none; } }
@media (prefers-reduced-motion: no-preference) { .cell, button { transition: background-color .15s; } }
@media print { .top nav, .filters, .copy, footer { display: none; } }
`;

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#0b57b0"/><path d="M5 16s4-7 11-7 11 7 11 7-4 7-11 7-11-7-11-7z" fill="#fff"/><circle cx="16" cy="16" r="4.5" fill="#12151a"/></svg>`;

/**
 * The page's only script: times in the reader's own zone, copy buttons, filters that apply at once, the token kept in
 * the tab, and a refresh of the content when the event stream tells of a change. Everything works without it.
 */
export const SCRIPT = `"use strict";
(() => {
  const pulse = document.getElementById("pulse");

  function ago(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    if (seconds < 90) return seconds + " s ago";
    const minutes = Math.round(seconds / 60);
    if (minutes < 90) return minutes + " min ago";
    const hours = Math.round(minutes / 60);
    return hours < 48 ? hours + " h ago" : Math.round(hours / 24) + " days ago";
  }

  function tellTimes() {
    const now = Date.now();
    const today = new Date(now).toDateString();
    for (const element of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.getAttribute("datetime"));
      const clock = { hour: "2-digit", minute: "2-digit" };
      const text = moment.toDateString() === today
        ? moment.toLocaleTimeString([], clock)
        : moment.toLocaleString([], { ...clock, year: "numeric", month: "short", day: "numeric" });
      const past = now - moment.getTime();
      const words = past >= 0 && past < 48 * 3600e3 ? text + " (" + ago(past) + ")" : text;
      if (element.textContent !== words) element.textContent = words;
      element.title = moment.toISOString();
    }
  }

  function copyButtons() {
    for (const block of document.querySelectorAll("pre.command:not(.copyable)")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy: " + block.textContent.trim().slice(0, 80));
      button.addEventListener("click", () => copy(block, button));
      block.classList.add("copyable");
      block.append(button);
    }
  }

  async function copy(block, button) {
    const code = block.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  function filterAtOnce() {
    const form = document.getElementById("filters");
    if (form === null || form.dataset.ready) return;
    form.dataset.ready = "yes";
    form.addEventListener("change", () => form.requestSubmit());
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
    });
  }

  function rememberToken() {
    for (const field of document.querySelectorAll("[data-token]")) {
      field.value = sessionStorage.getItem("token") ?? "";
      field.form.addEventListener("submit", () => sessionStorage.setItem("token", field.value));
    }
  }

  function dress() {
    tellTimes();
    copyButtons();
    filterAtOnce();
    // Offscreen measures are not needed: the page shows what the server made.
  }

  let lastHtml = null;
  let due = null;
  let busy = false;
  async function refresh() {
    due = null;
    // A form that is being filled in must not be pulled from under the reader.
    if (document.activeElement?.closest("form") || getSelection()?.type === "Range") return refreshSoon(2000);
    if (busy) return refreshSoon(500);
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-cache" });
      const html = await answer.text();
      if (answer.ok && html !== lastHtml) replace(html);
      lastHtml = html;
    } catch {
      // The event stream tells when the agent is back.
    } finally {
      busy = false;
    }
  }

  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const main = document.getElementById("main");
    const open = [...main.querySelectorAll("details[open][id]")].map((one) => one.id);
    const focused = document.activeElement;
    const focusHref = focused?.closest?.("main") ? focused.getAttribute("href") : null;
    const scrolled = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    const old = document.getElementById("headline");
    const next = fresh.getElementById("headline");
    const nextMain = fresh.getElementById("main");
    if (old && next) {
      // The headline is a live region: it is changed in place, so that a change is read out and a standstill is not.
      old.className = next.className;
      const plain = (one) => { const copy = one.cloneNode(true); for (const time of copy.querySelectorAll("time")) time.textContent = time.getAttribute("datetime"); return copy.textContent.replace(/\\s+/g, " "); };
      if (plain(old) !== plain(next)) old.innerHTML = next.innerHTML;
      next.replaceWith(old);
    }
    main.replaceChildren(...nextMain.childNodes);
    document.title = fresh.title;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    [...main.querySelectorAll(".scroll")].forEach((one, index) => { one.scrollLeft = scrolled[index] ?? 0; });
    if (focusHref) main.querySelector('[href="' + CSS.escape(focusHref) + '"]')?.focus({ preventScroll: true });
    dress();
  }

  function refreshSoon(ms) {
    due ??= setTimeout(refresh, ms);
  }

  function follow() {
    if (!document.getElementById("headline")) return;
    const events = new EventSource("/api/v1/events");
    pulse.hidden = false;
    pulse.textContent = "connecting …";
    events.addEventListener("hello", () => {
      pulse.classList.remove("lost");
      pulse.textContent = "● live";
      refreshSoon(0);
    });
    events.addEventListener("change", () => refreshSoon(300));
    events.addEventListener("error", () => {
      pulse.classList.add("lost");
      pulse.textContent = "○ connection to the agent lost, what you see may be old";
    });
    addEventListener("pagehide", () => events.close());
    // Run times and connection counts change without a change of verdict.
    setInterval(() => { if (!document.hidden) refreshSoon(0); }, 15000);
  }

  dress();
  rememberToken();
  follow();
  setInterval(tellTimes, 10000);
})();
`;
