import type { ConfigPath } from "./located-yaml.ts";
import type { z } from "zod";
import { nearest, problemText } from "./problems.ts";
import { writtenConfig } from "./written.ts";

/** A problem that knows its path, but not yet its line. */
export interface UnlocatedProblem {
  readonly path: ConfigPath;
  /** Points at the key rather than at its value. */
  readonly atKey: boolean;
  readonly message: string;
}
/** Makes problems of a schema's issues: an unknown key is one problem each, with the key that was likely meant. */
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
 * Keys that may stand in the mapping at a path; empty where any key may, or where there is no mapping. Asked for each
 * unknown key of a file, so it looks at the schema itself: the JSON Schema of it takes milliseconds to make.
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
/** A schema without what makes it optional or gives it a default. */
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
