import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import type { Output } from "./output.ts";

/** Loads a configuration; problems go to stderr, each with its place, and null is returned. Warnings are shown too. */
export async function readConfig(file: string, output: Output): Promise<Config | null> {
  const loaded = await loadConfig(file, process.env);
  if (loaded.kind === "invalid") {
    for (const problem of loaded.problems) {
      output.err(`error: ${formatProblem(problem)}\n`);
    }
    return null;
  }
  for (const warning of loaded.warnings) {
    output.err(`warning: ${formatProblem(warning)}\n`);
  }
  return loaded.config;
}

/** `check-config`: 0 when the file is valid, else 1; every problem with file, line, path and what was expected. */
export async function runCheckConfig(file: string, output: Output): Promise<number> {
  const config = await readConfig(file, output);
  if (config === null) {
    return 1;
  }
  const adcs = config.adcs.map((adc) => adc.name).join(", ");
  output.out(`${file}: valid (${adcs})\n`);
  return 0;
}
