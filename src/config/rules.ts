import { formatDuration, parseDuration } from "./duration.ts";
import type { ConfigPath } from "./located-yaml.ts";
import { problemText } from "./problem.ts";
import type { WrittenConfig } from "./written.ts";

/** Collects what a rule finds. `expected` and `fix` end the message as everywhere. */
export interface RuleReport {
  readonly error: (path: ConfigPath, message: string, expected: string, fix: string) => void;
  readonly warning: (path: ConfigPath, message: string, expected: string, fix: string) => void;
}

/** A rule over more than one field: small, named, and without effects but its report. */
export type Rule = (config: WrittenConfig, report: RuleReport) => void;

/** Exactly one of a secret's two keys, or none where it may be missing. */
export function checkSecretPair(
  keys: readonly [inline: string, file: string],
  at: Readonly<Record<string, unknown>>,
  path: ConfigPath,
  need: "required" | "optional",
  report: RuleReport,
): void {
  const [inline, file] = keys;
  const given = keys.filter((key) => at[key] !== undefined);
  if (given.length === 2) {
    report.error([...path, file], `stands beside ${inline}`, `${inline} or ${file}`, "remove one");
  } else if (given.length === 0 && need === "required") {
    report.error(path, "has no secret", `${inline} or ${file}`, `add ${file}`);
  }
}

/** Reports a duration outside its bounds; `usual` tells what to write. */
export function checkDuration(
  written: string,
  [fromMs, toMs]: readonly [fromMs: number, toMs: number],
  path: ConfigPath,
  usual: string,
  report: RuleReport,
): void {
  const ms = parseDuration(written) ?? 0;
  if (ms < fromMs) {
    report.error(path, "is too short", `at least ${formatDuration(fromMs)}`, usual);
  } else if (ms > toMs) {
    report.error(path, "is too long", `at most ${formatDuration(toMs)}`, usual);
  }
}

/** Reports every name that stands twice in a list. */
export function checkUniqueNames(
  named: readonly { readonly name: string }[],
  path: ConfigPath,
  report: RuleReport,
): void {
  const seen = new Set<string>();
  named.forEach(({ name }, index) => {
    if (seen.has(name)) {
      report.error([...path, index, "name"], "stands twice", "each name once", "choose another");
    }
    seen.add(name);
  });
}

/** Builds the report of a run of rules. */
export function collectReport(): {
  readonly report: RuleReport;
  readonly errors: { path: ConfigPath; atKey: boolean; message: string }[];
  readonly warnings: { path: ConfigPath; atKey: boolean; message: string }[];
} {
  const errors: { path: ConfigPath; atKey: boolean; message: string }[] = [];
  const warnings: { path: ConfigPath; atKey: boolean; message: string }[] = [];
  return {
    errors,
    warnings,
    report: {
      error: (path, message, expected, fix) => {
        errors.push({ path, atKey: false, message: problemText(message, expected, fix) });
      },
      warning: (path, message, expected, fix) => {
        warnings.push({ path, atKey: false, message: problemText(message, expected, fix) });
      },
    },
  };
}
