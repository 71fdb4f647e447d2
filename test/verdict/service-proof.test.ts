import { expect, test } from "vitest";
import type { Depth, Sight } from "../../src/model/observation.ts";
import { serviceProof, type JudgedMonitor } from "../../src/verdict/member-verdict.ts";

function sight(depth: Depth, path: string | null = null): Sight {
  return { depth, path };
}

function failing(depth: Depth, path: string | null = null): JudgedMonitor {
  return { sight: sight(depth, path), fails: true };
}

function passing(depth: Depth): JudgedMonitor {
  return { sight: sight(depth), fails: false };
}

test.each<[string, readonly Sight[], readonly JudgedMonitor[], string]>([
  ["a greeting against a login that fails", [sight("greeting")], [failing("login")], "shallower"],
  ["a mailbox against a login", [sight("mailbox")], [failing("login")], "every_monitor"],
  ["a greeting against a banner", [sight("greeting")], [failing("greeting")], "every_monitor"],
  [
    "a greeting against a banner, where a login passes",
    [sight("greeting")],
    [failing("greeting"), passing("login")],
    "failing_monitor",
  ],
  [
    "a greeting against a banner and a login that fail",
    [sight("greeting")],
    [failing("greeting"), failing("login")],
    "shallower",
  ],
  ["nothing that passes", [], [failing("reach")], "shallower"],
  ["no monitor at all", [], [], "every_monitor"],
  [
    "another directory's challenge",
    [sight("dialogue", "owa")],
    [failing("dialogue", "ews")],
    "shallower",
  ],
  [
    "a greeting against a banner that has not failed often enough yet",
    [sight("greeting")],
    [{ ...passing("greeting"), mayFail: true }],
    "shallower",
  ],
  [
    "a greeting against a banner that fails, beside one that has not decided",
    [sight("greeting")],
    [failing("greeting"), { ...passing("greeting"), mayFail: true }],
    "failing_monitor",
  ],
  [
    "a monitor of which nothing is known",
    [sight("mailbox")],
    [{ sight: null, fails: false }],
    "shallower",
  ],
])("serviceProof › classifies %s", (_name, passes, monitors, expected) => {
  expect(serviceProof(passes, monitors)).toBe(expected);
});
