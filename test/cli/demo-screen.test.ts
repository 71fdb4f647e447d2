import { expect, test } from "vitest";
import { demoScreen } from "../../src/cli/demo.ts";
import { aMember, aLiveState } from "../support/live-state.ts";

const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, "");

test("what disagrees stands first, and the screen fits the terminal", () => {
  const members = [
    ...Array.from({ length: 40 }, (_, index) =>
      aMember({ server: `good${String(index)}`, verdict: "agree_up" }),
    ),
    aMember({ server: "bad", verdict: "routes_to_maintenance", mismatch: true }),
    aMember({ server: "soon", verdict: "settling" }),
  ];
  const screen = demoScreen(aLiveState({ members }), "Page http://127.0.0.1:1/", ["one", "two"], {
    rows: 24,
    width: 80,
  });
  const lines = plain(screen).split("\n");
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines[0]).toBe("Page http://127.0.0.1:1/");
  const table = lines.filter((line) => /:\d+ /.test(line) || /bad|soon|good/.test(line));
  expect(table.findIndex((line) => line.includes("bad"))).toBeLessThan(
    table.findIndex((line) => line.includes("soon")),
  );
  expect(lines.at(-1)).toMatch(/^40 of 42 agree, \d+ rows not shown$/);
});
