import type { Tokens } from "marked";
import { html, problem, type Reply } from "../http/reply.ts";
import { get, type Route } from "../http/route.ts";
import { Markup } from "../markup.ts";
import type { WebSources } from "../sources.ts";
import { docsFiles } from "./docs-files.ts";
import { layout } from "./layout.ts";

/** `/docs/NAME`: the documentation of this version, to which alerts link. `/docs` lists the pages. */
export function docsRoutes(sources: WebSources): readonly Route[] {
  const files = docsFiles();
  // Rendering takes milliseconds and the text does not change at runtime, so the result is cached.
  const made = new Map<string, { readonly title: string; readonly main: Markup }>();
  const page = async (name: string): Promise<Reply> => {
    let content = made.get(name);
    if (content === undefined) {
      const text = files.get(name)?.();
      if (text === undefined) {
        return problem(404, "The documentation is not installed with this program.");
      }
      content = {
        title: /^# (.*)/m.exec(text)?.[1] ?? name,
        main: new Markup(await rendered(text, new Set(files.keys()))),
      };
      made.set(name, content);
    }
    const { agent } = sources.live();
    return html(layout({ ...content, current: "none", agent, version: sources.version }));
  };
  return [
    get("/docs", () => page("README")),
    ...[...files.keys()].map((name) => get(`/docs/${name}`, () => page(name))),
  ];
}

/** Renders the documentation's Markdown as HTML. Links between pages work; links to files that are not served become text. */
async function rendered(markdown: string, pages: ReadonlySet<string>): Promise<string> {
  const { Marked, Renderer } = await import("marked");
  const renderer = new Renderer();
  renderer.heading = function ({ tokens, depth, text }: Tokens.Heading) {
    const level = String(depth);
    return `<h${level} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${level}>\n`;
  };
  renderer.link = function ({ href, tokens }: Tokens.Link) {
    const inner = this.parser.parseInline(tokens);
    const target = targetOf(href, pages);
    return target === null ? inner : `<a href="${target}">${inner}</a>`;
  };
  renderer.image = ({ text }: Tokens.Image) => text;
  return new Marked({ renderer }).parse(markdown, { async: true });
}

/** The anchor of a heading, as GitHub generates it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, "")
    .trim()
    .replace(/\s/g, "-");
}

function targetOf(href: string, pages: ReadonlySet<string>): string | null {
  if (/^(https?:\/\/|#)/.test(href)) {
    return href;
  }
  const [, name = "", anchor = ""] = /^([\w-]+)\.md(#[\w-]+)?$/.exec(href) ?? [];
  return pages.has(name) ? `/docs/${name}${anchor}` : null;
}
