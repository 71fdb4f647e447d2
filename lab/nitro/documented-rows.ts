import { DOCUMENTED_CONFIG, DOCUMENTED_STAT } from "./documented-fields.ts";
import type { Row } from "./wire-values.ts";

interface DocumentedField {
  readonly name: string;
  /** First firmware whose documentation knows it; 0: all. */
  readonly since: number;
  /** Its default; undefined: the field is then absent. */
  readonly zero: unknown;
}

type DocumentedFields = ReadonlyMap<string, DocumentedField>;

const CONFIG = tableOf(DOCUMENTED_CONFIG);
const STAT = tableOf(DOCUMENTED_STAT);

/** What an appliance of this firmware (its major version) documents of a resource; null: nothing. */
export function documentedFields(
  api: "config" | "stat",
  resource: string,
  firmware: number,
): readonly string[] | null {
  const fields = (api === "config" ? CONFIG : STAT).get(resource.toLowerCase());
  return fields === undefined
    ? null
    : [...fields.values()].filter(({ since }) => since <= firmware).map(({ name }) => name);
}

/** A row as an appliance writes it: every documented field, with its default unless it is set; nothing newer. */
export function documentedRow(
  api: "config" | "stat",
  resource: string,
  firmware: number,
  facts: Row,
): Row {
  const fields = (api === "config" ? CONFIG : STAT).get(resource.toLowerCase());
  if (fields === undefined) {
    return facts;
  }
  const row: Record<string, unknown> = {};
  for (const { name, since, zero } of fields.values()) {
    if (since <= firmware && zero !== undefined) {
      row[name] = zero;
    }
  }
  for (const [name, value] of Object.entries(facts)) {
    if ((fields.get(name)?.since ?? 0) <= firmware) {
      row[name] = isList(value)
        ? value.map((inner) => documentedRow(api, name, firmware, inner))
        : value;
    }
  }
  return row;
}

/** Rows within a row: members of a group, bindings of an aggregate. */
function isList(value: unknown): value is readonly Row[] {
  return (
    Array.isArray(value) && value.every((inner) => typeof inner === "object" && inner !== null)
  );
}

function tableOf(text: string): ReadonlyMap<string, DocumentedFields> {
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line): [string, DocumentedFields] => {
        const [resource = "", ...written] = line.split(" ");
        const fields = written.map(fieldOf);
        // A resource that came between two of the documentations is not known to be younger than itself.
        const first = Math.min(...fields.map(({ since }) => since));
        return [
          resource,
          new Map(
            fields.map((field) => [
              field.name,
              { ...field, since: field.since === first ? 0 : field.since },
            ]),
          ),
        ];
      }),
  );
}

function fieldOf(written: string): DocumentedField {
  const [, name = "", type = "", value, since = "0"] =
    /^(\w+)([%#?*]?)(?:=([^^]*))?(?:\^(\d+))?$/.exec(written) ?? [];
  return { name, since: Number(since), zero: zeroOf(type, value) };
}

function zeroOf(type: string, value: string | undefined): unknown {
  switch (type) {
    case "%":
      return value ?? "0";
    case "#":
      return Number(value ?? 0);
    case "?":
      return value === "true";
    case "*":
      return undefined;
    default:
      return value;
  }
}
