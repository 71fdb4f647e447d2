/** A Markdown table. Cells are Markdown already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)];
}

export function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

/** Plain text for a table's cell. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** A heading with an exact link target, however the reader's program names headings. */
export function anchored(level: number, id: string, title = id): string[] {
  return [`<a id="${id}"></a>`, "", `${"#".repeat(level)} ${title}`, ""];
}
