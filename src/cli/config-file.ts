import { existsSync } from "node:fs";
import { win32 } from "node:path";

/** Where the system keeps it, on Windows among the data of all users' programs. */
function systemFile(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  return platform === "win32"
    ? win32.join(env["ProgramData"] || "C:\\ProgramData", "adc-witness", "adc-witness.yml")
    : "/etc/adc-witness/adc-witness.yml";
}

/** The configuration of a command that was given none: ADC_WITNESS_CONFIG, then the system's. */
export function configFile(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  return given ?? (env["ADC_WITNESS_CONFIG"] || systemFile(env, platform));
}

/** Likewise where no configuration is needed: null when nothing names one and the system has none. */
export function configFileIfAny(given: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const file = configFile(given, env);
  const isNamed = given !== undefined || Boolean(env["ADC_WITNESS_CONFIG"]);
  return isNamed || existsSync(file) ? file : null;
}
