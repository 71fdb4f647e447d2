import { program } from "../dist/src/cli/program.js";

/** The manual page adc-witness(1), made of the help of every command. */
export function manualPage(version) {
  let printed = "";
  const output = { out: (text) => (printed += text), err: () => undefined };
  const helpOf = (command) => {
    printed = "";
    command.outputHelp();
    return verbatim(printed);
  };
  const section = (command, path) =>
    [...(path === "" ? [] : [`.SH "${path.toUpperCase()}"`]), helpOf(command)].concat(
      command.commands.flatMap((one) => section(one, `${path} ${one.name()}`.trim())),
    );
  const root = program(output);
  return [
    `.TH ADC-WITNESS 1 "" "adc-witness ${version}" "User Commands"`,
    ".SH NAME",
    "adc-witness \\- independent witness for a NetScaler in front of Microsoft Exchange",
    ".SH DESCRIPTION",
    ...section(root, ""),
    "",
  ].join("\n");
}

function verbatim(help) {
  const lines = help.replaceAll("\\", "\\e").replaceAll("-", "\\-").split("\n");
  return [".nf", ...lines.map((line) => line.replace(/^(?=[.'])/, "\\&")), ".fi"].join("\n");
}
