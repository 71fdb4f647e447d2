import { expect, test } from "vitest";
import { configFile } from "../../src/cli/config-file.ts";

test.each<[string | undefined, NodeJS.ProcessEnv, NodeJS.Platform, string]>([
  ["given.yml", { ADC_WITNESS_CONFIG: "named.yml" }, "linux", "given.yml"],
  [undefined, { ADC_WITNESS_CONFIG: "named.yml" }, "win32", "named.yml"],
  [undefined, { ADC_WITNESS_CONFIG: "" }, "linux", "/etc/adc-witness/adc-witness.yml"],
  [undefined, {}, "win32", "C:\\ProgramData\\adc-witness\\adc-witness.yml"],
  [undefined, { ProgramData: "D:\\Data" }, "win32", "D:\\Data\\adc-witness\\adc-witness.yml"],
])("configFile › %j with %j on %s is %s", (given, env, platform, file) => {
  expect(configFile(given, env, platform)).toBe(file);
});
