import { describe, expect, test } from "vitest";
import { REASONS, STEPS, REASON_WORDS, STEP_WORDS } from "../../src/model/reasons.ts";
import { MEMBER_VERDICTS, VSERVER_VERDICTS, VERDICT_WORDS } from "../../src/model/verdicts.ts";

describe("words", () => {
  test("give every verdict its own label, meaning and advice", () => {
    const verdicts = new Set([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]);
    expect(new Set(Object.keys(VERDICT_WORDS))).toEqual(verdicts);
    const words = Object.values(VERDICT_WORDS);
    expect(new Set(words.map((each) => each.meaning)).size).toBe(words.length);
    for (const { label, meaning, advice } of words) {
      expect(label.length).toBeLessThanOrEqual(45);
      expect(meaning).toMatch(/^[A-Z].*\.$/);
      expect(advice).toMatch(/^[A-Z].*\.$/);
    }
  });
  test("give every reason and step a label", () => {
    expect(Object.keys(REASON_WORDS)).toEqual([...REASONS]);
    expect(Object.keys(STEP_WORDS)).toEqual([...STEPS]);
    for (const { label, advice } of Object.values(REASON_WORDS)) {
      expect(label).toMatch(/^[^.]+$/);
      expect(advice).toMatch(/\.$/);
    }
  });
});
