/** The examples below a command's options. */
export function examples(...lines: readonly string[]): string {
  const title = lines.length === 1 ? "Example:" : "Examples:";
  return ["", title, ...lines.map((line) => `  adc-witness ${line}`)].join("\n");
}
