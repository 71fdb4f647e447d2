import { expect, test } from "vitest";
import { ALERT_GROUPS } from "../../alerts/build.ts";
import { runbookPath } from "../../alerts/render.ts";
import { aLiveState } from "../support/live-state.ts";
import { pages } from "../docs/pages.ts";
import { serve } from "./support.ts";

test("/docs › leads from every alert to its section and from the list to every page", async () => {
  const web = await serve(aLiveState());
  for (const alert of ALERT_GROUPS.flatMap(({ alerts }) => alerts)) {
    const [path = "", anchor = ""] = runbookPath(alert).split("#");
    const { status, text } = await web.get(path);
    expect(status).toBe(200);
    expect(text).toContain(`<a id="${anchor}"></a>`);
  }
  const list = await web.get("/docs");
  const links = [...list.text.matchAll(/href="(\/docs\/[^"#]+)/g)].map(([, path = ""]) => path);
  expect(links.length).toBeGreaterThan(10);
  for (const path of links) {
    expect((await web.get(path)).status).toBe(200);
  }
});

test("/docs › holds no dead link and no missing anchor", async () => {
  const web = await serve(aLiveState());
  const served = new Map<string, string>();
  for (const { path } of await pages()) {
    const page = /^docs\/([\w-]+)\.md$/.exec(path)?.[1];
    if (page !== undefined) {
      served.set(`/docs/${page}`, (await web.get(`/docs/${page}`)).text);
    }
  }
  const dead = [...served].flatMap(([from, text]) =>
    [...text.matchAll(/<a href="(\/docs\/[\w-]+)?(?:#([\w-]+))?">/g)].flatMap(
      ([link, to = from, anchor]) => {
        const target = served.get(to);
        const found = anchor === undefined || (target?.includes(` id="${anchor}"`) ?? false);
        return target !== undefined && found ? [] : [`${from}: ${link}`];
      },
    ),
  );
  expect(served.size).toBeGreaterThan(10);
  expect(dead).toEqual([]);
});

test("/docs › answers 404 for a page that does not exist, whatever its name", async () => {
  const web = await serve(aLiveState());
  for (const path of ["/docs/no-such-page", "/docs/..%2fpackage", "/docs/dev/architecture"]) {
    expect((await web.get(path)).status).toBe(404);
  }
});
