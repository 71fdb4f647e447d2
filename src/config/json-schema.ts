import { z } from "zod";
import { writtenConfig } from "./written.ts";

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
