import { MISMATCH_VERDICTS, WARNING_VERDICTS, type Verdict } from "./verdicts.ts";

/** Exit statuses of the monitoring plug-in convention. */
export type ExitStatus = 0 | 1 | 2 | 3;

export interface JudgedRow {
  readonly verdict: Verdict;
  /** An unknown that the configuration or the type makes so: no NITRO, or a monitor that cannot be repeated. */
  readonly unknownByConfiguration: boolean;
}

/**
 * The exit status of a comparison: 2 any mismatch, else 3 any unexpected unknown, else 1 anything that deserves a
 * look, else 0. An unknown made by the configuration counts only when `strict`, or when nothing could be compared.
 */
export function exitStatus(rows: readonly JudgedRow[], strict: boolean): ExitStatus {
  if (rows.some((row) => MISMATCH_VERDICTS.has(row.verdict))) {
    return 2;
  }
  const unknown = rows.filter((row) => row.verdict === "unknown");
  const unexpected = unknown.some((row) => strict || !row.unknownByConfiguration);
  if (unexpected || unknown.length === rows.length) {
    return 3;
  }
  return rows.some((row) => WARNING_VERDICTS.has(row.verdict)) ? 1 : 0;
}

/** The word that stands for an exit status in a plug-in's first line. */
export function pluginWord(status: ExitStatus): "OK" | "WARNING" | "CRITICAL" | "UNKNOWN" {
  switch (status) {
    case 0:
      return "OK";
    case 1:
      return "WARNING";
    case 2:
      return "CRITICAL";
    case 3:
      return "UNKNOWN";
  }
}
