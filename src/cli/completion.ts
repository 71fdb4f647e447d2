import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The completions of a command. */
interface Place {
  /** `maintenance start`, or empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Named[];
  readonly options: readonly Named[];
}

interface Named {
  readonly name: string;
  readonly about: string;
  /** Values of a closed list. */
  readonly choices?: readonly string[];
}

/** A completion script for a shell: commands, options and their closed lists; everything else is completed as a file. */
export function completionScript(shell: Shell, root: Command): string {
  const places = placesOf(root, []);
  switch (shell) {
    case "bash":
      return bash(root.name(), places);
    case "zsh":
      return `#compdef ${root.name()}\nautoload -U +X bashcompinit && bashcompinit\n${bash(root.name(), places)}`;
    case "fish":
      return fish(root.name(), places);
  }
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  return [
    {
      path: path.join(" "),
      commands: command.commands.map((one) => ({ name: one.name(), about: one.description() })),
      options: command.options.map(named),
    },
    ...command.commands.flatMap((one) => placesOf(one, [...path, one.name()])),
  ];
}

function named({ long, flags, description, argChoices }: Option): Named {
  const name = long ?? flags;
  return { name, about: description, ...(argChoices === undefined ? {} : { choices: argChoices }) };
}

function bash(program: string, places: readonly Place[]): string {
  const words = places.map(
    ({ path, commands, options }) =>
      `    "${path}") words="${[...commands, ...options, { name: "--help" }].map(({ name }) => name).join(" ")}" ;;`,
  );
  const values = places.flatMap(({ path, options }) =>
    options.flatMap(({ name, choices }) =>
      choices === undefined ? [] : [`    "${path} ${name}") words="${choices.join(" ")}" ;;`],
    ),
  );
  const commands = places.flatMap(({ path }) => (path === "" ? [] : [`"${path}"`]));
  return `_adc_witness() {
  local word path="" words="" index current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${path:+$path }\${COMP_WORDS[index]}"
    case "$word" in
    ${commands.join("|")}) path="$word" ;;
    esac
  done
  case "$path $previous" in
${values.join("\n")}
  esac
  if [ -z "$words" ] && [[ "$path" == "" || "$current" == -* || "$path" == maintenance ]]; then
    case "$path" in
${words.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _adc_witness ${program}
`;
}

function fish(program: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const names = commands.map(({ name }) => name).join(" ");
    const here =
      path === ""
        ? "__fish_use_subcommand"
        : [
            ...path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`),
            ...(names === "" ? [] : [`not __fish_seen_subcommand_from ${names}`]),
          ].join("; and ");
    return [
      ...commands.map(
        ({ name, about }) =>
          `complete -c ${program} -f -n ${quoted(here)} -a ${name} -d ${quoted(about)}`,
      ),
      ...options.map(({ name, about, choices }) => {
        const list = choices === undefined ? "" : ` -x -a ${quoted(choices.join(" "))}`;
        return `complete -c ${program} -n ${quoted(here)} -l ${name.replace(/^--/, "")}${list} -d ${quoted(about)}`;
      }),
    ];
  });
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
