import { loadConfig, trustWords } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problems.ts";
import { MAX_NS_CONF_BYTES, parseNsConf } from "../adc/nsconf/import.ts";
import { idleSettings, type PlannedEstate } from "../agent/plan/plan.ts";
import { planSettings } from "../agent/plan/settings.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
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
    for (const problem of loaded.problems) {
      output.err(`${printableLine(`error: ${formatProblem(problem)}`)}\n`);
    }
    return null;
  }
  for (const warning of withWarnings ? [...loaded.warnings, ...loaded.openToOthers] : []) {
    output.err(`${printableLine(`warning: ${formatProblem(warning)}`)}\n`);
  }
  return loaded.config;
}

/**
 * Runs and exclusions that select nothing, where every ADC's estate can be read from a file: no ADC is asked.
 */
async function idleByNsConf(config: Config): Promise<readonly ConfigProblem[]> {
  const planned: PlannedEstate[] = [];
  for (const adc of config.adcs) {
    const text = adc.nsConf === null ? null : await readIfThere(adc.nsConf);
    if (text === null) {
      return [];
    }
    const estate = parseNsConf(text, { adc: adc.name });
    planned.push({ estate, settings: planSettings(config, adc, new Map()) });
  }
  return idleSettings(config, planned);
}

function readIfThere(file: string): Promise<string | null> {
  return readTextUpTo(file, MAX_NS_CONF_BYTES).catch(() => null);
}

/** `check-config`: 0 when the file is valid, else 1; every problem with file, line, path and what was expected. */
export async function runCheckConfig(file: string, output: Output): Promise<number> {
  const config = await readConfig(file, output, { withWarnings: true });
  if (config === null) {
    return 1;
  }
  const idle = await idleByNsConf(config);
  for (const problem of idle) {
    output.err(`${printableLine(`error: ${formatProblem(problem)}`)}\n`);
  }
  if (idle.length > 0) {
    return 1;
  }
  const adcs = config.adcs.map((adc) => adc.name).join(", ");
  output.out(`${file}: valid (${adcs})\n`);
  for (const account of config.transactions.accounts) {
    output.out(`account ${account.name}: password is sent ${trustWords(account)}\n`);
  }
  return 0;
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
