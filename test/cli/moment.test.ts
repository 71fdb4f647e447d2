import { describe, expect, test } from "vitest";
import { localMoment, parseMoment } from "../../src/cli/output.ts";

/** Noon on this machine, wherever it stands. */
const NOON = new Date(2026, 10, 30, 12).getTime();
const local = (...at: [number, number, number, number, number]): string =>
  new Date(...at).toISOString();

describe("parseMoment", () => {
  test.each([
    ["22:00", local(2026, 10, 30, 22, 0)],
    ["9:05", local(2026, 11, 1, 9, 5)],
    ["12:00", local(2026, 11, 1, 12, 0)],
    ["2026-12-01 22:00", local(2026, 11, 1, 22, 0)],
    ["2026-12-01T22:00", local(2026, 11, 1, 22, 0)],
    ["2026-12-01", local(2026, 11, 1, 0, 0)],
    ["2026-12-01T22:00:00+01:00", "2026-12-01T22:00:00+01:00"],
    ["2026-12-01T22:00Z", "2026-12-01T22:00Z"],
  ])("reads %s", (text, instant) => {
    expect(parseMoment(text, NOON)).toBe(instant);
  });

  test.each([
    "24:00",
    "22:60",
    "22",
    "tomorrow",
    "",
    "2026-13-01 10:00",
    "2026-02-30",
    "2026-12-01 25:00",
    "2026-99-99T00:00:00Z",
  ])("refuses %s as a time", (text) => {
    expect(parseMoment(text, NOON)).toBeNull();
  });
});

test("localMoment › gives this machine's time and leaves other texts alone", () => {
  expect(localMoment(new Date(NOON).toISOString())).toMatch(/^2026-11-30 12:00 \S+$/);
  expect([localMoment("never"), localMoment(null)]).toEqual(["never", ""]);
});
