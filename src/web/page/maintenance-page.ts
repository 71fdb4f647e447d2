import { nameMatcher } from "../../lib/glob.ts";
import type { MaintenanceReport } from "../../change/report.ts";
import type { Estate } from "../../model/estate.ts";
import type { LiveMember, LiveState } from "../../model/live.ts";
import type { TimelineEntry } from "../../model/timeline.ts";
import type { WindowView } from "../../model/window.ts";
import { html, type Markup } from "../markup.ts";
import { headlineSection } from "./state-bar.ts";
import { commands } from "./cards.ts";
import { wholeServerCommands, type Command } from "./commands.ts";
import { BY_NAME } from "./grid.ts";
import { layout } from "./layout.ts";
import { timeElement } from "./time.ts";
import type { Tone } from "./tone.ts";

export interface MaintenanceInput {
  readonly live: LiveState;
  /** Null if this agent has no store. */
  readonly windows: readonly WindowView[] | null;
  /** Whether a token is configured; changes need one. */
  readonly writable: boolean;
  readonly message: { readonly ok: boolean; readonly text: string } | null;
  /** The selected server; null: none. */
  readonly server: string | null;
  /** State of that server; null if no ADC has it. */
  readonly checks: ServerChecks | null;
  /** The estates, for the commands that drain and return the server. */
  readonly estates: readonly Estate[];
  readonly version: string;
}

/** Current checks of one server. */
export interface ServerChecks {
  readonly preflight: MaintenanceReport;
  readonly drained: MaintenanceReport;
  readonly returned: MaintenanceReport;
  readonly timelines: readonly (readonly TimelineEntry[])[];
}

const STATE_WORDS: Readonly<Record<WindowView["state"], string>> = {
  open: "open now",
  coming: "upcoming",
  over: "over",
};

/** The maintenance page: steps for one server, declared windows, and forms to change them. */
export function maintenancePage(input: MaintenanceInput): string {
  const { live, windows, writable, message, server, version } = input;
  const servers = [...new Set(live.members.map((one) => one.server))].sort(BY_NAME.compare);
  return layout({
    title: server === null ? "maintenance" : `maintenance of ${server}`,
    current: "maintenance",
    href: server === null ? "/maintenance" : `/maintenance?server=${encodeURIComponent(server)}`,
    agent: live.agent,
    version,
    main: html`${message === null ? null : html`<p class="message ${message.ok ? "good" : "bad"}" id="message" data-keep role="status">${message.text}</p>`}
      ${server === null ? html`<h1>Maintenance</h1>` : runbook(server, input)}
      <form class="filters always" method="get" action="/maintenance" id="filters">
        <div class="field">
          <label for="server">Server</label>
          <select name="server" id="server">
            <option value="">choose</option>
            ${servers.map(
              (one) =>
                html`<option value="${one}" ${one === server ? html` selected` : null}>
                  ${one}
                </option>`,
            )}
          </select>
        </div>
        <button type="submit">Show its steps</button>
      </form>
      ${
        windows !== null && writable
          ? startForm(servers, server)
          : html`<p>Changes are disabled: no token is configured (maintenance.token_file).</p>`
      }
      ${seenText(live)}
      <section aria-labelledby="windows">
        <h2 id="windows">Declared windows</h2>
        ${windows === null ? html`<p>This agent does not manage windows.</p>` : windowTable(windows, writable)}
      </section>`,
  });
}

interface Step {
  readonly name: string;
  /** What to do when this is the next step. */
  readonly todo: string;
  /** `later`: not its turn yet. */
  readonly state: "done" | "wrong" | "later";
  readonly message: readonly string[];
  /** Commands for it; shown while it is the next step. */
  readonly commands?: readonly Command[];
}

/** Five steps with their current state. */
function runbook(server: string, input: MaintenanceInput): Markup {
  const { live, windows, checks } = input;
  const members = live.members.filter((one) => one.server === server);
  if (checks === null) {
    const known = [...new Set(live.members.map((one) => one.server))].sort(BY_NAME.compare);
    return headlineSection(
      "unknown",
      html`No ADC has a member on ${server}`,
      html`<p>Known servers: ${known.slice(0, 20).join(", ")}.</p>`,
    );
  }
  const window = (windows ?? []).find(
    (one) => one.state === "open" && nameMatcher(one.servers)(server),
  );
  const steps = stepsOf(members, window ?? null, checks, input.estates);
  const next = steps.find(({ state }) => state !== "done");
  const tone: Tone = next === undefined ? "good" : next.state === "wrong" ? "warn" : "quiet";
  const last = steps.filter(({ state }) => state === "done").at(-1);
  return html`${headlineSection(
      tone,
      html`${server}:
      ${last === undefined ? "before maintenance" : last.name}${next === undefined ? "" : `; next: ${next.todo}`}`,
      window === undefined
        ? html`<p>No maintenance is declared for it: no window is open.</p>`
        : html`<p>
            Window ${window.name}: ${timeElement(window.startAt)} to ${timeElement(window.endAt)}.
          </p>`,
    )}
    <ol class="steps" aria-label="Steps">
      ${steps.map((step) => {
        const { name, state, message } = step;
        return html`<li class="${state}">
          <span class="tick" aria-hidden="true">${TICKS[state]}</span>
          <div>
            <b>${name}</b> <span class="sr">(${state === "later" ? "not yet" : state})</span>
            ${message.map((one) => html`<p>${one}</p>`)}
            ${step === next ? commands(step.commands ?? []) : null}
          </div>
        </li>`;
      })}
    </ol>`;
}

const TICKS: Readonly<Record<Step["state"], string>> = { done: "✔", wrong: "✖", later: "○" };

/** A step can be done only after the previous one: a server that never left is not back. */
function stepsOf(
  members: readonly LiveMember[],
  window: WindowView | null,
  { preflight, drained, returned, timelines }: ServerChecks,
  estates: readonly Estate[],
): readonly Step[] {
  const isAway = members.some(({ adcOpinion }) => adcOpinion === "out" || adcOpinion === "leaving");
  const isSeen = members.some(({ maintenance }) => maintenance.detected);
  const begun = window !== null || isAway || isSeen;
  const since = window?.startAt ?? Infinity;
  const failing = members.filter(
    ({ service, replica }) => service === "down" || (service !== "up" && replica === "down"),
  );
  const wasDown = timelines.some((entries) =>
    entries.some(
      ({ service, replica }, index) =>
        (entries[index + 1]?.at ?? Infinity) > since && (service === "down" || replica === "down"),
    ),
  );
  const down = begun && (failing.length > 0 || wasDown);
  const good = down && failing.length === 0;
  const back = good && returned.ok;
  const works = `${String(members.length - failing.length)} of ${String(members.length)} services of it work.`;
  return [
    {
      name: "preflight",
      todo: "check that the other servers can carry the load",
      state: begun || preflight.ok ? "done" : "wrong",
      message: begun ? [] : wordsOf(preflight),
    },
    {
      name: "drained",
      todo: "drain it on the ADC",
      state:
        drained.ok || down ? (drained.ok || back ? "done" : "wrong") : begun ? "wrong" : "later",
      message: back || !begun ? [] : wordsOf(drained),
      commands: wholeServerCommands("disable", members, estates),
    },
    {
      name: "in maintenance",
      todo: "start the work",
      state: down ? "done" : "later",
      message: down ? [] : [works],
    },
    {
      name: "good again",
      todo: "bring its services back",
      state: good ? "done" : "later",
      message: down ? [works] : [],
    },
    {
      name: "returned",
      todo: "enable it on the ADC",
      state: back ? "done" : "later",
      message: good && !back ? wordsOf(returned) : [],
      commands: wholeServerCommands("enable", members, estates),
    },
  ];
}

/** The problems, or that there are none. */
function wordsOf({ checks }: MaintenanceReport): readonly string[] {
  const worth = checks.filter(({ ok, warning }) => !ok || warning).map(({ message }) => message);
  return worth.length === 0 ? checks.map(({ message }) => message) : worth;
}

/** Servers in maintenance by any source, since the sources may disagree. */
function seenText(live: LiveState): Markup | null {
  const servers = live.servers.filter(
    ({ maintenance }) => maintenance.declared || maintenance.adc || maintenance.detected,
  );
  return servers.length === 0
    ? null
    : html`<section aria-labelledby="seen">
        <h2 id="seen">In maintenance now</h2>
        <div class="scroll" role="region" aria-label="Table of servers" tabindex="0">
          <table class="list">
            <thead>
              <tr>
                <th scope="col">Server</th>
                <th scope="col">Declared</th>
                <th scope="col">On the ADC</th>
                <th scope="col">On the wire</th>
                <th scope="col">Planned end</th>
              </tr>
            </thead>
            <tbody>
              ${servers.map(
                ({ server, maintenance, maintenanceEnd }) =>
                  html`<tr>
                    <th scope="row">
                      <a href="/maintenance?server=${encodeURIComponent(server)}">${server}</a>
                    </th>
                    <td>${yesNo(maintenance.declared)}</td>
                    <td>${yesNo(maintenance.adc)}</td>
                    <td>${yesNo(maintenance.detected)}</td>
                    <td>${maintenanceEnd === null ? null : timeElement(maintenanceEnd)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </section>`;
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

function windowTable(windows: readonly WindowView[], writable: boolean): Markup {
  return windows.length === 0
    ? html`<p>None.</p>`
    : html`<div class="scroll" role="region" aria-label="Table of windows" tabindex="0">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Window</th>
              <th scope="col">Servers</th>
              <th scope="col">State</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Why</th>
              <th scope="col">Who</th>
              ${writable ? html`<th scope="col">Change it</th>` : null}
            </tr>
          </thead>
          <tbody>
            ${windows.map(
              (window) =>
                html`<tr>
                  <th scope="row">
                    ${window.state === "coming" ? window.name : html`<a href="/maintenance/report?name=${encodeURIComponent(window.name)}">${window.name}</a>`}
                  </th>
                  <td>${window.servers.join(", ")}</td>
                  <td>
                    ${STATE_WORDS[window.state]}${window.autoEnd ? ", ends automatically" : ""}
                  </td>
                  <td>${timeElement(window.startAt)}</td>
                  <td>${timeElement(window.endAt)}</td>
                  <td>${window.reason}</td>
                  <td>
                    ${window.author ?? (window.source === "config" ? "the configuration" : "")}
                  </td>
                  ${writable ? html`<td>${window.state === "over" ? null : changeForm(window)}</td>` : null}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
}

function changeForm(window: WindowView): Markup {
  return html`<form method="post" action="/maintenance" class="inline">
    <input type="hidden" name="for" value="1h" />
    <input type="hidden" name="name" value="${window.name}" />
    <label class="sr" for="token-${window.name}">Token</label>
    <input
      id="token-${window.name}"
      name="token"
      type="password"
      autocomplete="off"
      placeholder="token"
      required
      data-token
    />
    ${
      // First, so that Enter in the token field does not end the window.
      window.source === "config" || window.endAt === Infinity
        ? null
        : html`<button type="submit" name="action" value="extend">1 h more</button>`
    }
    <button type="submit" name="action" value="end">End ${window.name} now</button>
  </form>`;
}

function startForm(servers: readonly string[], server: string | null): Markup {
  return html`<section aria-labelledby="start" id="start-form" data-keep>
    <h2 id="start">Declare maintenance</h2>
    <form method="post" action="/maintenance" class="stack">
      <input type="hidden" name="action" value="start" />
      <label>
        Servers
        <small>names separated by commas; * matches any characters</small>
        <input name="servers" required list="known-servers" value="${server ?? ""}" />
      </label>
      <datalist id="known-servers">
        ${servers.map((one) => html`<option value="${one}"></option>`)}
      </datalist>
      <label>
        Duration <small>30m, 1h30m, 1d, or never</small>
        <input name="for" required value="2h" pattern="(\\d+(ms|s|m|h|d))+|never" />
      </label>
      <label>
        Why
        <input name="reason" maxlength="200" />
      </label>
      <label>
        Who
        <input name="author" maxlength="100" autocomplete="username" />
      </label>
      <label>
        Name of the window <small>default: the servers' names</small>
        <input name="name" maxlength="100" />
      </label>
      <label>
        Token <small>the maintenance token; it is kept in this tab only</small>
        <input name="token" type="password" required autocomplete="off" data-token />
      </label>
      <label class="check">
        <input type="checkbox" name="auto_end" value="yes" />
        End once every check has passed for the stability time
      </label>
      <button type="submit" class="main">Declare</button>
    </form>
  </section>`;
}
