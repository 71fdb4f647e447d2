import { DURATION_PATTERN } from "../src/lib/timers.ts";
import type { JsonSchema } from "../src/config/normalise.ts";
import {
  RULES_IN_WORDS,
  SECTIONS,
  TRANSACTION_OPTIONS,
  UNUSED_KEYS,
} from "./configuration-words.ts";
import { cell, code, table } from "./markdown.ts";

/** One key of the configuration, by its path: `adcs[].nitro.urls`, `monitors.<name>.command`. */
export interface ConfigKey {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** In the configuration's syntax; null if there is none. */
  readonly defaultText: string | null;
  readonly description: string;
}

/** docs/configuration.md: every key of the schema, and one file that contains nearly all of them. */
export function configurationReference(schema: JsonSchema, example: string): string {
  return [
    "# Configuration",
    "",
    "One YAML file (JSON is YAML too). `adc-witness check-config FILE` validates it and names file, line, path and what was",
    "expected. Unknown keys are errors. For editors there is a JSON Schema: `schema/config.schema.json`.",
    "",
    "- **Durations** are a whole number with its unit, without a space: `500ms`, `5s`, `10m`, `4h`. There is no day: write `24h`.",
    "- **Paths** of files are relative to the configuration file.",
    "- **Secrets** are never written into the file. A key that ends in `_file` names a file that contains the secret; the key",
    "  without that suffix accepts `${NAME}`, an environment variable. They never appear in logs, pages, labels or errors.",
    "- **Patterns** match names; `*` stands for any characters.",
    "- **Reload**: SIGHUP, or `POST /-/reload` with the token. If the file is not valid, the old configuration stays. Reloads",
    "  requested during a reload share the next one. Probes keep their schedule.",
    "",
    "## A complete example",
    "",
    "Everything is optional except `adcs` with one entry. The file is `docs/examples/adc-witness.yml`.",
    "",
    "```yaml",
    example.trimEnd(),
    "```",
    "",
    "## Keys",
    "",
    ...Object.entries(schema.properties ?? {}).flatMap(([name, section]) =>
      sectionText(name, section, schema.required?.includes(name) ?? false),
    ),
    "## Options of transactions",
    "",
    "Below `options:` of a run. An unknown option or an invalid value is an error.",
    "",
    ...table(
      ["transaction", "option", "what it does"],
      TRANSACTION_OPTIONS.map(({ transactions, option, meaning }) => [
        transactions.map(code).join(" "),
        code(option),
        meaning,
      ]),
    ),
    "",
    "## What is checked over more than one key",
    "",
    ...RULES_IN_WORDS.map((rule) => `- ${rule}`),
    "",
  ].join("\n");
}

function sectionText(name: string, section: JsonSchema, required: boolean): string[] {
  const keys = configKeys(name, section, required);
  const prose = SECTIONS[name] ?? "";
  const unused = keys.filter(({ path }) => UNUSED_KEYS.has(path));
  return [
    `### ${name}`,
    "",
    ...(prose === "" ? [] : [prose, ""]),
    ...(unused.length === 0
      ? []
      : [
          `**Not acted on yet**: ${unused.map(({ path }) => code(path)).join(", ")}. The value is checked and then ignored.`,
          "",
        ]),
    ...table(
      ["key", "type", "default", "what it does"],
      keys.map(({ path, type, required: must, defaultText, description }) => [
        code(path),
        type,
        must ? "required" : defaultText === null ? "" : code(defaultText),
        cell(description),
      ]),
    ),
    "",
  ];
}

/** The key and all keys below it, in the schema's order. */
export function configKeys(path: string, schema: JsonSchema, required: boolean): ConfigKey[] {
  const written = schema.default;
  const bare = JSON.stringify(written);
  const own: ConfigKey = {
    path,
    type: typeName(path, schema),
    required,
    defaultText: written === undefined || bare === "{}" || bare === "[]" ? null : shown(written),
    description: schema.description ?? "",
  };
  return [own, ...keysBelow(path, schema)];
}

function keysBelow(path: string, schema: JsonSchema): ConfigKey[] {
  const below = (at: string, one: JsonSchema): ConfigKey[] =>
    Object.entries(one.properties ?? {}).flatMap(([name, child]) =>
      configKeys(`${at}.${name}`, child, one.required?.includes(name) ?? false),
    );
  return [
    ...below(path, schema),
    ...(schema.items === undefined ? [] : below(`${path}[]`, schema.items)),
    ...(typeof schema.additionalProperties === "object"
      ? below(`${path}.<name>`, schema.additionalProperties)
      : []),
  ];
}

/** A list of one is as good as the value itself, where the file may hold either. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value).replaceAll(",", ", ");
}

function typeName(path: string, schema: JsonSchema): string {
  if (schema.enum !== undefined) {
    return schema.enum.map((value) => code(String(value))).join(" ");
  }
  if (schema.const !== undefined) {
    return code(JSON.stringify(schema.const).replaceAll('"', ""));
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map((one) => typeName(path, one)).join(", or ");
  }
  if (schema.items !== undefined) {
    const items = schema.items.properties === undefined ? typeName(path, schema.items) : "mappings";
    return `list of ${items.replace(/^text$/, "texts").replace(/^whole number/, "whole numbers")}`;
  }
  if (typeof schema.additionalProperties === "object") {
    return "mapping by name";
  }
  switch (schema.type) {
    case "object":
      return "mapping";
    case "boolean":
      return "`true` `false`";
    case "integer":
      return `whole number, ${String(schema["minimum"])} to ${String(schema["maximum"])}`;
    case "string":
      return textName(path, schema);
    default:
      return "text, number or boolean";
  }
}

function textName(path: string, schema: JsonSchema): string {
  const pattern = schema["pattern"];
  if (typeof pattern === "string") {
    return pattern === DURATION_PATTERN.source ? "duration" : "`${NAME}`";
  }
  return /(_file|ns_conf|state_dir)$/.test(path) ? "path" : "text";
}
