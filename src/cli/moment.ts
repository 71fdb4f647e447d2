/** As people write a time: `22:00`, `2026-12-01 22:00`, or RFC 3339. */
const CLOCK = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads a time as RFC 3339 in UTC. Without a zone it is this machine's; without a day it is the next time that its clock shows
 * it after `after` (milliseconds since the epoch). Null when it is no time.
 */
export function parseMoment(text: string, after: number): string | null {
  if (RFC3339.test(text)) {
    return Number.isNaN(Date.parse(text)) ? null : text;
  }
  const clock = CLOCK.exec(text);
  if (clock !== null) {
    const [, hour, minute] = clock;
    const at = new Date(after);
    at.setHours(Number(hour), Number(minute), 0, 0);
    if (at.getTime() <= after) {
      at.setDate(at.getDate() + 1);
    }
    return at.toISOString();
  }
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = LOCAL.exec(text) ?? [];
  if (year === undefined) {
    return null;
  }
  const at = new Date(Number(year), Number(month) - 1, Number(day));
  at.setHours(Number(hour), Number(minute), Number(second));
  const isReal = at.getMonth() === Number(month) - 1 && at.getDate() === Number(day);
  return isReal && Number(hour) < 24 && Number(minute) < 60 ? at.toISOString() : null;
}

/** A time of the API for a person at this machine: `2026-12-01 22:00 CET`; anything else as it is. */
export function localMoment(text: string | null): string {
  const at = text === null ? NaN : Date.parse(text);
  if (Number.isNaN(at)) {
    return text ?? "";
  }
  const parts = new Intl.DateTimeFormat("en-GB", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((each) => each.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`;
}
