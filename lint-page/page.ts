import { text as EXAMPLE } from "../lab/demo.conf";
import { decodedText } from "../src/lib/text-encoding.ts";
import {
  PLAN_COLUMNS,
  read,
  type Answer,
  type Cause,
  type Findings,
  type Fixes,
  type Plan,
} from "./read.ts";

/** Maximum number of objects and rows shown at first: a file may have a hundred thousand. */
const SHOWN_OBJECTS = 12;
const SHOWN_ROWS = 200;
const SHOWN_CAUSES = 100;
const SHOWN_COMMANDS = 200;

const SEVERITIES = ["error", "warning", "info"] as const;
const SEVERITY_WORDS = { error: "error", warning: "warning", info: "note" } as const;

function startPage(source: string): void {
  const workerUrl = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  let worker: Worker | null = null;
  let began = 0;

  listenForFiles();
  chooseTabs();
  byId("again").addEventListener("click", () => {
    worker?.terminate();
    show({ start: true, result: false });
    byId("status").hidden = true;
    byId<HTMLInputElement>("file").value = "";
  });

  function listenForFiles(): void {
    const input = byId<HTMLInputElement>("file");
    input.addEventListener("change", () => {
      void open(input.files?.[0]);
    });
    byId("example").addEventListener("click", () => {
      begin(EXAMPLE, "an example");
    });
    byId("paste").addEventListener("click", () => {
      byId("pasted").hidden = false;
      byId("text").focus();
    });
    byId("pasted").addEventListener("submit", (event) => {
      event.preventDefault();
      begin(byId<HTMLTextAreaElement>("text").value, "pasted text");
    });
    const over = (on: boolean) => (event: DragEvent) => {
      event.preventDefault();
      document.body.classList.toggle("over", on);
    };
    document.addEventListener("dragover", over(true));
    document.addEventListener("dragleave", over(false));
    document.addEventListener("drop", (event) => {
      over(false)(event);
      void open(event.dataTransfer?.files[0]);
    });
  }

  async function open(file: File | undefined): Promise<void> {
    if (file !== undefined) {
      try {
        begin(decodedText(new Uint8Array(await file.arrayBuffer())), file.name);
      } catch {
        say("The file cannot be read.", true);
      }
    }
  }

  function begin(text: string, name: string): void {
    worker?.terminate();
    began = performance.now();
    say(`Reading ${name} …`, false);
    show({ start: false, result: false });
    byId("facts").replaceChildren(el("strong", {}, name));
    for (const id of ["findings", "fixes", "plan"]) {
      byId(id).replaceChildren();
    }
    select("findings");
    try {
      worker = new Worker(workerUrl);
    } catch {
      // A browser that starts no worker from a file: the page does not respond while it reads.
      readHere(text, name);
      return;
    }
    worker.addEventListener("message", ({ data }: MessageEvent<Answer | null>) => {
      take(data, name);
    });
    worker.addEventListener("error", () => {
      worker?.terminate();
      readHere(text, name);
    });
    worker.postMessage(text);
  }

  function readHere(text: string, name: string): void {
    const answers = read(text);
    const next = (): void => {
      const step = answers.next();
      take(step.done === true ? null : step.value, name);
      if (step.done !== true) {
        setTimeout(next);
      }
    };
    setTimeout(next);
  }

  /** So many milliseconds until this was there, as an attribute of the document. */
  function took(what: "planned" | "read"): void {
    document.documentElement.dataset[what] = String(Math.round(performance.now() - began));
  }

  function take(answer: Answer | null, name: string): void {
    if (answer === null) {
      took("read");
      return;
    }
    switch (answer.kind) {
      case "refusal":
        say(`${name}: ${answer.message}`, true);
        show({ start: true, result: false });
        return;
      case "findings":
        byId("status").hidden = true;
        show({ start: false, result: true });
        showFindings(answer);
        byId("main").focus({ preventScroll: true });
        scrollTo(0, 0);
        return;
      case "plan":
        showPlan(answer);
        took("planned");
        return;
      case "fixes":
        showFixes(answer, name);
    }
  }
}

function show({ start, result }: { readonly start: boolean; readonly result: boolean }): void {
  byId("start").hidden = !start;
  byId("result").hidden = !result;
  byId("again").hidden = !result;
}

function say(message: string, bad: boolean): void {
  const status = byId("status");
  status.textContent = message;
  status.classList.toggle("bad", bad);
  status.hidden = false;
}

function showFindings({ facts, causes }: Findings): void {
  byId("facts").append(...facts.map((fact) => el("span", {}, fact)));
  byId("tab-findings").textContent = `Findings (${String(causes.length)})`;
  const panel = byId("findings");
  if (causes.length === 0) {
    panel.replaceChildren(el("p", { class: "notice" }, "Nothing found."));
    return;
  }
  const list = el("ul", { class: "causes" });
  const search = el("input", { type: "search", "aria-label": "Rule or object" });
  search.placeholder = "Rule or object";
  const wanted = new Set(
    SEVERITIES.filter((one) => causes.some(({ severity }) => severity === one)),
  );
  const chips = [...wanted].map((severity) => {
    const count = causes.filter((cause) => cause.severity === severity).length;
    const words = `${String(count)} ${SEVERITY_WORDS[severity]}${count === 1 ? "" : "s"}`;
    return button(words, { class: `chip ${severity}`, "aria-pressed": "true" }, (chip) => {
      const on = !wanted.delete(severity);
      if (on) {
        wanted.add(severity);
      }
      chip.setAttribute("aria-pressed", String(on));
      fill();
    });
  });
  const fill = (): void => {
    const words = search.value.trim().toLowerCase();
    const fits = causes.filter(
      ({ severity, rule, objects }) =>
        wanted.has(severity) &&
        (rule.includes(words) || objects.some(({ name }) => name.toLowerCase().includes(words))),
    );
    inParts(list, fits, SHOWN_CAUSES, causeItem, "causes");
  };
  search.addEventListener("input", fill);
  fill();
  panel.replaceChildren(el("div", { class: "bar" }, ...chips, search), list);
}

function causeItem({ rule, severity, meaning, message, objects, commands }: Cause): HTMLElement {
  const item = el(
    "li",
    { class: "cause" },
    el(
      "h2",
      {},
      el("span", { class: `sign ${severity}` }, SEVERITY_WORDS[severity]),
      el("span", {}, meaning),
      el("span", { class: "rule mono" }, rule),
    ),
    el("p", { class: "message" }, message),
    objectList(objects),
  );
  if (commands.length > 0) {
    const text = commands.map((command) => `${command}\n`).join("");
    const shown = commands.slice(0, SHOWN_COMMANDS).map((command) => `${command}\n`);
    const more = commands.length - shown.length;
    item.append(
      el(
        "div",
        { class: "commands" },
        el(
          "pre",
          { tabindex: "0" },
          shown.join("") + (more > 0 ? `… and ${String(more)} more, copied too` : ""),
        ),
        copyButton(text),
      ),
    );
  }
  return item;
}

function objectList(objects: Cause["objects"]): HTMLElement {
  const list = el("ul", { class: "objects" });
  const item = ({ name, line }: Cause["objects"][number]): HTMLElement =>
    el(
      "li",
      {},
      name,
      ...(line === null ? [] : [el("span", { class: "line" }, `line ${String(line)}`)]),
    );
  list.append(...objects.slice(0, SHOWN_OBJECTS).map(item));
  const more = objects.length - SHOWN_OBJECTS;
  if (more > 0) {
    const rest = button(`${String(more)} more`, {}, () => {
      list.replaceChildren(...objects.map(item));
    });
    list.append(rest);
  }
  return list;
}

function showFixes({ commands, undo }: Fixes, name: string): void {
  byId("tab-fixes").textContent = `Fixes (${String(commands.length)})`;
  if (commands.length === 0) {
    const words = "No fix is complete: each needs something that only you know. See the findings.";
    byId("fixes").replaceChildren(el("p", { class: "notice" }, words));
    return;
  }
  const batch = (title: string, words: string, lines: readonly string[], file: string) => {
    const text = lines.map((line) => `${line}\n`).join("");
    const save = button("Save", { class: "main" }, () => {
      const link = el("a", { href: URL.createObjectURL(new Blob([text])), download: file });
      link.click();
      URL.revokeObjectURL(link.href);
    });
    return el(
      "section",
      { "aria-label": title },
      el("h2", {}, title),
      el("p", { class: "soft" }, words),
      el("p", { class: "choices" }, save, copyButton(text)),
      el("pre", { tabindex: "0" }, text),
    );
  };
  const base = /^[\w.-]{1,80}$/.test(name) ? name : "ns.conf";
  byId("fixes").replaceChildren(
    el(
      "div",
      { class: "batches" },
      batch(
        "Fixes",
        `${String(commands.length)} commands, in the order that the ADC requires. Fixes that need a value from you are shown with their findings.`,
        commands,
        `${base}.fixes.txt`,
      ),
      batch("Undo", "Takes the fixes back, the last first.", undo, `${base}.fixes.undo.txt`),
    ),
  );
}

function showPlan({ totals, bare, rows }: Plan): void {
  byId("tab-plan").textContent = `Plan (${String(rows.length)})`;
  const search = el("input", { type: "search", "aria-label": "Server, service, vserver, monitor" });
  search.placeholder = "Server, service, vserver, monitor";
  const body = el("tbody", {});
  const fill = (): void => {
    const words = search.value.trim().toLowerCase();
    const fits = rows.filter(({ cells }) =>
      cells.some((cell) => cell.toLowerCase().includes(words)),
    );
    inParts(body, fits, SHOWN_ROWS, planRow, "probes");
  };
  search.addEventListener("input", fill);
  fill();
  const head = el("tr", {}, ...PLAN_COLUMNS.map((column) => el("th", { scope: "col" }, column)));
  byId("plan").replaceChildren(
    el("div", { class: "bar" }, search, el("p", {}, `${totals}.`)),
    ...(bare === null ? [] : [el("p", { class: "bar soft" }, `${bare}.`)]),
    el(
      "div",
      { class: "table", tabindex: "0", role: "region", "aria-label": "Plan" },
      el("table", {}, el("thead", {}, head), body),
    ),
  );
}

function planRow({ cells, runs }: Plan["rows"][number]): HTMLElement {
  return el("tr", runs ? {} : { class: "rests" }, ...cells.map((cell) => el("td", {}, cell)));
}

/** Fills a list with its first items, and with further ones on request. */
function inParts<T>(
  into: HTMLElement,
  items: readonly T[],
  atOnce: number,
  make: (item: T) => HTMLElement,
  what: string,
): void {
  into.replaceChildren();
  const add = (from: number): void => {
    into.append(...items.slice(from, from + atOnce).map(make));
    const more = items.length - from - atOnce;
    if (more > 0) {
      const next = button(`${String(more)} more ${what}`, { class: "more" }, () => {
        place.remove();
        add(from + atOnce);
      });
      const place =
        into instanceof HTMLTableSectionElement
          ? el("tr", {}, el("td", { colspan: String(PLAN_COLUMNS.length) }, next))
          : el("li", {}, next);
      into.append(place);
    }
  };
  add(0);
}

function copyButton(text: string): HTMLButtonElement {
  return button("Copy", {}, (one) => {
    void copy(text).then((done) => {
      one.textContent = done ? "Copied" : "Select and copy by hand";
    });
  });
}

/** A page from the file system may have no clipboard of its own; then the older way is used. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "sr" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

const TABS = ["findings", "fixes", "plan"] as const;
type Tab = (typeof TABS)[number];

function chooseTabs(): void {
  TABS.forEach((tab, at) => {
    const own = byId(`tab-${tab}`);
    own.addEventListener("click", () => {
      select(tab);
    });
    own.addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      const next = TABS[(at + step + TABS.length) % TABS.length];
      if (step !== 0 && next !== undefined) {
        select(next);
        byId(`tab-${next}`).focus();
      }
    });
  });
}

function select(chosen: Tab): void {
  for (const tab of TABS) {
    const own = byId(`tab-${tab}`);
    own.setAttribute("aria-selected", String(tab === chosen));
    own.tabIndex = tab === chosen ? 0 : -1;
    byId(tab).hidden = tab !== chosen;
  }
}

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`no element ${id}`);
  }
  return found as T;
}

function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function button(
  words: string,
  attributes: Readonly<Record<string, string>>,
  press: (self: HTMLButtonElement) => void,
): HTMLButtonElement {
  const made = el("button", { type: "button", ...attributes }, words);
  made.addEventListener("click", () => {
    press(made);
  });
  return made;
}

/**
 * The page, and the worker that reads for it: one script, which runs again where there is no document. Everything that a
 * file holds is shown as text.
 */
if (typeof document === "undefined") {
  addEventListener("message", ({ data }: MessageEvent<string>) => {
    for (const answer of read(data)) {
      postMessage(answer);
    }
    postMessage(null);
  });
} else {
  startPage(document.currentScript?.textContent ?? "");
}
