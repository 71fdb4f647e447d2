/** A time zone's clock: how far its wall clock is ahead of UTC at an instant, in milliseconds. */
export interface Zone {
  readonly offsetAt: (instant: number) => number;
}

/** By the runtime's own zone data. The zone's name has been validated with the configuration. */
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

const DAY_MS = 24 * 3_600_000;

/**
 * The instant of a wall-clock time, given as if it were UTC. As calendars do it (RFC 5545): a time that comes twice is
 * the first of the two, and a time that is skipped is read by the clock before the change, so that no window is lost.
 */
export function instantOf(wall: number, zone: Zone): number {
  const before = zone.offsetAt(wall - DAY_MS);
  const after = zone.offsetAt(wall + DAY_MS);
  if (before === after) {
    return wall - before;
  }
  const real = [wall - before, wall - after].filter(
    (instant) => instant + zone.offsetAt(instant) === wall,
  );
  return real.length === 0 ? wall - before : Math.min(...real);
}
