import { join } from "node:path";
import { expect, test } from "vitest";
import { configJsonSchema, type JsonSchema } from "../../src/config/normalise.ts";

test("json schema › is published as it validates", async () => {
  const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(
    join(import.meta.dirname, "..", "..", "schema", "config.schema.json"),
  );
});

test("json schema › describes every key", () => {
  const missing: string[] = [];
  const visit = (schema: JsonSchema, path: string): void => {
    for (const [key, child] of Object.entries(schema.properties ?? {})) {
      if (child.description === undefined) {
        missing.push(`${path}.${key}`);
      }
      visit(child, `${path}.${key}`);
    }
    if (schema.items !== undefined) {
      visit(schema.items, `${path}[]`);
    }
    if (typeof schema.additionalProperties === "object") {
      visit(schema.additionalProperties, `${path}.*`);
    }
  };
  visit(configJsonSchema(), "");
  expect(missing).toEqual([]);
});
