import type { Config } from "./schema.ts";
import type { WrittenConfig } from "./written.ts";

const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "secret", "token"]);

/** The configuration in the file's own form, defaults filled in: safe to show to anybody who may see the page. */
export function maskedConfig(config: Config): unknown {
  return config.shown;
}

/** Masks inline secrets and the arguments of commands, which may hold some. */
export function showConfig(written: WrittenConfig): unknown {
  return JSON.parse(
    JSON.stringify(written, (key, value: unknown) => {
      if (SECRET_KEYS.has(key) && typeof value === "string") {
        return "<secret>";
      }
      if (key === "command" && Array.isArray(value)) {
        return value.map((word: unknown, index) => (index === 0 ? word : "<argument>"));
      }
      return value;
    }),
  ) as unknown;
}
