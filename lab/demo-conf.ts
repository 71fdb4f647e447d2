import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The demo's ns.conf, in the lab folder of the package. */
export function demoConf(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "package.json"))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new Error("The package's root was not found above the lab.");
    }
    directory = parent;
  }
  return readFileSync(join(directory, "lab", "demo.conf"), "utf8");
}
