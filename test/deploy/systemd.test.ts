import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { debianProgram } from "../support/debian-program.ts";
import { ROOT } from "../docs/pages.ts";

const UNIT = join(ROOT, "deploy", "systemd", "adc-witness.service");
const analyze = debianProgram("systemd-analyze", "systemd");
const run = promisify(execFile);

describe.skipIf(analyze === null)("systemd-analyze", () => {
  test("gives at most the exposure that docs/deploy.md says", async () => {
    const { stdout } = await run(analyze ?? "", [
      "security",
      "--offline=true",
      "--no-pager",
      "--threshold=20",
      UNIT,
    ]);
    const measured = Number(/exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1]);
    const text = await readFile(join(ROOT, "docs", "deploy.md"), "utf8");
    const told = Number(/exposure at \*\*(\d+\.\d+)\*\*/.exec(text)?.[1]);
    expect(measured).toBeLessThanOrEqual(told);
    expect(measured).toBeGreaterThan(told - 0.5);
  });

  test("finds nothing wrong with the unit", async () => {
    // The program need not be where the unit expects it, and other units of this machine may be wrong.
    const said = await run(analyze ?? "", [
      "verify",
      "--man=no",
      "--recursive-errors=no",
      UNIT,
    ]).then(
      ({ stderr }) => stderr,
      (error: unknown) => (error as { stderr: string }).stderr,
    );
    const ours = said.split("\n").filter((line) => line.includes("adc-witness.service"));
    expect(ours.filter((line) => !line.includes("is not executable"))).toEqual([]);
  });
});

test("template unit › is the unit with the names of an instance", async () => {
  const template = await readFile(UNIT.replace(".service", "@.service"), "utf8");
  const single = template
    .replaceAll(" (%i)", "")
    .replaceAll("%i.yml", "adc-witness.yml")
    .replaceAll("@%i", "")
    .replaceAll("/%i", "");
  expect(template).toContain("run --config /etc/adc-witness/%i.yml");
  expect(template).toContain("StateDirectory=adc-witness/%i\n");
  expect(single).toBe(await readFile(UNIT, "utf8"));
});

test("unit › runs the command by the package's file names", async () => {
  const unit = await readFile(UNIT, "utf8");
  const { bin } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    bin: Readonly<Record<string, string>>;
  };
  const started = [...unit.matchAll(/^ExecStart\w*=-?\/usr\/bin\/node (\S+) (\S+)/gm)];
  expect(started.map(([, file, command]) => [file, command])).toEqual([
    [`/opt/adc-witness/${bin["adc-witness"] ?? ""}`, "check-config"],
    [`/opt/adc-witness/${bin["adc-witness"] ?? ""}`, "run"],
  ]);
});
