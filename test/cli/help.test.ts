import type { Command } from "commander";
import { expect, test } from "vitest";
import { program } from "../../src/cli/program.ts";

const silent = { out: () => undefined, err: () => undefined };

/** Every command that can be run, with what is typed for it. */
function leaves(command: Command, typed: string): readonly (readonly [string, Command])[] {
  return command.commands.length === 0
    ? [[typed, command]]
    : command.commands.flatMap((one) => leaves(one, `${typed} ${one.name()}`));
}

const COMMANDS = leaves(program(silent), "adc-witness");

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

test.each(COMMANDS)("help › gives examples of %s with options that it takes", (typed, command) => {
  const [, after = ""] = helpOf(command).split(/^Examples?:$/m);
  const lines = after.split("\n").filter((line) => line.includes("adc-witness"));
  expect(lines).not.toEqual([]);
  const known = command.options.map(({ long }) => long);
  for (const line of lines) {
    expect(line).toContain(typed);
    const options = line.match(/(?<=\s)--[a-z-]+/g) ?? [];
    expect(options.filter((option) => !known.includes(option))).toEqual([]);
  }
});
