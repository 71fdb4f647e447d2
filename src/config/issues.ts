import type { z } from "zod";
import { keysAt } from "./known-keys.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { nearest } from "./near.ts";
import { problemText } from "./problem.ts";

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
