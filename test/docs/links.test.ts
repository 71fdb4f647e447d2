import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { pages, ROOT, withoutBlocks } from "./pages.ts";

const all = await pages();

/** Anchors that a page has: those it sets itself, and those that come with its headings. */
function anchors(text: string): ReadonlySet<string> {
  const set = [...text.matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = ""]) => id);
  const headings = [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
  return new Set([...set, ...headings]);
}

describe.each(all)("$path", ({ path, text }) => {
  const links = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
  const local = links.filter((to) => !/^[a-z]+:/.test(to));

  test("has no broken link", async () => {
    const broken: string[] = [];
    for (const link of local) {
      const [to = "", anchor] = link.split("#");
      const target = to === "" ? join(ROOT, path) : join(ROOT, dirname(path), to);
      if (!existsSync(target) || relative(ROOT, target).startsWith("..")) {
        broken.push(link);
      } else if (anchor !== undefined && !anchors(await readFile(target, "utf8")).has(anchor)) {
        broken.push(link);
      }
    }
    expect(broken).toEqual([]);
  });
});

test("docs/README.md › links to every page", () => {
  const index = all.find(({ path }) => path === "docs/README.md")?.text ?? "";
  const missing = all
    .map(({ path }) => path)
    .filter((path) => path.startsWith("docs/") && path !== "docs/README.md")
    .filter((path) => !index.includes(`(${path.replace("docs/", "")})`));
  expect(missing).toEqual([]);
});
