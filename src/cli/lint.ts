import { readFile } from "node:fs/promises";
import { parseNsConf } from "../estate/nsconf/import.ts";
import type { Estate } from "../estate/model.ts";
import type { Finding } from "../lint/finding.ts";
import { lint } from "../lint/lint.ts";
import type { Output } from "./output.ts";

export interface LintOptions {
  readonly json: boolean;
  /** Measure the blind-spot matrix against the lab and print it as well. */
  readonly matrix: boolean;
}

/**
 * `lint FILE`: what the monitors of a configuration cannot see, and its mistakes, each with the command that mends it.
 * 0 none, 1 findings, 3 unreadable.
 */
export async function runLint(file: string, options: LintOptions, output: Output): Promise<number> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    output.err(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return 3;
  }
  const estate = parseNsConf(text, { adc: "adc" });
  if (isEmpty(estate)) {
    output.err(`${file}: holds no command of a NetScaler\n`);
    return 3;
  }
  const findings = lint(estate);
  output.out(
    options.json ? `${JSON.stringify({ findings }, null, 1)}\n` : `${listing(findings)}\n`,
  );
  return findings.length === 0 ? 0 : 1;
}

/** Nothing was read at all, not even a command beside the purpose: this is some other file. */
function isEmpty(estate: Estate): boolean {
  const { servers, services, monitors, lbVservers, csVservers, policies, otherStatements } = estate;
  const tables = [servers, services, monitors, lbVservers, csVservers, policies, otherStatements];
  return tables.every(({ size }) => size === 0);
}

function listing(findings: readonly Finding[]): string {
  if (findings.length === 0) {
    return "nothing found";
  }
  const blocks = findings.map(({ rule, severity, line, object, message, fix }) =>
    [
      `${severity}: ${line === null ? "" : `line ${String(line)}: `}${object}: ${message} (${rule})`,
      ...(fix === null ? [] : fix.split("\n").map((command) => `    ${command}`)),
    ].join("\n"),
  );
  return [...blocks, `${String(findings.length)} finding(s)`].join("\n");
}
