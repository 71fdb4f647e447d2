import { existsSync } from "node:fs";
import { win32 } from "node:path";

/** The system-wide path; on Windows in ProgramData. */
function systemFile(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  return platform === "win32"
    ? win32.join(env["ProgramData"] || "C:\\ProgramData", "adc-witness", "adc-witness.yml")
    : "/etc/adc-witness/adc-witness.yml";
}

/** The default configuration file: ADC_WITNESS_CONFIG, then the system-wide path. */
export function configFile(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  return given ?? (env["ADC_WITNESS_CONFIG"] || systemFile(env, platform));
}

/** The same for commands that need none: null if neither exists. */
export function configFileIfAny(given: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const file = configFile(given, env);
  const isNamed = given !== undefined || Boolean(env["ADC_WITNESS_CONFIG"]);
  return isNamed || existsSync(file) ? file : null;
}
