import { COMMENTS, GUIDE_2010, GUIDE_2016, TESTS, type GuideRow } from "./guide-rows.ts";
import { cell, code, table } from "./markdown.ts";

/** docs/guides.md: what adc-witness detects of two public guides, with what, and which test proves it. */
export function guideReference(): string {
  const rows = [...GUIDE_2010, ...GUIDE_2016, ...COMMENTS];
  const none = rows.filter(({ tests }) => tests.length === 0).length;
  const partly = rows.filter(({ tests, missing }) => tests.length > 0 && missing !== undefined);
  return [
    "# What administrators set up and complain about",
    "",
    "Two public guides describe Exchange behind a NetScaler, one for Exchange 2010 and one for 2016 and 2019. This page lists what",
    "they set up, and the problems in the readers' comments, with the part of adc-witness that detects each, and a test that proves it.",
    "",
    `${String(rows.length)} rows: ${String(rows.length - none - partly.length)} detected, ${String(partly.length)} partly detected, ` +
      `${String(none)} not detected. Comments without a problem to monitor are left out; several comments with one cause share a row.`,
    "",
    ...section("The guide to Exchange 2010", GUIDE_2010),
    ...section("The guide to Exchange 2016 and 2019", GUIDE_2016),
    ...section("Comments, by number", COMMENTS),
  ].join("\n");
}

function section(title: string, rows: readonly GuideRow[]): string[] {
  const cells = rows.map(({ what, seen, tests, missing }) => [
    cell(what),
    [
      seen === "" ? "not detected" : cell(seen),
      ...(missing === undefined ? [] : [`*Not: ${cell(missing)}.*`]),
    ].join(" "),
    tests
      .map((name) => `${code(TESTS[name].file)} ${cell(TESTS[name].title.replace(/:$/, ""))}`)
      .join("; ") || "–",
  ]);
  return [`## ${title}`, "", ...table(["what", "detected by", "test"], cells), ""];
}
