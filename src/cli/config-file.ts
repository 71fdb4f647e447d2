import { existsSync } from "node:fs";

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
