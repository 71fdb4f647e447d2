import type { LiveMember, LiveVserver, LiveState } from "../../model/live.ts";
import { selectionQuery } from "../selection.ts";
import { html, type Markup, type MarkupValue } from "../markup.ts";

/** Permalinks: everything the page shows has an address of its own. */
export function memberHref(member: LiveMember): string {
  return `/member${selectionQuery({
    adc: member.adc,
    adcService: member.adcService,
    server: member.server,
    port: String(member.port),
  })}`;
}

export function vserverHref(vserver: Pick<LiveVserver, "adc" | "vserver">): string {
  return `/vserver${selectionQuery({ adc: vserver.adc, vserver: vserver.vserver })}`;
}

interface PageParts {
  readonly title: string;
  readonly current: "status" | "maintenance" | "none";
  readonly live: LiveState;
  readonly version: string;
  readonly main: MarkupValue;
}

/** The frame of every page. Without script the page reloads itself; with it, it follows the event stream. */
export function layout({ title, current, live, version, main }: PageParts): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · adc-witness ${live.agent}</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/page.css" />
        <noscript><meta http-equiv="refresh" content="15" /></noscript>
        <script src="/page.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="/">adc-witness</a>
          <span class="agent">agent <b>${live.agent}</b></span>
          <nav aria-label="Pages">
            ${link("/", "Status", current === "status")}
            ${link("/maintenance", "Maintenance", current === "maintenance")}
            ${link("/lint", "Lint", false)}
          </nav>
          <span class="pulse" id="pulse" hidden></span>
        </header>
        <main id="main" tabindex="-1">${main}</main>
        <footer>
          <p>
            adc-witness ${version} · <a href="/metrics">metrics</a> ·
            <a href="/api/v1/verdicts">verdicts</a> · <a href="/api/v1/estate">estate</a> ·
            <a href="/api/v1/evidence">evidence</a> ·
            <a href="/api/v1/schema.json">schema of the API</a> ·
            <a href="/config">configuration</a> · <a href="/sd/targets">targets</a> ·
            <a href="/sd/blackbox.yml">blackbox modules</a>
          </p>
        </footer>
      </body>
    </html> `.text;
}

function link(href: string, text: string, current: boolean): Markup {
  return current
    ? html`<a href="${href}" aria-current="page">${text}</a>`
    : html`<a href="${href}">${text}</a>`;
}
