import { loadConfig } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { printableLine } from "../lib/printable.ts";
import type { Output } from "./output.ts";
import { existsSync } from "node:fs";

/**
 * Loads a configuration; problems go to stderr, each with its place, and null is returned. Warnings are printed
 * `withWarnings`, where somebody looks after the configuration: not by every command that only asks.
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

const SYSTEM_FILE = "/etc/adc-witness/adc-witness.yml";

/** The configuration of a command that was given none: ADC_WITNESS_CONFIG, then the system's. */
export function configFile(given: string | undefined, env: NodeJS.ProcessEnv): string {
  return given ?? (env["ADC_WITNESS_CONFIG"] || SYSTEM_FILE);
}

/** Likewise where no configuration is needed: null when nothing names one and the system has none. */
export function configFileIfAny(given: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const file = configFile(given, env);
  return file !== SYSTEM_FILE || given !== undefined || existsSync(SYSTEM_FILE) ? file : null;
}
