import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { growth, type Reading } from "../../bench/real-soak/slope.ts";

/** What a soak has read, as it was: `flat-2m` and `flat-30m` of a sound agent, `reload-leak-30m` of one that leaked. */
async function recorded(name: string): Promise<readonly Reading[]> {
  const text = await readFile(join(import.meta.dirname, "readings", `${name}.csv`), "utf8");
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [atS = 0, heapMb = 0, externalMb = 0, residentMb = 0, descriptors = 0, handles = 0] =
        line.split(",").map(Number);
      return {
        atMs: atS * 1_000,
        heapMb,
        externalMb,
        residentMb,
        descriptors,
        resources: { all: handles },
      };
    });
}

/** The same readings of an agent that would also have leaked, so much a minute. */
function leaking(
  readings: readonly Reading[],
  what: "heapMb" | "externalMb" | "residentMb" | "descriptors" | "handles",
  aMinute: number,
): readonly Reading[] {
  return readings.map((reading) => {
    const leaked = Math.floor((aMinute * reading.atMs) / 60_000);
    const { resources } = reading;
    return what === "handles"
      ? { ...reading, resources: { ...resources, leaked } }
      : { ...reading, [what]: reading[what] + (aMinute * reading.atMs) / 60_000 };
  });
}

function risingIn(readings: readonly Reading[]): readonly string[] {
  return growth(readings)
    .lines.filter((line) => line.endsWith("RISES"))
    .map((line) => line.slice(0, line.indexOf(":")));
}

describe.each(["flat-2m", "flat-30m"])("growth of the readings %s", (name) => {
  test("is flat despite warm-up and swings", async () => {
    const readings = await recorded(name);
    expect(risingIn(readings)).toEqual([]);
    expect(growth(readings).flat).toBe(true);
  });

  // Twice what may be, over the part that is judged.
  test.each([
    ["heapMb", 6],
    ["externalMb", 6],
    ["residentMb", 60],
    ["descriptors", 20],
    ["handles", 30],
  ] as const)("rises when there is a slow leak: %s", async (what, over) => {
    const readings = await recorded(name);
    const minutes = ((readings.at(-1)?.atMs ?? 0) / 60_000) * 0.6;
    expect(risingIn(leaking(readings, what, over / minutes))).toEqual([what]);
  });

  test("is not flat when there are too few readings", async () => {
    expect(growth((await recorded(name)).slice(0, 12)).flat).toBe(false);
  });
});

test("growth › rises when every reload keeps a configuration", async () => {
  expect(risingIn(await recorded("reload-leak-30m"))).toContain("heapMb");
});

test("growth › stays flat when one reading is far off", async () => {
  const readings = await recorded("flat-30m");
  for (const off of [0.5, 0.8, 1]) {
    const struck = readings.map((reading, at) =>
      at === Math.floor(off * (readings.length - 1)) ? { ...reading, heapMb: 4_000 } : reading,
    );
    expect(risingIn(struck)).toEqual([]);
  }
});
