/**
 * The page's only script: times in the reader's own zone, copy buttons, filters that apply immediately, the token kept
 * in the tab, and a refresh of the content when the event stream reports a change. Everything works without it.
 */
export const SCRIPT = `"use strict";
(() => {
  let receivedAt = 0;

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
      const kind = element.className;
      const words = kind === "clock" ? new Date(now).toLocaleTimeString([], { ...clock, second: "2-digit" })
        : kind === "hour" ? moment.toLocaleTimeString([], clock)
        : kind.startsWith("ago") ? ago(past)
        : past >= 0 && past < 48 * 3600e3 ? text + " (" + ago(past) + ")" : text;
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
      const purpose = block.previousElementSibling;
      (purpose?.className === "purpose" ? purpose : block).before(button);
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
      field.value ||= sessionStorage.getItem("token") ?? "";
      field.form.addEventListener("submit", () => sessionStorage.setItem("token", field.value));
    }
  }

  function dress() {
    tellTimes();
    copyButtons();
    filterAtOnce();
    rememberToken();
    pulseNow();
  }

  /** Grey, with the time of the last event, while the stream is silent, since the page may be stale. */
  function pulseNow() {
    const pulse = document.getElementById("pulse");
    if (pulse === null || receivedAt === 0) return;
    const silent = lost || Date.now() - receivedAt > 25000;
    if (!silent && !current) return;
    pulse.hidden = false;
    pulse.className = silent ? "pulse lost" : "pulse";
    const at = new Date(receivedAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const words = silent ? "no news since " + at : "● live";
    if (pulse.textContent !== words) pulse.textContent = words;
    document.documentElement.classList.toggle("silent", silent);
  }

  let lost = false;
  /** Live only if the content was fetched after the stream was opened. */
  let current = false;
  let lastHtml = null;
  let due = null;
  let busy = false;
  async function refresh() {
    due = null;
    // Do not replace a form while it is being filled in.
    if (document.activeElement?.closest("form") || getSelection()?.type === "Range") return refreshSoon(2000);
    if (busy) return refreshSoon(500);
    busy = true;
    try {
      const answer = await fetch(document.querySelector("link[rel=canonical]")?.href ?? location.href, { cache: "no-cache" });
      const html = await answer.text();
      if (answer.ok && html !== lastHtml) replace(html);
      lastHtml = html;
      current ||= answer.ok;
      pulseNow();
    } catch {
      // The event stream shows when the agent is back.
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
    const picked = [...main.querySelectorAll(".pick :checked")].map((one) => one.id);
    const old = document.getElementById("headline");
    const next = fresh.getElementById("headline");
    const nextMain = fresh.getElementById("main");
    if (old && next) {
      document.getElementById("icon").href = fresh.getElementById("icon").getAttribute("href");
      // The headline is a live region: it is changed in place, so that screen readers announce only real changes.
      old.className = next.className;
      const plain = (one) => { const copy = one.cloneNode(true); for (const time of copy.querySelectorAll("time")) time.textContent = time.getAttribute("datetime"); return copy.textContent.replace(/\\s+/g, " "); };
      if (plain(old) !== plain(next)) old.innerHTML = next.innerHTML;
      next.replaceWith(old);
    }
    // Keep what the user may have entered.
    for (const kept of main.querySelectorAll("[data-keep]")) {
      const twin = fresh.getElementById(kept.id);
      if (twin === null) nextMain.prepend(kept);
      else twin.replaceWith(kept);
    }
    main.replaceChildren(...nextMain.childNodes);
    document.title = fresh.title;
    for (const id of chosenByReader ? picked : []) document.getElementById(id)?.setAttribute("checked", "");
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
    const received = (act) => (event) => {
      receivedAt = Date.now();
      lost = false;
      act(event);
      pulseNow();
    };
    events.addEventListener("hello", received(() => { current = false; refreshSoon(0); }));
    events.addEventListener("change", received(() => refreshSoon(300)));
    events.addEventListener("beat", received((event) => {
      for (const [adc, at] of Object.entries(JSON.parse(event.data).polled)) {
        for (const one of document.getElementsByClassName("asked-" + adc.replace(/\\W/g, "_"))) one.setAttribute("datetime", at);
      }
      tellTimes();
    }));
    events.addEventListener("error", () => {
      lost = true;
      receivedAt ||= Date.now();
      pulseNow();
    });
    addEventListener("pagehide", () => events.close());
    // Run times and connection counts change without a change of verdict.
    setInterval(() => { if (!document.hidden) refreshSoon(0); }, 15000);
  }

  let chosenByReader = false;
  document.addEventListener("change", (event) => { chosenByReader ||= event.target.closest(".pick") !== null; });
  dress();
  follow();
  setInterval(() => { tellTimes(); pulseNow(); }, 1000);
})();
`;
