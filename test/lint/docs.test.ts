import { expect, test } from "vitest";
import { lintPage, type RuleEntry } from "../../docs/build-lint.ts";
import { parseNsConf } from "../../src/adc/nsconf/import.ts";
import { AUTHENTICATION_RULES } from "../../src/lint/authentication.ts";
import { CONTENT_SWITCHING_RULES } from "../../src/lint/content-switching.ts";
import { ECV_MONITOR_RULES } from "../../src/lint/ecv-monitors.ts";
import { MONITOR_OPTION_RULES } from "../../src/lint/monitor-options.ts";
import { HTTP_MONITOR_RULES } from "../../src/lint/http-monitors.ts";
import { HTTP_REQUEST_RULES } from "../../src/lint/http-requests.ts";
import { ALL_RULES, lint } from "../../src/lint/lint.ts";
import { MONITOR_TARGET_RULES } from "../../src/lint/monitor-targets.ts";
import { MONITOR_TIMING_RULES } from "../../src/lint/monitor-timing.ts";
import { READING_RULES } from "../../src/lint/reading.ts";
import type { Rule } from "../../src/lint/rule.ts";
import { SHALLOW_MONITOR_RULES } from "../../src/lint/shallow-monitors.ts";
import { SWITCHED_OFF_RULES } from "../../src/lint/switched-off.ts";
import { VSERVER_RULES } from "../../src/lint/vservers.ts";
import { CASES, WITHOUT_CASE } from "./rule-cases.ts";

const FAMILIES: readonly (readonly [string, readonly Rule[]])[] = [
  ["Monitors that prove too little", SHALLOW_MONITOR_RULES],
  ["Requests and what is awaited", HTTP_MONITOR_RULES],
  ["Requests as they are written", HTTP_REQUEST_RULES],
  ["Strings and TLS of monitors", ECV_MONITOR_RULES],
  ["Options of monitors", MONITOR_OPTION_RULES],
  ["Where probes and clients go", MONITOR_TARGET_RULES],
  ["How often and how long", MONITOR_TIMING_RULES],
  ["Monitoring that does not take place", SWITCHED_OFF_RULES],
  ["Content switching", CONTENT_SWITCHING_RULES],
  ["Virtual servers", VSERVER_RULES],
  ["Logins at the ADC", AUTHENTICATION_RULES],
  ["Statements that cannot be read as they stand", READING_RULES],
];

/** The shortest of the rule's own cases that fire, and the first that does not. */
function entryOf(rule: Rule): RuleEntry {
  if (WITHOUT_CASE.has(rule.id)) {
    return { rule, example: null };
  }
  const cases = CASES[rule.id];
  const [fires = ""] = [...(cases?.fires ?? [])].sort((a, b) => a.length - b.length);
  const [misses = ""] = cases?.misses ?? [];
  const finding = lint(parseNsConf(fires, { adc: "docs" })).find((one) => one.rule === rule.id);
  if (finding === undefined) {
    throw new Error(`no example fires ${rule.id}`);
  }
  return { rule, example: { fires, misses, finding } };
}

test("docs/lint.md › has every rule with its example, its near miss and its fix", async () => {
  expect(FAMILIES.flatMap(([, rules]) => rules)).toEqual(ALL_RULES);
  const page = lintPage(FAMILIES.map(([title, rules]) => [title, rules.map(entryOf)]));
  // After a change that is meant: vitest run test/lint/docs.test.ts --update
  await expect(page).toMatchFileSnapshot("../../docs/lint.md");
});
