import { z } from "zod";
import { MAX_NS_CONF_BYTES, parseNsConf } from "../adc/nsconf/import.ts";
import { idleSettings, type PlannedEstate } from "../agent/plan/plan.ts";
import { planSettings } from "../agent/plan/settings.ts";
import { loadConfig, trustWords } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { readTextUpTo } from "../lib/durable-file.ts";
import { decodedText } from "../lib/text-encoding.ts";
import type { Answer } from "../web/api/shapes.ts";
import type { Output } from "./output.ts";
import { printProblems } from "./read-config.ts";

interface CheckedConfig {
  /** Null if the file is invalid. */
  readonly config: Config | null;
  readonly errors: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/**
 * `check-config`: exit status 0 if the file is valid, else 1. Prints each problem with file, line, path and what was expected.
 */
export async function runCheckConfig(
  { file, json }: { readonly file: string; readonly json: boolean },
  output: Output,
): Promise<number> {
  const checked = await check(file);
  const { config, errors, warnings } = checked;
  printProblems("error", errors, output);
  printProblems("warning", warnings, output);
  if (json) {
    output.out(`${JSON.stringify(checkJson(checked), null, 1)}\n`);
  } else if (config !== null) {
    const adcs = config.adcs.map((adc) => adc.name).join(", ");
    output.out(`${file}: valid (${adcs})\n`);
    for (const account of config.transactions.accounts) {
      output.out(`account ${account.name}: password is sent ${trustWords(account)}\n`);
    }
  }
  return config === null ? 1 : 0;
}

async function check(file: string): Promise<CheckedConfig> {
  const loaded = await loadConfig(file, process.env);
  if (loaded.kind === "invalid") {
    return { config: null, errors: loaded.problems, warnings: [] };
  }
  const warnings = [...loaded.warnings, ...loaded.openToOthers];
  const errors = await idleByNsConf(loaded.config);
  return { config: errors.length === 0 ? loaded.config : null, errors, warnings };
}

/** Runs and exclusions that select nothing, if every ADC has an ns_conf file; no ADC is polled. */
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
  return readTextUpTo(file, MAX_NS_CONF_BYTES, decodedText).catch(() => null);
}

const place = z.number().int().nullable();

/** `check-config --json`. */
export const checkConfigAnswer = z.strictObject({
  adcs: z.array(z.string()).describe("Names of the ADCs; none when the file is not valid."),
  accounts: z.array(
    z.strictObject({
      name: z.string(),
      password_is_sent: z.string().describe("To which servers, in words."),
    }),
  ),
  problems: z.array(
    z.strictObject({
      severity: z.enum(["error", "warning"]),
      file: z.string(),
      line: place.describe("From 1; null when the file could not be read."),
      column: place,
      path: z.string().describe("The key, such as adcs.0.nitro.urls; empty for the whole file."),
      message: z.string(),
    }),
  ),
});

function checkJson({
  config,
  errors,
  warnings,
}: CheckedConfig): Answer<typeof checkConfigAnswer> & { readonly error: string | null } {
  const rows = (severity: "error" | "warning", problems: readonly ConfigProblem[]) =>
    problems.map(({ file, line, column, path, message }) => ({
      severity,
      file,
      line,
      column,
      path,
      message,
    }));
  return {
    error: errors.length === 0 ? null : errors.map(formatProblem).join("\n"),
    adcs: config?.adcs.map(({ name }) => name) ?? [],
    accounts: (config?.transactions.accounts ?? []).map((account) => ({
      name: account.name,
      password_is_sent: trustWords(account),
    })),
    problems: [...rows("error", errors), ...rows("warning", warnings)],
  };
}
