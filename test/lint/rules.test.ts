import { describe, expect, test } from "vitest";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { ALL_RULES, lint } from "../../src/lint/lint.ts";
import { notesOf } from "../../src/lint/notes.ts";
import type { Finding } from "../../src/lint/finding.ts";
import { proofFailures } from "./proof.ts";
import { CASES, WITHOUT_CASE } from "./rule-cases.ts";

function findings(text: string): Finding[] {
  return lint(parseNsConf(text, { adc: "test" }));
}

function fired(text: string, rule: string): Finding[] {
  return findings(text).filter((finding) => finding.rule === rule);
}

describe.each(Object.entries(CASES))("%s", (rule, cases) => {
  test.each(cases.fires)("is reported for %s", (text) => {
    expect(fired(text, rule)).not.toEqual([]);
  });

  test.each(cases.misses)("is not reported for %s", (text) => {
    expect(fired(text, rule)).toEqual([]);
  });

  test("says in a sentence what is wrong and where", () => {
    for (const finding of cases.fires.flatMap((text) => fired(text, rule))) {
      expect(finding.message).toMatch(/^\S.{15,}[.]$/s);
      expect(finding.object).not.toBe("");
      expect(finding.line === null || finding.line > 0).toBe(true);
    }
  });

  test.each(cases.fires)("proposes commands that can be pasted: %s", (text) => {
    const failures = proofFailures(text);
    expect(failures, failures.join("\n\n")).toEqual([]);
  });

  test("names no object twice in its sentence", () => {
    for (const { object, message } of cases.fires.flatMap((text) => fired(text, rule))) {
      expect(message.split(object).length, message).toBeLessThan(object.length > 3 ? 3 : Infinity);
    }
  });
});

test("rules › all have cases that fire and near misses that do not", () => {
  expect([...Object.keys(CASES), ...WITHOUT_CASE].sort()).toEqual(
    ALL_RULES.map(({ id }) => id).sort(),
  );
  for (const { fires, misses } of Object.values(CASES)) {
    expect(fires.length).toBeGreaterThan(0);
    expect(misses.length).toBeGreaterThan(0);
  }
});

test("rules › have unique identifiers of lower-case words", () => {
  const ids = ALL_RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[a-z][a-z0-9_]+$/.test(id))).toBe(true);
});

test("rules › have names that no note has", () => {
  const diagnostics = ALL_RULES.map(({ id, severity }) => ({
    severity,
    rule: id,
    line: null,
    object: "file",
    message: id,
  }));
  expect(notesOf({ ...parseNsConf("", { adc: "test" }), diagnostics })).toEqual([]);
});
