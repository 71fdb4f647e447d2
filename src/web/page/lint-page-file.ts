import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The page of lint as `npm run build:lint-page` makes it; null where it was not built. From source it lies in `dist`; a
 * bundle puts the text itself in this module's place (`build/bundle.js`).
 */
export function lintPageFile(): string | null {
  const above = join(import.meta.dirname, "..", "..", "..");
  for (const file of [join(above, "lint-page.html"), join(above, "dist", "lint-page.html")]) {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // In the other place, then.
    }
  }
  return null;
}
