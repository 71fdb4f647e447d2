import { createTask } from "node-cron";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createCalendar,
  type Calendar,
  type Occurrence,
  createZone,
  instantOf,
} from "../../src/maintenance/calendar.ts";

const HOUR_MS = 3_600_000;

function recurring(cron: string, hours: number, timezone = "Europe/Berlin"): Calendar {
  return createCalendar({ kind: "cron", cron, timezone, durationMs: hours * HOUR_MS });
}
function shown(occurrence: Occurrence | null): string | null {
  return occurrence === null
    ? null
    : [occurrence.startAt, occurrence.endAt]
        .map((at) => (at === Infinity ? "never" : new Date(at).toISOString().slice(0, 16)))
        .join(" to ");
}
function openAt(calendar: Calendar, instant: string): string | null {
  return shown(calendar.openAt(Date.parse(instant)));
}

describe("fixed window", () => {
  const calendar = createCalendar({ kind: "fixed", startAt: 1000, endAt: 2000 });
  test.each([
    [999, false, false, true],
    [1000, true, false, false],
    [1999, true, false, false],
    [2000, false, true, false],
  ])("at %i is open %s, ended %s, coming %s", (now, open, ended, coming) => {
    expect(calendar.openAt(now) !== null).toBe(open);
    expect(calendar.lastEnded(now, 0) !== null).toBe(ended);
    expect(calendar.next(now) !== null).toBe(coming);
  });
  test("is not returned as ended when it ended before the given time", () => {
    expect(calendar.lastEnded(5000, 1999)).not.toBeNull();
    expect(calendar.lastEnded(5000, 2000)).toBeNull();
  });
  test("may have no end", () => {
    const parked = createCalendar({ kind: "fixed", startAt: 0, endAt: Infinity });
    expect(parked.openAt(Number.MAX_SAFE_INTEGER)).toEqual({ startAt: 0, endAt: Infinity });
    expect(parked.lastEnded(Number.MAX_SAFE_INTEGER, 0)).toBeNull();
  });
});

describe("recurring window", () => {
  test.each([
    ["before it begins", "0 22 * * 2", 4, "2026-12-01T20:59:59Z", null],
    [
      "at its first moment",
      "0 22 * * 2",
      4,
      "2026-12-01T21:00:00Z",
      "2026-12-01T21:00 to 2026-12-02T01:00",
    ],
    [
      "across midnight",
      "0 22 * * 2",
      4,
      "2026-12-02T00:30:00Z",
      "2026-12-01T21:00 to 2026-12-02T01:00",
    ],
    ["at its end", "0 22 * * 2", 4, "2026-12-02T01:00:00Z", null],
    [
      "across the turn of the year",
      "0 23 31 12 *",
      3,
      "2027-01-01T00:59:00Z",
      "2026-12-31T22:00 to 2027-01-01T01:00",
    ],
    [
      "longer than a day",
      "0 0 * * 6",
      48,
      "2026-11-29T12:00:00Z",
      "2026-11-27T23:00 to 2026-11-29T23:00",
    ],
    [
      "overlapping itself, ends with the last",
      "0 */2 * * *",
      3,
      "2026-12-01T11:30:00Z",
      "2026-12-01T11:00 to 2026-12-01T14:00",
    ],
    [
      "on the second Tuesday",
      "0 22 8-14 * 2",
      4,
      "2026-12-08T22:00:00Z",
      "2026-12-08T21:00 to 2026-12-09T01:00",
    ],
    ["not on the first Tuesday", "0 22 8-14 * 2", 4, "2026-12-01T22:00:00Z", null],
    [
      "on a leap day",
      "0 12 29 2 *",
      1,
      "2028-02-29T11:30:00Z",
      "2028-02-29T11:00 to 2028-02-29T12:00",
    ],
    ["not on the first of March instead", "0 12 29 2 *", 1, "2027-03-01T11:30:00Z", null],
    // Summer time begins on 28 March 2027: 02:00 becomes 03:00.
    [
      "lasts its elapsed time over the skipped hour",
      "0 1 * * *",
      4,
      "2027-03-28T03:59:00Z",
      "2027-03-28T00:00 to 2027-03-28T04:00",
    ],
    [
      "at a skipped time begins all the same",
      "30 2 * * *",
      1,
      "2027-03-28T01:45:00Z",
      "2027-03-28T01:30 to 2027-03-28T02:30",
    ],
    [
      "keeps its wall-clock time in summer",
      "0 22 * * 2",
      4,
      "2027-03-30T20:00:00Z",
      "2027-03-30T20:00 to 2027-03-31T00:00",
    ],
    // It ends on 25 October 2026: 03:00 becomes 02:00.
    [
      "at a repeated time begins at the first",
      "30 2 * * *",
      1,
      "2026-10-25T00:45:00Z",
      "2026-10-25T00:30 to 2026-10-25T01:30",
    ],
    ["and not again at the second", "30 2 * * *", 1, "2026-10-25T01:45:00Z", null],
    [
      "lasts its elapsed time over the repeated hour",
      "0 1 * * *",
      4,
      "2026-10-25T02:59:00Z",
      "2026-10-24T23:00 to 2026-10-25T03:00",
    ],
  ] as const)("gives the expected occurrence: %s", (_name, cron, hours, instant, expected) => {
    expect(openAt(recurring(cron, hours), instant)).toBe(expected);
  });

  test.each([
    ["Asia/Kolkata", "0 22 * * *", "2026-12-01T16:30:00Z"],
    ["America/St_Johns", "0 22 * * *", "2026-12-02T01:30:00Z"],
    ["Pacific/Auckland", "0 1 * * 1", "2026-11-29T12:00:00Z"],
    ["Pacific/Kiritimati", "0 1 * * 1", "2026-11-29T11:00:00Z"],
    ["America/Los_Angeles", "0 23 * * 0", "2026-11-30T07:00:00Z"],
    ["UTC", "0 0 1 1 *", "2027-01-01T00:00:00Z"],
  ])("begins by the clock of %s", (timezone, cron, instant) => {
    const calendar = recurring(cron, 1, timezone);
    const at = Date.parse(instant);
    expect(calendar.openAt(at)?.startAt).toBe(at);
    expect(calendar.openAt(at - 1000)).toBeNull();
    expect(calendar.next(at - 1000)?.startAt).toBe(at);
  });

  test("returns the last ended occurrence unless it is too long ago", () => {
    const calendar = recurring("0 22 * * 2", 4);
    const now = Date.parse("2026-12-04T12:00:00Z");
    expect(shown(calendar.lastEnded(now, 0))).toBe("2026-12-01T21:00 to 2026-12-02T01:00");
    expect(calendar.lastEnded(now, Date.parse("2026-12-02T00:59:59Z"))).not.toBeNull();
    expect(calendar.lastEnded(now, Date.parse("2026-12-02T01:00:00Z"))).toBeNull();
  });

  test("finds the next leap day across a century without one", () => {
    const calendar = recurring("0 12 29 2 *", 1, "UTC");
    expect(shown(calendar.next(Date.parse("2096-03-01T00:00:00Z")))).toBe(
      "2104-02-29T12:00 to 2104-02-29T13:00",
    );
  });
});

describe("recurring window against node-cron", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([
    ["0 22 * * 2", "Europe/Berlin"],
    ["0 22 8-14 * 2", "Europe/Berlin"],
    ["*/20 9-11 * jan-mar mon-fri", "America/New_York"],
    ["15 3 1,15 * *", "Asia/Kolkata"],
    ["0 0 29 2 *", "UTC"],
    ["45 23 * * 0", "Pacific/Auckland"],
    ["0 6 * * *", "America/St_Johns"],
  ])("begins at the same instants: %s in %s", (cron, timezone) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-09-01T00:00:30Z") });
    const task = createTask(cron, () => undefined, { timezone });
    const theirs = task.getNextRuns(40).map((date) => date.toISOString());
    const calendar = recurring(cron, 1, timezone);
    const ours: string[] = [];
    let now = Date.now();
    while (ours.length < theirs.length) {
      now = calendar.next(now)?.startAt ?? Infinity;
      ours.push(new Date(now).toISOString());
    }
    expect(ours).toEqual(theirs);
  });

  test("differs when a time is skipped: node-cron drops the run, the window moves", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2027-03-27T12:00:00Z") });
    const task = createTask("30 2 * * *", () => undefined, { timezone: "Europe/Berlin" });
    expect(task.getNextRuns(1)[0]?.toISOString()).toBe("2027-03-29T00:30:00.000Z");
    expect(shown(recurring("30 2 * * *", 1).next(Date.now()))).toBe(
      "2027-03-28T01:30 to 2027-03-28T02:30",
    );
  });
});

test("instantOf › maps every wall-clock time back to its instant, a repeated hour to its first run", () => {
  for (const timezone of ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC"]) {
    const zone = createZone(timezone);
    const astray: string[] = [];
    for (
      let instant = Date.UTC(2026, 0, 1);
      instant < Date.UTC(2027, 0, 1);
      instant += HOUR_MS / 2
    ) {
      const wall = instant + zone.offsetAt(instant);
      const back = instantOf(wall, zone);
      const isSameWall = back === instant || back + zone.offsetAt(back) === wall;
      if (!isSameWall || back > instant || instant - back > HOUR_MS) {
        astray.push(new Date(instant).toISOString());
      }
    }
    expect(astray, timezone).toEqual([]);
  }
});
