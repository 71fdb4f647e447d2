import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folder of this package: the nearest above this file that holds a package.json, from sources and from dist alike. */
export function packageRoot(from: string = import.meta.dirname): string {
  if (existsSync(join(from, "package.json"))) {
    return from;
  }
  const parent = dirname(from);
  return parent === from ? from : packageRoot(parent);
}

/** The commit that this was built from (`dist/revision`); `unknown` where the build did not know it. */
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
