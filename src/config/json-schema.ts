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

/** Keys that may stand in the mapping at a path; empty where any key may, or where there is no mapping. */
export function keysAt(path: readonly (string | number)[]): readonly string[] {
  let here: JsonSchema | undefined = configJsonSchema();
  for (const part of path) {
    const properties: JsonSchema | undefined = here?.properties?.[String(part)];
    const others: JsonSchema | undefined =
      typeof here?.additionalProperties === "object" ? here.additionalProperties : undefined;
    here = typeof part === "number" ? here?.items : (properties ?? others);
  }
  return Object.keys(here?.properties ?? {});
}
