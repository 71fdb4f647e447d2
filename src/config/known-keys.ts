import type { z } from "zod";
import type { ConfigPath } from "./located-yaml.ts";
import { writtenConfig } from "./written.ts";

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
