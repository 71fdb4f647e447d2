import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./package-info.ts";

/** The rule files of this version, by name. A bundle puts their texts in this module's place (`build/bundle.js`). */
export function alertFiles(): ReadonlyMap<string, string> {
  const folder = join(packageRoot(), "alerts");
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith(".rules.yml"))
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}
