import { loadConfig } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { printableLine } from "../lib/printable.ts";
import type { Output } from "./output.ts";

/**
 * Loads a configuration; on errors prints them with their location to stderr and returns null. Prints warnings only
 * `withWarnings`.
 */
export async function readConfig(
  file: string,
  output: Output,
  { withWarnings = false } = {},
): Promise<Config | null> {
  const loaded = await loadConfig(file, process.env);
  if (loaded.kind === "invalid") {
    printProblems("error", loaded.problems, output);
    return null;
  }
  if (withWarnings) {
    printProblems("warning", [...loaded.warnings, ...loaded.openToOthers], output);
  }
  return loaded.config;
}

/** One line each, on stderr. */
export function printProblems(
  severity: "error" | "warning",
  problems: readonly ConfigProblem[],
  output: Output,
): void {
  for (const problem of problems) {
    output.err(`${printableLine(`${severity}: ${formatProblem(problem)}`)}\n`);
  }
}
