import { z } from "zod";
import type { Config } from "./schema.ts";
import { type WrittenConfig, writtenConfig } from "./written.ts";

const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "secret", "token", "url"]);

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

/** The part of JSON Schema that our own schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly [keyword: string]: unknown;
}

/** JSON Schema (draft 2020-12) of the configuration file, for editors and for the reference. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(writtenConfig, { io: "input" });
  return {
    title: "adc-witness configuration",
    ...(schema as JsonSchema),
  };
}
