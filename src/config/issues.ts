import type { ConfigPath } from "./located-yaml.ts";
import type { z } from "zod";
import { nearest, problemText } from "./problems.ts";
import { writtenConfig } from "./written.ts";

/** A problem with its path, but without a line yet. */
export interface UnlocatedProblem {
  readonly path: ConfigPath;
  /** Refers to the key instead of its value. */
  readonly atKey: boolean;
  readonly message: string;
}
/** Converts schema issues to problems: one per unknown key, with the likely intended key. */
export function readIssue(issue: z.core.$ZodIssue): UnlocatedProblem[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        message: unknownKey(key, keysAt(path)),
      }));
    case "invalid_key":
      return [{ path, atKey: true, message: issue.issues[0]?.message ?? issue.message }];
    default:
      return [{ path, atKey: false, message: issue.message }];
  }
}
function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  const fix = meant === null ? "remove it" : `did you mean ${meant}?`;
  return problemText("is an unknown key", known.join(", "), fix);
}
/**
 * Allowed keys of the mapping at a path; empty if any key is allowed or there is no mapping. Called for each unknown key, so it
 * reads the zod schema: making the JSON Schema takes milliseconds.
 */
export function keysAt(path: ConfigPath): readonly string[] {
  let here: z.core.$ZodType | undefined = writtenConfig;
  for (const part of path) {
    here = below(here, part);
  }
  const bare = withoutWrapping(here);
  return bare?._zod.def.type === "object" ? Object.keys(bare._zod.def.shape) : [];
}
function below(
  schema: z.core.$ZodType | undefined,
  part: string | number,
): z.core.$ZodType | undefined {
  const def = withoutWrapping(schema)?._zod.def;
  switch (def?.type) {
    case "object":
      return Object.hasOwn(def.shape, part) ? def.shape[part] : undefined;
    case "record":
      return def.valueType;
    case "array":
      return def.element;
    default:
      return undefined;
  }
}
/** A schema without its optional and default wrappers. */
function withoutWrapping(schema: z.core.$ZodType | undefined): z.core.$ZodTypes | undefined {
  let bare = schema as z.core.$ZodTypes | undefined;
  while (
    bare?._zod.def.type === "optional" ||
    bare?._zod.def.type === "default" ||
    bare?._zod.def.type === "prefault"
  ) {
    bare = bare._zod.def.innerType as z.core.$ZodTypes;
  }
  return bare;
}
