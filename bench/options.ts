import { parseArgs } from "node:util";

/** An option of a program; `usual` is its default. */
export type BenchOption = { readonly about: string } & (
  | { readonly kind: "switch" }
  | { readonly kind: "number"; readonly usual: number }
  /** Such as `30m`. */
  | { readonly kind: "duration"; readonly usual: null }
  | { readonly kind: "text"; readonly takes: string; readonly usual: string | null }
);

/** A program's description and options. */
export interface Usage<Options extends Readonly<Record<string, BenchOption>>> {
  /** The command as typed, for example `npm run soak --`. */
  readonly command: string;
  readonly about: string;
  readonly options: Options;
}

type ValueOf<Option extends BenchOption> = Option extends { readonly kind: "switch" }
  ? boolean
  : Option extends { readonly kind: "number" }
    ? number
    : Option extends { readonly kind: "duration" }
      ? number | null
      : Option extends { readonly usual: string }
        ? string
        : string | null;

/** Durations are in milliseconds. */
export type Values<Options extends Readonly<Record<string, BenchOption>>> = {
  readonly [Name in keyof Options]: ValueOf<Options[Name]>;
};

export type OptionsRead<Options extends Readonly<Record<string, BenchOption>>> =
  | { readonly kind: "values"; readonly values: Values<Options> }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "refused"; readonly message: string };

/** Parses the words of a command line: unknown options and other words are rejected. */
export function readOptions<const Options extends Readonly<Record<string, BenchOption>>>(
  usage: Usage<Options>,
  words: readonly string[],
): OptionsRead<Options> {
  const known = Object.entries<BenchOption>(usage.options);
  let given: Readonly<Record<string, string | boolean | undefined>>;
  try {
    given = parseArgs({
      args: [...words],
      options: {
        ...Object.fromEntries(
          known.map(([name, { kind }]) => [
            name,
            { type: kind === "switch" ? ("boolean" as const) : ("string" as const) },
          ]),
        ),
        help: { type: "boolean" as const, short: "h" },
      },
    }).values;
  } catch (error) {
    // The rest of the message is advice about words that begin with a hyphen.
    const [what = ""] = (error instanceof Error ? error.message : String(error)).split(/\.(?: |$)/);
    return { kind: "refused", message: `${what}\n${usage.command} --help lists the options` };
  }
  if (given["help"] === true) {
    return { kind: "help", text: helpOf(usage) };
  }
  const values: Record<string, unknown> = {};
  for (const [name, option] of known) {
    const value = valueOf(option, given[name]);
    if (value === undefined) {
      return {
        kind: "refused",
        message: `--${name} ${String(given[name])} is no ${option.kind === "duration" ? "duration such as 30m" : "number"}`,
      };
    }
    values[name] = value;
  }
  return { kind: "values", values: values as Values<Options> };
}

/** The options of this process. Ends it if help is requested (status 0) or an option is rejected (status 2). */
export function ownOptions<const Options extends Readonly<Record<string, BenchOption>>>(
  usage: Usage<Options>,
): Values<Options> {
  const read = readOptions(usage, process.argv.slice(2));
  switch (read.kind) {
    case "values":
      return read.values;
    case "help":
      console.log(read.text);
      return process.exit(0);
    case "refused":
      console.error(read.message);
      return process.exit(2);
  }
}

/** Undefined where the text is no such value. */
function valueOf(
  option: BenchOption,
  given: string | boolean | undefined,
): string | number | boolean | null | undefined {
  if (option.kind === "switch") {
    return given === true;
  }
  if (typeof given !== "string") {
    return option.usual;
  }
  switch (option.kind) {
    case "number":
      return /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : undefined;
    case "duration":
      return durationMs(given);
    case "text":
      return given;
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `30m`, `10s`, `2h`; undefined for anything else. */
function durationMs(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d+)([smh])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return count === undefined || unitMs === undefined ? undefined : Number(count) * unitMs;
}

function helpOf({ command, about, options }: Usage<Readonly<Record<string, BenchOption>>>): string {
  const rows = Object.entries(options).map(([name, option]) => [
    `--${name}${takes(option)}`,
    `${option.about}${usualOf(option)}`,
  ]);
  rows.push(["--help", "print this"]);
  const width = Math.max(...rows.map(([form = ""]) => form.length));
  const lines = rows.map(([form = "", words = ""]) => `  ${form.padEnd(width)}  ${words}`);
  return [`Usage: ${command} [options]`, "", about, "", ...lines].join("\n");
}

function takes(option: BenchOption): string {
  switch (option.kind) {
    case "switch":
      return "";
    case "number":
      return " N";
    case "duration":
      return " DURATION";
    case "text":
      return ` ${option.takes}`;
  }
}

function usualOf(option: BenchOption): string {
  return option.kind === "switch" || option.usual === null
    ? ""
    : ` (default ${String(option.usual)})`;
}
