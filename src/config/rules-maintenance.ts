import { parseDuration } from "./duration.ts";
import { checkSecretPair, checkUniqueNames, type Rule, type RuleReport } from "./rules.ts";
import type { WrittenConfig, WrittenWindow } from "./written.ts";

/** Rules about declared maintenance. */
export const MAINTENANCE_RULES: readonly Rule[] = [
  tokenHasOneSource,
  windowNamesAreUnique,
  windowsAreFixedOrRecurring,
];

/** Longer than a week, a recurring window would overlap itself in nearly every calendar. */
const LONGEST_RECURRING_MS = 7 * 24 * 3_600_000;

function tokenHasOneSource(config: WrittenConfig, report: RuleReport): void {
  const { maintenance } = config;
  checkSecretPair(["token", "token_file"], maintenance, ["maintenance"], "optional", report);
}

function windowNamesAreUnique(config: WrittenConfig, report: RuleReport): void {
  checkUniqueNames(config.maintenance.windows, ["maintenance", "windows"], report);
}

function windowsAreFixedOrRecurring(config: WrittenConfig, report: RuleReport): void {
  config.maintenance.windows.forEach((window, index) => {
    const path = ["maintenance", "windows", index];
    const fixed = window.start !== undefined || window.end !== undefined;
    const recurring = [window.cron, window.timezone, window.duration].some(
      (value) => value !== undefined,
    );
    if (fixed === recurring) {
      report.error(
        path,
        fixed ? "is fixed and recurring at once" : "has no time",
        "start and end, or cron, timezone and duration",
        fixed ? "remove one kind" : "add one kind",
      );
    } else if (fixed) {
      checkFixed(window, path, report);
    } else {
      checkRecurring(window, path, report);
    }
  });
}

function checkFixed(
  window: WrittenWindow,
  path: readonly (string | number)[],
  report: RuleReport,
): void {
  const missing = window.start === undefined ? "start" : window.end === undefined ? "end" : null;
  if (missing !== null) {
    report.error(path, `has no ${missing}`, "start and end", `add ${missing}`);
  } else if (
    window.end !== "never" &&
    Date.parse(window.end ?? "") <= Date.parse(window.start ?? "")
  ) {
    report.error([...path, "end"], "is not after start", "a later time", "correct it");
  }
}

function checkRecurring(
  window: WrittenWindow,
  path: readonly (string | number)[],
  report: RuleReport,
): void {
  for (const key of ["cron", "timezone", "duration"] as const) {
    if (window[key] === undefined) {
      report.error(path, `has no ${key}`, "cron, timezone and duration", `add ${key}`);
    }
  }
  const lengthMs = window.duration === undefined ? 1 : (parseDuration(window.duration) ?? 0);
  if (lengthMs === 0 || lengthMs > LONGEST_RECURRING_MS) {
    report.error([...path, "duration"], "is no length for a window", "1ms to 168h", "correct it");
  }
}
