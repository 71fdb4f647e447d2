import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-info.ts";

/** The rule files of this version, by name. A bundled build replaces this module with their texts (`build/bundle.js`). */
export function alertFiles(): ReadonlyMap<string, string> {
  const folder = join(packageRoot(), "alerts");
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith(".rules.yml"))
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}
