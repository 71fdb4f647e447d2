const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The form of a duration: whole numbers, each with its unit, the largest first: `90s`, `1h30m`, `1d`. */
export const DURATION_PATTERN =
  /^(?=\d)(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?$/;

/** Ten years. Added to a time, days of nine digits would be no date any more. */
const MAX_DURATION_MS = 3_650 * 24 * 3_600_000;

/** Reads `500ms`, `5s`, `1h30m` or `1d` as milliseconds; null when it is anything else, or longer than ten years. */
export function parseDuration(text: string): number | null {
  if (!DURATION_PATTERN.test(text)) {
    return null;
  }
  const parts = text.matchAll(/(\d{1,9})(ms|[dhms])/g);
  const durationMs = [...parts].reduce((sum, [, number, unit = ""]) => {
    const unitMs = unit === "d" ? 24 * 3_600_000 : (UNITS_MS[unit] ?? 0);
    return sum + Number(number) * unitMs;
  }, 0);
  return durationMs <= MAX_DURATION_MS ? durationMs : null;
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
