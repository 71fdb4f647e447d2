import { pasteLines } from "./change.ts";
import type { FindingGroup } from "./group.ts";
import type { Rule } from "./rule.ts";

const SARIF_LEVEL = { error: "error", warning: "warning", info: "note" } as const;

/** Findings as SARIF 2.1.0 (OASIS): one result for each cause, with a location for each of its objects. */
export function renderSarif(
  groups: readonly FindingGroup[],
  rules: readonly Rule[],
  file: string,
  notes: readonly string[],
): string {
  const report = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "adc-witness lint",
            rules: rules.map(({ id, severity, meaning }) => ({
              id,
              shortDescription: { text: meaning },
              defaultConfiguration: { level: SARIF_LEVEL[severity] },
            })),
          },
        },
        ...(notes.length === 0
          ? {}
          : {
              invocations: [
                {
                  executionSuccessful: true,
                  toolExecutionNotifications: notes.map((text) => ({
                    level: "note",
                    message: { text },
                  })),
                },
              ],
            }),
        results: groups.map(
          ({ rule, severity, message, objects, commands, complete, incomplete }) => ({
            ruleId: rule,
            level: SARIF_LEVEL[severity],
            message: { text: message },
            locations: objects.map(({ name, line }) => ({
              physicalLocation: {
                artifactLocation: { uri: encodeURI(file) },
                ...(line === null ? {} : { region: { startLine: line } }),
              },
              logicalLocations: [{ name }],
            })),
            properties: { commands, complete, incomplete },
          }),
        ),
      },
    ],
  };
  return `${JSON.stringify(report, null, 1)}\n`;
}

/** Findings as JUnit XML, as build servers read it: a test case for each cause; notes pass. */
export function renderJunit(
  groups: readonly FindingGroup[],
  file: string,
  notes: readonly string[],
): string {
  const failing = groups.filter(({ severity }) => severity !== "info");
  const cases = groups.map(({ rule, severity, message, objects, commands, incomplete }) => {
    const names = objects.map(({ name, line }) => `${name}:${String(line ?? "-")}`).join(" ");
    const body = xml([message, names, ...pasteLines({ commands, incomplete })].join("\n"));
    const attributes = `classname="${xml(file)}" name="${xml(`${rule} ${objects[0]?.name ?? ""}`)}"`;
    return severity === "info"
      ? `  <testcase ${attributes}><system-out>${body}</system-out></testcase>`
      : `  <testcase ${attributes}><failure type="${severity}" message="${xml(message)}">${body}</failure></testcase>`;
  });
  const counts = `tests="${String(groups.length)}" failures="${String(failing.length)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="adc-witness lint" ${counts}>`,
    ...cases,
    ...(notes.length === 0 ? [] : [`  <system-out>${xml(notes.join("\n"))}</system-out>`]),
    "</testsuite>",
    "",
  ].join("\n");
}

/** Replaces characters that XML 1.0 does not allow with question marks. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "?")
    .replace(/[&<>"]/g, (character) => XML_ESCAPES[character] ?? character);
}

const XML_ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
