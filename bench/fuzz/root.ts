import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The repository, from the sources as well as from the build: the location of package.json and the lab's files. */
export function repositoryRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, "lab", "demo.conf"))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new Error("the repository's files are not here");
    }
    directory = parent;
  }
  return directory;
}
