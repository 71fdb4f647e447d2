import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folder of this package: the nearest parent with a package.json, from source and from dist. */
export function packageRoot(from: string = import.meta.dirname): string {
  if (existsSync(join(from, "package.json"))) {
    return from;
  }
  const parent = dirname(from);
  return parent === from ? from : packageRoot(parent);
}

/** The commit of the build (`dist/revision`), or `unknown`. */
export function packageRevision(): string {
  try {
    return readFileSync(join(packageRoot(), "dist", "revision"), "utf8").trim();
  } catch {
    return "unknown";
  }
}

/** What `--version` prints. */
export function versionText(): string {
  return `adc-witness ${packageVersion()} (revision ${packageRevision()}, Node.js ${process.version})`;
}

/** Version of this package. */
export function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed
    ? String(parsed.version)
    : "unknown";
}
