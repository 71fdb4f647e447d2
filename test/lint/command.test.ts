import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runLint } from "../../src/cli/lint.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adc-witness-lint-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function run(text: string | null, json: boolean) {
  const file = join(directory, text === null ? "missing.conf" : "ns.conf");
  if (text !== null) {
    await writeFile(file, text);
  }
  let out = "";
  let err = "";
  const status = await runLint(
    file,
    { json, matrix: false },
    { out: (part) => (out += part), err: (part) => (err += part) },
  );
  return { status, out, err };
}

const CLEAN =
  "add service s 10.0.0.1 HTTP 80\nbind service s -monitorName m\nadd lb monitor m HTTP-ECV -recv ok\n";

describe("the lint command", () => {
  test("is 0 and says so when nothing is found", async () => {
    expect(await run(CLEAN, false)).toEqual({ status: 0, out: "nothing found\n", err: "" });
    expect(await run(CLEAN, true)).toEqual({
      status: 0,
      out: `${JSON.stringify({ findings: [] }, null, 1)}\n`,
      err: "",
    });
  });

  test("is 1 with findings, each with object, line and the commands that mend it", async () => {
    const { status, out } = await run("add service s 10.0.0.1 HTTP 80 -healthMonitor NO\n", false);
    expect(status).toBe(1);
    expect(out).toContain("error: line 1: s: s has -healthMonitor NO");
    expect(out).toContain("\n    set service s -healthMonitor YES\n");
  });

  test("prints JSON and nothing else", async () => {
    const { status, out } = await run("add service s 10.0.0.1 HTTP 80 -healthMonitor NO\n", true);
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      findings: [
        {
          rule: "health_monitor_off",
          severity: "error",
          line: 1,
          object: "s",
          fix: "set service s -healthMonitor YES",
        },
        { rule: "tcp_only", severity: "warning", line: 1, object: "s" },
      ],
    });
  });

  test.each([
    ["a file that is not there", null],
    ["a file of something else", "%PDF-1.4\nbinary \u0000 things\n"],
    ["an empty file", ""],
  ])("is 3 for %s", async (_name, text) => {
    const { status, out, err } = await run(text, true);
    expect([status, out]).toEqual([3, ""]);
    expect(err).not.toBe("");
  });
});
