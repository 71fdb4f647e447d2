import type { WindowView } from "../../model/window.ts";
import type { LiveState } from "../../model/live.ts";
import { html, type Markup } from "../markup.ts";
import { layout } from "./layout.ts";
import { moment } from "./time.ts";

export interface MaintenanceInput {
  readonly live: LiveState;
  /** Null when this agent keeps no store. */
  readonly windows: readonly WindowView[] | null;
  /** Whether a token is configured: without one nothing can be changed from here. */
  readonly writable: boolean;
  readonly message: { readonly ok: boolean; readonly text: string } | null;
  /** A server to fill into the form. */
  readonly server: string | null;
  readonly version: string;
}

const STATE_WORDS: Readonly<Record<WindowView["state"], string>> = {
  open: "open now",
  coming: "upcoming",
  over: "over",
};

/** Declared windows now and next, and what is seen without being declared; with the token, start and end. */
export function maintenancePage(input: MaintenanceInput): string {
  const { live, windows, writable, message, server, version } = input;
  return layout({
    title: "maintenance",
    current: "maintenance",
    agent: live.agent,
    version,
    main: html`<h1>Maintenance</h1>
      ${message === null ? null : html`<p class="message ${message.ok ? "good" : "bad"}" role="status">${message.text}</p>`}
      ${seen(live)}
      <section aria-labelledby="windows">
        <h2 id="windows">Declared windows</h2>
        ${windows === null ? html`<p>This agent does not manage windows.</p>` : windowTable(windows, writable)}
      </section>
      ${
        windows !== null && writable
          ? startForm(live, server)
          : html`<p>Changes are disabled: no token is configured (maintenance.token_file).</p>`
      }`,
  });
}

/** Servers in maintenance by any source: they may disagree, and that is worth seeing. */
function seen(live: LiveState): Markup {
  const servers = live.servers.filter(
    ({ maintenance }) => maintenance.declared || maintenance.adc || maintenance.detected,
  );
  return html`<section aria-labelledby="seen">
    <h2 id="seen">In maintenance now</h2>
    ${
      servers.length === 0
        ? html`<p>None.</p>`
        : html`<table class="list">
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
                      <a href="/?server=${encodeURIComponent(server)}">${server}</a>
                    </th>
                    <td>${yesNo(maintenance.declared)}</td>
                    <td>${yesNo(maintenance.adc)}</td>
                    <td>${yesNo(maintenance.detected)}</td>
                    <td>${maintenanceEnd === null ? null : moment(maintenanceEnd)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
  </section>`;
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

function windowTable(windows: readonly WindowView[], writable: boolean): Markup {
  return windows.length === 0
    ? html`<p>None.</p>`
    : html`<div class="scroll" role="region" aria-label="Declared windows" tabindex="0">
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
              ${writable ? html`<th scope="col">End it</th>` : null}
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
                  <td>${STATE_WORDS[window.state]}${window.autoEnd ? ", ends by itself" : ""}</td>
                  <td>${moment(window.startAt)}</td>
                  <td>${moment(window.endAt)}</td>
                  <td>${window.reason}</td>
                  <td>
                    ${window.author ?? (window.source === "config" ? "the configuration" : "")}
                  </td>
                  ${writable ? html`<td>${window.state === "over" ? null : endForm(window)}</td>` : null}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
}

function endForm(window: WindowView): Markup {
  return html`<form method="post" action="/maintenance" class="inline">
    <input type="hidden" name="action" value="end" />
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
    <button type="submit">End ${window.name} now</button>
  </form>`;
}

function startForm(live: LiveState, server: string | null): Markup {
  const servers = [...new Set(live.servers.map((one) => one.server))].sort();
  return html`<section aria-labelledby="start">
    <h2 id="start">Declare maintenance</h2>
    <form method="post" action="/maintenance" class="stack">
      <input type="hidden" name="action" value="start" />
      <label>
        Servers
        <span class="hint">names separated by commas; * matches any characters</span>
        <input name="servers" required list="known-servers" value="${server ?? ""}" />
      </label>
      <datalist id="known-servers">
        ${servers.map((one) => html`<option value="${one}"></option>`)}
      </datalist>
      <label>
        Duration <span class="hint">30m, 2h, or never for no end</span>
        <input name="for" required value="2h" pattern="\\d+(ms|s|m|h)|never" />
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
        Name of the window <span class="hint">default: the servers' names</span>
        <input name="name" maxlength="100" />
      </label>
      <label class="check">
        <input type="checkbox" name="auto_end" value="yes" />
        End once every check has passed for the stability time
      </label>
      <label>
        Token <span class="hint">the maintenance token; it is kept in this tab only</span>
        <input name="token" type="password" required autocomplete="off" data-token />
      </label>
      <button type="submit">Declare</button>
    </form>
  </section>`;
}
