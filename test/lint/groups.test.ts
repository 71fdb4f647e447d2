import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { groupFindings, type FindingGroup } from "../../src/lint/group.ts";
import { lint } from "../../src/lint/lint.ts";
import { CASES } from "./rule-cases.ts";

const FOLDER = new URL("../fixtures/", import.meta.url);
const fixtures = ["ns.conf", "ns.conf-forms"].flatMap((folder) =>
  readdirSync(new URL(folder, FOLDER)).map((file) => `${folder}/${file}`),
);

function causes(text: string): FindingGroup[] {
  return groupFindings(lint(parseNsConf(text, { adc: "test" })));
}

/** The causes that are told apart only by the names of their own objects. */
function apart(text: string): string[] {
  const known = new Map<string, string>();
  return causes(text).flatMap(({ rule, severity, incomplete, message, objects, commands }) => {
    const own = new Set(objects.map(({ name }) => name));
    const bare = message
      .split(/([\s,:;"()]+)/)
      .map((word) => (own.has(word.replace(/[.]$/, "")) ? "…" : word))
      .join("");
    const key = [rule, severity, incomplete ?? "", commands.length === 0 ? "" : "fixed", bare].join(
      " ",
    );
    const first = known.get(key);
    known.set(key, message);
    return first === undefined ? [] : [`${rule}: ${first} | ${message}`];
  });
}

/** The configuration with everything that concerns one object once more, for a second object of its kind. */
function withTwin(text: string, name: string): string {
  const word = new RegExp(`(?<![\\w-])${name.replace(/[^\w]/g, "\\$&")}(?![\\w-])`, "g");
  const twin = text
    .split("\n")
    .filter((line) => line.search(word) >= 0)
    .map((line) =>
      line
        .replace(word, `${name}_twin`)
        .replace(/\b10\.0\.(\d)\.(\d+)\b/g, "10.0.$1.1$2")
        .replace(/-priority (\d+)/, "-priority 1$1"),
    );
  return [text, ...twin].join("\n");
}

describe("lint groups", () => {
  test.each(fixtures)("no two findings in %s that differ only in their object", (file) => {
    expect(apart(readFileSync(new URL(file, FOLDER), "utf8"))).toEqual([]);
  });

  test.each(Object.entries(CASES))(
    "%s: one cause for two objects of one kind",
    (rule, { fires }) => {
      for (const text of fires) {
        expect(apart(text)).toEqual([]);
        const found = causes(text).find((one) => one.rule === rule);
        const name = found?.object ?? "";
        const twins = causes(withTwin(text, name)).filter((one) => one.rule === rule);
        const of = (object: string) =>
          twins.filter(({ objects }) => objects.some((one) => one.name === object));
        // Some mistakes exist only once: of a built-in, or of something that the second object lacks.
        if (of(`${name}_twin`).length > 0 && !text.includes("-destIP")) {
          expect(
            of(`${name}_twin`).some((one) => of(name).includes(one)),
            text,
          ).toBe(true);
        }
      }
    },
  );

  test("names of another kind in one finding, with all of them", () => {
    const lines = ["one", "two", "three"].flatMap((name, at) => [
      `add server ${name} 10.0.0.${String(at)}`,
      `add lb vserver v_${name} HTTP 10.0.1.${String(at)} 80`,
      `bind lb vserver v_${name} ${name}`,
    ]);
    const found = causes(["#NS13.1 Build 37.38", ...lines].join("\n"));
    expect(found.map(({ rule, message, objects }) => [rule, message, objects.length])).toEqual([
      ["wrong_kind_reference", "Refers to one, two, three as a service, but each is a server.", 3],
    ]);
  });
});
