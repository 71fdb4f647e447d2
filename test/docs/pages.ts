import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** One page of the documentation. */
export interface Page {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** README.md, CONTRIBUTING.md, SECURITY.md and every page of docs/. */
export async function pages(): Promise<readonly Page[]> {
  const docs = (await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md")).sort();
  const paths = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    ...docs.map((name) => `docs/${name}`),
  ];
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
