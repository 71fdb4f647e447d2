import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The lint page that `npm run build:lint-page` makes; null if it was not built. From source it is in `dist`; a bundled build
 * replaces this module with the text (`build/bundle.js`).
 */
export function lintPageFile(): string | null {
  const above = join(import.meta.dirname, "..", "..", "..");
  for (const file of [join(above, "lint-page.html"), join(above, "dist", "lint-page.html")]) {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // Try the other path.
    }
  }
  return null;
}
