import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** One page of the documentation. */
export interface Page {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** README.md, CONTRIBUTING.md, SECURITY.md and every page of docs/ and docs/dev/. */
export async function pages(): Promise<readonly Page[]> {
  const names = await Promise.all(
    ["docs", "docs/dev"].map(async (folder) =>
      (await readdir(join(ROOT, folder))).map((name) => `${folder}/${name}`),
    ),
  );
  const docs = names.flat().filter((path) => path.endsWith(".md"));
  const paths = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...docs.sort()];
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })),
  );
}

/** Blocks of code in a language, without their fences and indentation. */
export function blocks(text: string, language: string): readonly string[] {
  const found = text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm);
  return [...found].flatMap(([, indent = "", name, body = ""]) =>
    name === language
      ? [
          body
            .split("\n")
            .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
            .join("\n"),
        ]
      : [],
  );
}

/** Lines of shell to type, without comments. */
export function typedLines(text: string): readonly string[] {
  return blocks(text, "sh")
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Prose and code between backticks, without the blocks. */
export function withoutBlocks(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^ *```$/gm, "");
}
