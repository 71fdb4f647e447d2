import { parse, validateDetailed } from "node-cron";
import { nameMatcher } from "../lib/glob.ts";
import type { WindowConfig } from "../model/window.ts";

/** The fields of a cron expression as sets of numbers; Sunday is 0. All must match, including both day fields. */
interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly daysOfWeek: readonly number[];
}

/** Highest step that makes sense in minute, hour, day, month and weekday. */
const MAX_STEP = [59, 23, 31, 12, 7] as const;

/**
 * Parses five cron fields (minute hour day month weekday) with node-cron's parser and semantics: a day must match both day
 * fields, so `0 22 8-14 * 2` is the second Tuesday. Null if the expression is invalid, if a step exceeds its field (node-cron
 * accepts `90` as a step of minutes), or if it uses `L`, `W` or `#`.
 */
export function parseCron(text: string): CronFields | null {
  const words = text.trim().split(/\s+/);
  if (words.length !== 5 || words.some(hasLongStep) || !validateDetailed(text).valid) {
    return null;
  }
  const fields = parse(text);
  const daysOfMonth = numbers(fields.dayOfMonth);
  const daysOfWeek = numbers(fields.dayOfWeek);
  if (daysOfMonth === null || daysOfWeek === null) {
    return null;
  }
  return {
    minutes: fields.minute,
    hours: fields.hour,
    daysOfMonth,
    months: fields.month,
    daysOfWeek: [...new Set(daysOfWeek.map((day) => day % 7))],
  };
}

function hasLongStep(word: string, index: number): boolean {
  return [...word.matchAll(/\/(\d+)/g)].some(([, step]) => {
    const length = Number(step);
    return length === 0 || length > (MAX_STEP[index] ?? 0);
  });
}

function numbers(values: readonly (number | string)[]): number[] | null {
  const read = values.map(Number);
  return read.every(Number.isInteger) ? read : null;
}

/** A time zone's clock: how far its wall clock is ahead of UTC at an instant, in milliseconds. */
interface Zone {
  readonly offsetAt: (instant: number) => number;
}

/** Uses the runtime's zone data. The zone's name is already validated. */
export function createZone(timezone: string): Zone {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    era: "short",
  });
  return {
    offsetAt: (instant) => {
      const part: Partial<Record<string, number>> = {};
      for (const { type, value } of format.formatToParts(instant)) {
        part[type] = Number(value);
      }
      const wall = Date.UTC(
        part["year"] ?? 0,
        (part["month"] ?? 1) - 1,
        part["day"],
        part["hour"],
        part["minute"],
        part["second"],
      );
      return wall - Math.floor(instant / 1000) * 1000;
    },
  };
}

const WALL_DAY_MS = 24 * 3_600_000;

/**
 * Converts a wall-clock time, given as if it were UTC, to an instant. As in RFC 5545, an ambiguous time is the first of the
 * two, and a skipped time uses the offset before the change, so that no window is lost.
 */
export function instantOf(wall: number, zone: Zone): number {
  const before = zone.offsetAt(wall - WALL_DAY_MS);
  const after = zone.offsetAt(wall + WALL_DAY_MS);
  if (before === after) {
    return wall - before;
  }
  const real = [wall - before, wall - after].filter(
    (instant) => instant + zone.offsetAt(instant) === wall,
  );
  return real.length === 0 ? wall - before : Math.min(...real);
}

/** One time that a window is open: from `startAt` up to, not including, `endAt`. Milliseconds since the epoch. */
export interface Occurrence {
  readonly startAt: number;
  /** Infinity for `never`. */
  readonly endAt: number;
}

/** The occurrences of a window. */
export interface Calendar {
  /** The occurrence that is open at `now`; of several that overlap, the one that ends last. */
  readonly openAt: (now: number) => Occurrence | null;
  /** The latest occurrence that had ended at `now`, if it ended after `notBefore`. */
  readonly lastEnded: (now: number, notBefore: number) => Occurrence | null;
  /** The first occurrence that begins after `now`, within eight years (leap days skip a century's turn). */
  readonly next: (now: number) => Occurrence | null;
}

export function createCalendar(when: WindowConfig["when"]): Calendar {
  if (when.kind === "fixed") {
    return fixedCalendar(when);
  }
  const fields = parseCron(when.cron);
  // The configuration allows only valid expressions; an invalid one would never open.
  return fields === null
    ? fixedCalendar({ startAt: Infinity, endAt: Infinity })
    : recurringCalendar(fields, createZone(when.timezone), when.durationMs);
}

function fixedCalendar({ startAt, endAt }: Occurrence): Calendar {
  const only = { startAt, endAt };
  return {
    openAt: (now) => (startAt <= now && now < endAt ? only : null),
    lastEnded: (now, notBefore) => (endAt <= now && endAt > notBefore ? only : null),
    next: (now) => (startAt > now && startAt !== Infinity ? only : null),
  };
}

const DAY_MS = 24 * 3_600_000;
const MAX_DAYS = 8 * 366 + 1;

function recurringCalendar(fields: CronFields, zone: Zone, durationMs: number): Calendar {
  /** Occurrences that begin on a day of the zone's calendar, in order. */
  const onDay = (day: number): Occurrence[] =>
    dayMatches(fields, day)
      ? fields.hours
          .flatMap((hour) => fields.minutes.map((minute) => (hour * 60 + minute) * 60_000))
          .map((time) => instantOf(day + time, zone))
          .sort((a, b) => a - b)
          .map((startAt) => ({ startAt, endAt: startAt + durationMs }))
      : [];
  /** Midnight, as if UTC, of the day that the zone's calendar shows at an instant. */
  const dayOf = (instant: number): number => {
    const wall = instant + zone.offsetAt(instant);
    return wall - (((wall % DAY_MS) + DAY_MS) % DAY_MS);
  };
  const latest = (from: number, until: number, fits: (each: Occurrence) => boolean) => {
    // A change of the offset can move a time over midnight, so include one more day on either side.
    for (let day = dayOf(until) + DAY_MS; day >= dayOf(from) - DAY_MS; day -= DAY_MS) {
      const found = onDay(day).findLast(fits);
      if (found !== undefined) {
        return found;
      }
    }
    return null;
  };
  // Called for every member at every evaluation, so cached for a second.
  let memo: { readonly second: number; readonly open: Occurrence | null } | null = null;
  return {
    openAt: (now) => {
      const second = Math.floor(now / 1000);
      if (memo?.second !== second) {
        const open = latest(
          now - durationMs,
          now,
          ({ startAt, endAt }) => startAt <= now && now < endAt,
        );
        memo = { second, open };
      }
      return memo.open;
    },
    lastEnded: (now, notBefore) => {
      const from = Math.max(notBefore, now - MAX_DAYS * DAY_MS) - durationMs;
      return latest(from, now, ({ endAt }) => endAt <= now && endAt > notBefore);
    },
    next: (now) => {
      const first = dayOf(now) - DAY_MS;
      for (let day = first; day <= first + MAX_DAYS * DAY_MS; day += DAY_MS) {
        const found = onDay(day).find(({ startAt }) => startAt > now);
        if (found !== undefined) {
          return found;
        }
      }
      return null;
    },
  };
}

function dayMatches(fields: CronFields, day: number): boolean {
  const date = new Date(day);
  return (
    fields.months.includes(date.getUTCMonth() + 1) &&
    fields.daysOfMonth.includes(date.getUTCDate()) &&
    fields.daysOfWeek.includes(date.getUTCDay())
  );
}

/** A window with its parsed calendar. */
export interface PreparedWindow extends WindowConfig {
  readonly source: "config" | "api";
  readonly calendar: Calendar;
  readonly appliesTo: (server: string) => boolean;
}

export function prepareWindow(
  window: WindowConfig,
  source: PreparedWindow["source"],
): PreparedWindow {
  return {
    ...window,
    source,
    calendar: createCalendar(window.when),
    appliesTo: nameMatcher(window.servers),
  };
}
