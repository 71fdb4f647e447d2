import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALERT_GROUPS } from "../../alerts/build.ts";
import { runbookPath } from "../../alerts/render.ts";
import { parseDuration } from "../../src/lib/timers.ts";

const DOCS = join(import.meta.dirname, "..", "..", "docs");
const alerts = ALERT_GROUPS.flatMap((group) => group.alerts);

test("alerts.md › has a heading for every runbook path, and an anchor for the alert's former name", async () => {
  const text = await readFile(join(DOCS, "alerts.md"), "utf8");
  for (const alert of alerts) {
    const [path, anchor = ""] = runbookPath(alert).split("#");
    const former = alert.name.replace("AdcWitness", "");
    expect(path).toBe("/docs/alerts");
    const heading = `<a id="${former}"></a>\n<a id="${anchor}"></a>\n\n### ${alert.name}\n`;
    expect(text.split(heading)).toHaveLength(2);
  }
});

test("runbook › links only to existing alerts", async () => {
  const text = await readFile(join(DOCS, "runbook-maintenance.md"), "utf8");
  const linked = [...text.matchAll(/alerts\.md#(\w+)/g)].map(([, name]) => name);
  expect(linked.length).toBeGreaterThan(3);
  expect(linked.filter((name) => !alerts.some((alert) => alert.name === name))).toEqual([]);
});

test("runbook › shows commands with the options they take", async () => {
  const text = await readFile(join(DOCS, "runbook-maintenance.md"), "utf8");
  const typed = [...text.matchAll(/^adc-witness maintenance (\w+)(.*)$/gm)].map(
    ([, kind = "", rest = ""]) => ({ kind, options: rest.match(/--[a-z-]+/g) ?? [], rest }),
  );
  expect(new Set(typed.map(({ kind }) => kind))).toEqual(
    new Set(["preflight", "start", "list", "verify", "extend", "report", "end"]),
  );
  const known: Readonly<Record<string, readonly string[]>> = {
    start: ["--for", "--reason", "--config"],
    extend: ["--for", "--config"],
    report: ["--format", "--config"],
    verify: ["--drained", "--returned", "--wait", "--config"],
  };
  for (const { kind, options, rest } of typed) {
    for (const option of options) {
      expect(known[kind] ?? ["--config"]).toContain(option);
    }
    for (const [, length = ""] of rest.matchAll(/--(?:for|wait) (\S+)/g)) {
      expect(parseDuration(length)).not.toBeNull();
    }
  }
});
