import type { Estate } from "../../model/estate.ts";
import type { Finding } from "../../lint/finding.ts";
import { lint } from "../../lint/lint.ts";
import { DEFAULT_LINT_SETTINGS, type LintIgnore } from "../../lint/settings.ts";

export type Remarks = (estate: Estate) => readonly Finding[];

/** Lint's findings on an estate, computed on demand and cached per import and configuration. */
export function createRemarks(ignore: () => readonly LintIgnore[]): Remarks {
  let known = new WeakMap<Estate, readonly Finding[]>();
  let ignored = ignore();
  return (estate) => {
    if (ignore() !== ignored) {
      ignored = ignore();
      known = new WeakMap();
    }
    const findings =
      known.get(estate) ?? lint(estate, { ...DEFAULT_LINT_SETTINGS, ignore: ignored });
    known.set(estate, findings);
    return findings;
  };
}
