import type { LiveState } from "../../model/live.ts";
import { html, problem, reply, type Reply } from "../http/reply.ts";
import { get, type Route } from "../http/route.ts";
import type { WebSources } from "../sources.ts";
import { readSelection, selectionQuery, selectMembers } from "../selection.ts";
import { docsRoutes } from "./docs-routes.ts";
import { lintRoute } from "./lint-route.ts";
import { memberPage } from "./member-page.ts";
import { createRemarks, type Remarks } from "./remarks.ts";
import { SCRIPT } from "./script.ts";
import { icon, STYLE_SHEET } from "./style-sheet.ts";
import type { View } from "./layout.ts";
import { statusPage } from "./status-page.ts";
import { vserverPage } from "./vserver-page.ts";

/**
 * A short-lived cache of rendered pages: after a change all open pages reload at once. A page is cached until the next change,
 * at most a second; only a few are kept.
 */
interface PageCache {
  readonly get: (key: string, render: () => string) => string;
}

const CACHE_MS = 1_000;
const MAX_CACHED_PAGES = 16;

function createPageCache(monotonic: () => number, version: () => number): PageCache {
  const pages = new Map<
    string,
    { readonly text: string; readonly at: number; readonly version: number }
  >();
  return {
    get: (key, render) => {
      const now = monotonic();
      const known = pages.get(key);
      if (known !== undefined && known.version === version() && now - known.at < CACHE_MS) {
        return known.text;
      }
      const text = render();
      pages.delete(key);
      pages.set(key, { text, at: now, version: version() });
      const [oldest] = pages.keys();
      if (pages.size > MAX_CACHED_PAGES && oldest !== undefined) {
        pages.delete(oldest);
      }
      return text;
    },
  };
}

/** The HTML pages and their static files. */
export function pageRoutes(sources: WebSources): readonly Route[] {
  const remarks = createRemarks(sources.lintIgnore);
  const cache = createPageCache(() => performance.now(), sources.history.lastChangeId);
  return [
    get("/", ({ url }) => {
      const selection = readSelection(url.searchParams);
      const view = viewOf(url.searchParams);
      const { live, estates, version, history, now } = sources;
      const text = cache.get(`${view}${selectionQuery(selection)}`, () =>
        statusPage({
          live: live(),
          estates: estates(),
          remarks,
          history,
          selection,
          view,
          version,
          now: now(),
        }),
      );
      // It contains no form and nothing that the requester may not see.
      return view === "embed" ? { ...html(text), isFramable: true } : html(text);
    }),
    get("/member", ({ url }) => member(sources, sources.live(), remarks, url)),
    get("/vserver", ({ url }) => vserver(sources, sources.live(), url)),
    lintRoute(),
    ...docsRoutes(sources),
    get("/page.css", () => file("text/css; charset=utf-8", STYLE_SHEET)),
    get("/page.js", () => file("text/javascript; charset=utf-8", SCRIPT)),
    get("/icon.svg", ({ url }) => file("image/svg+xml", icon(url.searchParams.get("tone")))),
  ];
}

function viewOf(query: URLSearchParams): View {
  return query.has("wall") ? "wall" : query.has("embed") ? "embed" : "page";
}

function member(sources: WebSources, live: LiveState, remarks: Remarks, url: URL): Reply {
  const [found] = selectMembers(live, readSelection(url.searchParams));
  if (found === undefined) {
    return problem(404, "No such member in the estate.");
  }
  const estate = sources.estates().find(({ adc }) => adc === found.adc) ?? null;
  return html(
    memberPage({
      live,
      member: found,
      estate,
      remarks: estate === null ? [] : remarks(estate),
      history: sources.history,
      version: sources.version,
      now: sources.now(),
    }),
  );
}

function vserver(sources: WebSources, live: LiveState, url: URL): Reply {
  const { adc, vserver: name } = readSelection(url.searchParams);
  const found = live.vservers.find(
    (one) => one.vserver === name && (adc === undefined || one.adc === adc),
  );
  return found === undefined
    ? problem(404, "No such vserver in the estate.")
    : html(
        vserverPage({
          live,
          vserver: found,
          history: sources.history,
          version: sources.version,
          now: sources.now(),
        }),
      );
}

function file(contentType: string, body: string): Reply {
  return { ...reply(200, contentType, body, {}), cacheable: true };
}
