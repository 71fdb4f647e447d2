import type { LiveMember, LiveVserver, LiveState } from "../../model/live.ts";
import { selectionQuery } from "../selection.ts";
import type { Problem } from "../http/reply.ts";
import { html, type Markup, type MarkupValue } from "../markup.ts";
import { TONE_SIGNS, type Tone } from "./tone.ts";

/** Permalinks of everything the page shows. */
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

/** `wall`: for a large screen. `embed`: inside another page. Both show the status without navigation. */
export type View = "page" | "wall" | "embed";

interface PageParts {
  readonly title: string;
  readonly current: "status" | "maintenance" | "none";
  readonly agent: LiveState["agent"];
  readonly version: string;
  readonly main: MarkupValue;
  /** Shown by the icon and by a sign in the title. */
  readonly tone?: Tone;
  readonly view?: View;
  /** URL of this page, if different from the request's (the answer to a form). */
  readonly href?: string;
}

/** The layout of every page. Without script the page reloads periodically; with script it follows the event stream. */
export function layout({
  title,
  current,
  agent,
  version,
  main,
  tone,
  view = "page",
  href,
}: PageParts): string {
  const sign = tone === undefined ? "" : `${TONE_SIGNS[tone]} `;
  return html`<!doctype html>
    <html lang="en" class="${view}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${sign}${title} · adc-witness ${agent}</title>
        <link
          rel="icon"
          id="icon"
          href="/icon.svg${tone === undefined ? "" : `?tone=${tone}`}"
          type="image/svg+xml"
        />
        ${href === undefined ? null : html`<link rel="canonical" href="${href}" />`}
        <link rel="stylesheet" href="/page.css" />
        <noscript><meta http-equiv="refresh" content="15" /></noscript>
        <script src="/page.js" defer></script>
      </head>
      <body>
        ${view === "page" ? frameTop(agent, current) : null}
        <svg class="sr" aria-hidden="true">
          <pattern
            id="hatch"
            width="6"
            height="6"
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class="under" width="6" height="6" />
            <rect class="line" width="2.5" height="6" />
          </pattern>
        </svg>
        <main id="main" tabindex="-1">${main}</main>
        ${view === "page" ? frameEnd(version) : null}
      </body>
    </html> `.text;
}

/** The error page. */
export function problemPage({ title, detail }: Problem, agent: string, version: string): string {
  return layout({
    title,
    current: "none",
    agent,
    version,
    main: html`<h1>${title}</h1>
      <p>${detail}</p>
      <p><a href="/">All services and servers</a></p>`,
  });
}

function frameTop(agent: string, current: PageParts["current"]): Markup {
  return html`<a class="skip" href="#main">Skip to the content</a>
    <header class="top">
      <a class="brand" href="/">adc-witness</a>
      <span class="agent">agent <b>${agent}</b></span>
      <nav aria-label="Pages">
        ${link("/", "Status", current === "status")}
        ${link("/maintenance", "Maintenance", current === "maintenance")}
        ${link("/lint", "Lint", false)} ${link("/docs", "Docs", false)}
      </nav>
    </header>`;
}

function frameEnd(version: string): Markup {
  return html`<footer>
    <p>
      adc-witness ${version} · <a href="/?wall">wall</a> · <a href="/metrics">metrics</a> ·
      <a href="/api/v1/verdicts">verdicts</a> · <a href="/api/v1/estate">estate</a> ·
      <a href="/api/v1/evidence">evidence</a> ·
      <a href="/api/v1/schema.json">schema of the API</a> · <a href="/config">configuration</a> ·
      <a href="/sd/targets">targets</a> ·
      <a href="/sd/blackbox.yml">blackbox modules</a>
    </p>
  </footer>`;
}

function link(href: string, text: string, current: boolean): Markup {
  return current
    ? html`<a href="${href}" aria-current="page">${text}</a>`
    : html`<a href="${href}">${text}</a>`;
}
