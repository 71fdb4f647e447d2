import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { COMMAND_ANSWERS, commandSchema } from "../../src/cli/answers.ts";
import { runCheckConfig } from "../../src/cli/check-config.ts";
import { explainRule, runLint } from "../../src/cli/lint.ts";
import { runMaintenance, type MaintenanceCommand } from "../../src/cli/maintenance.ts";
import type { Output } from "../../src/cli/output.ts";
import { runPlan } from "../../src/cli/plan.ts";
import { runProbeCommand } from "../../src/cli/probe.ts";
import { failureStatus, program } from "../../src/cli/program.ts";
import { commandAnswer } from "../support/command-answer.ts";

const SCHEMAS = join(import.meta.dirname, "..", "..", "schema");
const fileOf = (command: string): string => `${command.replaceAll(" ", "-")}.schema.json`;

test.each([...COMMAND_ANSWERS])(
  "answers › have as published schema of %s the one that validates",
  async (command, answer) => {
    const text = `${JSON.stringify(commandSchema(command, answer), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(SCHEMAS, fileOf(command)));
  },
);

test("answers › have a schema for every command that prints JSON, and for no other", async () => {
  const printing = (command: Command, name: string): readonly string[] => [
    ...(command.options.some(
      ({ long, argChoices }) => long === "--json" || argChoices?.includes("json"),
    )
      ? [name]
      : []),
    ...command.commands.flatMap((each) => printing(each, `${name} ${each.name()}`.trim())),
  ];
  const silent: Output = { out: () => undefined, err: () => undefined };
  const commands = printing(program(silent), "");
  expect(commands.toSorted()).toEqual([...COMMAND_ANSWERS.keys()].toSorted());
  const files = ["config.schema.json", ...commands.map(fileOf)];
  expect((await readdir(SCHEMAS)).toSorted()).toEqual(files.toSorted());
});

test("answers › end an internal error with UNKNOWN only for commands with a plug-in's status", () => {
  const plugins = [...COMMAND_ANSWERS].flatMap(([command, answer]) =>
    JSON.stringify(commandSchema(command, answer)).includes('"UNKNOWN"') ? [command] : [],
  );
  const unknown = [...COMMAND_ANSWERS.keys()].filter(
    (command) => failureStatus(["node", "adc-witness", ...command.split(" ")]) === 3,
  );
  expect(unknown).toEqual(plugins);
  expect(plugins).toContain("slo");
});

test("answers › use keys in snake_case", () => {
  const keysIn = (value: unknown): readonly string[] =>
    typeof value !== "object" || value === null
      ? []
      : Object.entries<unknown>(value as Record<string, unknown>).flatMap(([key, child]) => [
          ...(key === "properties" && typeof child === "object" && child !== null
            ? Object.keys(child)
            : []),
          ...keysIn(child),
        ]);
  const keys = [...COMMAND_ANSWERS].flatMap((entry) => keysIn(commandSchema(...entry)));
  expect(keys.length).toBeGreaterThan(100);
  expect(keys.filter((key) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(key))).toEqual([]);
});

const NOWHERE = "/nowhere/adc-witness.yml";
const LINT = { format: "json", matrix: false, severity: "info", object: null } as const;
const lintWith = (rules: readonly string[]) => (output: Output) =>
  runLint(
    "/nowhere/ns.conf",
    { ...LINT, rules, config: null, strict: false, writeFixes: null },
    output,
  );
const maintenanceOf = (command: MaintenanceCommand, url: string | null) => (output: Output) =>
  runMaintenance({ config: null, url, tokenFile: null, json: true, command }, output);
/** Nothing may listen at port 1, and nothing is asked for a month that is none. */
const UNHEARD = "http://127.0.0.1:1";

test.each<[string, string, number, RegExp, (output: Output) => Promise<number>]>([
  [
    "plan",
    "an ns.conf that is not there",
    1,
    /ENOENT/,
    (output) => runPlan({ nsConf: "/nowhere/ns.conf", config: null, json: true }, output),
  ],
  [
    "plan",
    "a configuration that is not there",
    1,
    /^\/nowhere\/adc-witness.yml: cannot be read/,
    (output) => runPlan({ nsConf: null, config: NOWHERE, json: true }, output),
  ],
  [
    "probe",
    "a configuration that is not there",
    3,
    /^\/nowhere\/adc-witness.yml: cannot be read/,
    (output) =>
      runProbeCommand({ config: NOWHERE, target: "ex01:443", monitor: "m", json: true }, output),
  ],
  [
    "check-config",
    "a configuration that is not there",
    1,
    /^\/nowhere\/adc-witness.yml: cannot be read/,
    (output) => runCheckConfig({ file: NOWHERE, json: true }, output),
  ],
  [
    "lint",
    "a rule to explain that is not there",
    3,
    /there is no rule/,
    (output) => explainRule("no_such_rule", "json", output),
  ],
  ["lint", "an ns.conf that is not there", 3, /ENOENT/, lintWith([])],
  ["lint", "a rule that is not there", 3, /there is no rule/, lintWith(["no_such_rule"])],
  ["maintenance list", "no address", 3, /--url/, maintenanceOf({ kind: "list" }, null)],
  [
    "maintenance list",
    "no agent",
    3,
    /^No agent listens/,
    maintenanceOf({ kind: "list" }, UNHEARD),
  ],
  [
    "maintenance report",
    "no agent",
    3,
    /^No agent listens/,
    maintenanceOf({ kind: "report", name: "ex01", format: "json" }, UNHEARD),
  ],
  [
    "slo",
    "a month that is none",
    3,
    /^--month/,
    maintenanceOf({ kind: "slo", month: "2026-13" }, UNHEARD),
  ],
])(
  "answers › of %s print an object with the error for %s",
  async (command, _case, failed, why, run) => {
    let out = "";
    let err = "";
    const status = await run({ out: (text) => (out += text), err: (text) => (err += text) });
    expect(status).toBe(failed);
    expect(err).not.toBe("");
    expect(commandAnswer(command, out)["error"]).toMatch(why);
  },
);
