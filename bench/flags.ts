/** The word after a flag, or null. */
export function flagValue(words: readonly string[], flag: string): string | null {
  const at = words.indexOf(flag);
  return at === -1 ? null : (words[at + 1] ?? null);
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `30m`, `10s`, `2h` in milliseconds; throws on anything else. */
export function durationMs(text: string): number {
  const match = /^(\d+)([smh])$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  if (match?.[1] === undefined || unit === undefined) {
    throw new Error(`${text} is no duration such as 30m`);
  }
  return Number(match[1]) * unit;
}
