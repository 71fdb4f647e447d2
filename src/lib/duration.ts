const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The form of a duration: a whole number and its unit. */
export const DURATION_PATTERN = /^\d{1,9}(?:ms|s|m|h)$/;

/** Reads `500ms`, `5s`, `10m` or `4h` as milliseconds; null when it is anything else. */
export function parseDuration(text: string): number | null {
  const parts = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const unitMs = UNITS_MS[parts?.[2] ?? ""];
  return unitMs === undefined ? null : Number(parts?.[1]) * unitMs;
}

/** Writes milliseconds in the largest unit that leaves a whole number: 90000 is `90s`, 120000 is `2m`. */
export function formatDuration(durationMs: number): string {
  for (const [unit, unitMs] of Object.entries(UNITS_MS).reverse()) {
    if (durationMs >= unitMs && durationMs % unitMs === 0) {
      return `${String(durationMs / unitMs)}${unit}`;
    }
  }
  return `${String(Math.round(durationMs))}ms`;
}
