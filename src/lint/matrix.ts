/**
 * How each monitor reacts to each failure, as measured. Types and rendering only; the measurement is not part of lint.
 */
export interface BlindSpotMatrix {
  readonly tables: readonly MatrixTable[];
  /** Monitors that were not measured, with the reason. */
  readonly unmeasured: readonly { readonly probe: string; readonly reason: string }[];
}

/** Monitors of one protocol and port, and the failures that apply to it. */
export interface MatrixTable {
  readonly title: string;
  readonly failures: readonly string[];
  readonly rows: readonly MatrixRow[];
}

export interface MatrixRow {
  /** `bound`: as configured; `advised`: a fix that lint proposes; `look`: adc-witness's own, without any account. */
  readonly origin: "bound" | "advised" | "look";
  readonly name: string;
  /** What it does, in a few words. */
  readonly does: string;
  /** The result for a healthy server. */
  readonly healthy: Cell;
  /** One per failure of the table. */
  readonly cells: readonly Cell[];
}

/** `unknown`: it could not be run here. */
export type Cell = "passes" | "fails" | "unknown";

/** The matrix as Markdown: one table per protocol, with failures that a monitor does not notice in bold. */
export function renderMatrix(matrix: BlindSpotMatrix): string {
  const parts = matrix.tables.map(renderTable);
  if (matrix.unmeasured.length > 0) {
    const list = matrix.unmeasured.map(({ probe, reason }) => `- \`${probe}\`: ${reason}`);
    parts.push(["### Not measured", "", ...list, ""].join("\n"));
  }
  return parts.join("\n");
}

const ORIGIN: Readonly<Record<MatrixRow["origin"], string>> = {
  bound: "",
  advised: " (advised)",
  look: " (adc-witness)",
};

function renderTable({ title, failures, rows }: MatrixTable): string {
  const header = ["monitor", "what it does", "all is well", ...failures];
  const body = rows.map(({ origin, name, does, healthy, cells }) => [
    `\`${name}\`${ORIGIN[origin]}`,
    does,
    healthyText(healthy),
    ...cells.map((cell) => (healthy === "fails" && cell === "fails" ? "down" : failureText(cell))),
  ]);
  return [`### ${title}`, "", ...aligned([header, ...body]), ""].join("\n");
}

function healthyText(cell: Cell): string {
  return cell === "passes" ? "up" : cell === "fails" ? "**down**" : "?";
}

function failureText(cell: Cell): string {
  return cell === "fails" ? "seen" : cell === "passes" ? "**blind**" : "?";
}

/** Columns of equal width, as Markdown formatters write them. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = (escaped[0] ?? []).map((_, column) =>
    Math.max(3, ...escaped.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const [header = [], ...body] = escaped;
  return [line(header), rule, ...body.map(line)];
}
