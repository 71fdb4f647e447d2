import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/**
 * Path of a program that a Debian package brings. Where it is missing the caller skips, and a developer reads which
 * package to install; where `CI` is set it must be there.
 */
export function debianProgram(name: string, debianPackage: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).concat("/usr/sbin", "/sbin");
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  const message = `${name} is not installed: apt-get install ${debianPackage}`;
  if (process.env["CI"]) {
    throw new Error(message);
  }
  // The closing line gathers the packages from these.
  // eslint-disable-next-line no-console
  console.warn(`skipped: ${message}`);
  return null;
}
