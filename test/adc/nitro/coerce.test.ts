import { describe, expect, test } from "vitest";
import {
  address,
  count,
  flag,
  list,
  number,
  port,
  text,
} from "../../../src/adc/nitro/row-values.ts";
import { adcOpinion, isBusy } from "../../../src/adc/nitro/states.ts";

const read =
  <T>(reader: (row: Record<string, unknown>, field: string) => T) =>
  (value: unknown): T =>
    reader({ field: value }, "field");

describe("NITRO fields", () => {
  test.each([
    ["0", 0],
    [0, 0],
    ["100", 100],
    [" 7 ", 7],
    ["1e3", 1000],
    ["-1", -1],
    ["", null],
    [" ", null],
    ["x", null],
    [Number.NaN, null],
    ["Infinity", null],
    [null, null],
    [undefined, null],
    [true, null],
    [[1], null],
    [{}, null],
    ["1e999", null],
    [1e9, null],
  ])("number of %j is %j", (value, expected) => {
    expect(number({ field: value }, "field", -1, 1_000)).toBe(expected);
  });
  test.each([
    ["7", 7],
    [0, 0],
    [-1, null],
    [0.5, null],
    ["1e300", null],
    [{}, null],
  ])("count of %j is %j", (value, expected) => expect(read(count)(value)).toBe(expected));
  test.each([
    ["a", "a"],
    ["", null],
    [5, "5"],
    [null, null],
    [undefined, null],
    [["a"], null],
    [{}, null],
  ])("text of %j is %j", (value, expected) => expect(read(text)(value)).toBe(expected));
  test.each([
    ["YES", true],
    ["no", false],
    ["ON", true],
    ["Off", false],
    ["ENABLED", true],
    ["DISABLED", false],
    ["true", true],
    [true, true],
    [false, false],
    ["", null],
    ["maybe", null],
    [1, null],
    [undefined, null],
  ])("flag of %j is %j", (value, expected) => expect(read(flag)(value)).toBe(expected));
  test.each([
    [
      ["a", "b"],
      ["a", "b"],
    ],
    ["a", ["a"]],
    [undefined, []],
    [null, []],
    [
      ["a", "", 1, null, {}],
      ["a", "1"],
    ],
    [5, ["5"]],
  ])("list of %j is %j", (value, expected) => expect(read(list)(value)).toEqual(expected));
  test.each([
    [443, 443],
    ["443", 443],
    [65535, "*"],
    ["65535", "*"],
    ["*", "*"],
    [0, null],
    [-1, null],
    [70000, null],
    [1.5, null],
    [undefined, null],
  ])("port of %j is %j", (value, expected) => expect(read(port)(value)).toBe(expected));
  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", null],
    ["0", null],
    ["::", null],
    ["2001:db8::1", "2001:db8::1"],
    ["example.com", null],
    ["", null],
    [undefined, null],
  ])("address of %j is %j", (value, expected) => expect(read(address)(value)).toBe(expected));
});

describe("NITRO states", () => {
  test.each([
    ["UP", "up"],
    ["up", "up"],
    [" UP ", "up"],
    ["UP(7)", "up"],
    ["DOWN", "down"],
    ["Down", "down"],
    ["DOWN(1)", "down"],
    ["OUT OF SERVICE", "out"],
    ["Out Of Service", "out"],
    ["OFS", "out"],
    ["OFS(Out of Service)", "out"],
    ["DISABLED", "out"],
    ["GOING OUT OF SERVICE", "leaving"],
    ["GOING OUT OF SERVICE - TROFS", "leaving"],
    ["TROFS", "leaving"],
    ["TROFS(5)", "leaving"],
    ["DOWN WHEN GOING OUT OF SERVICE", "leaving_down"],
    ["TROFS_DOWN", "leaving_down"],
    ["TROFS_DOWN(8)", "leaving_down"],
    ["BUSY", "unknown"],
    ["UNKNOWN", "unknown"],
    ["Unknown", "unknown"],
    ["NS_EMPTY_STR", "unknown"],
    ["", "unknown"],
    [null, "unknown"],
    ["UPSIDE", "unknown"],
    ["DOWNWARD", "unknown"],
    ["7", "unknown"],
  ] as const)("%j is read as %s", (raw, expected) => {
    expect(adcOpinion(raw)).toBe(expected);
  });

  test("BUSY means that a limit is reached", () => {
    expect(["BUSY", "busy(3)", "UP", null].map(isBusy)).toEqual([true, true, false, false]);
  });
});
