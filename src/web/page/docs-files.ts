import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The pages of `docs/` by name, without `.md`, each with a function that reads it; empty if the folder is not installed. A
 * bundled build replaces this module with the texts (`build/bundle.js`).
 */
export function docsFiles(): ReadonlyMap<string, () => string> {
  const above = join(import.meta.dirname, "..", "..", "..");
  for (const folder of [join(above, "docs"), join(above, "..", "docs")]) {
    const pages = pagesIn(folder);
    if (pages.length > 0) {
      return new Map(
        pages.map((name) => [name, () => readFileSync(join(folder, `${name}.md`), "utf8")]),
      );
    }
  }
  return new Map();
}

function pagesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => name.slice(0, -".md".length));
  } catch {
    return [];
  }
}
