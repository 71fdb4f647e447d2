import { errorMessage } from "../lib/error-code.ts";
import { MAX_NS_CONF_BYTES, parseNsConf } from "../adc/nsconf/import.ts";
import { readTextUpTo } from "../lib/bounded-file.ts";
import type { Estate } from "../model/estate.ts";
import type { Finding } from "../lint/finding.ts";
import { lint } from "../lint/lint.ts";
import { renderMatrix, type BlindSpotMatrix } from "../lint/matrix.ts";
import { printableLine } from "../lib/printable.ts";
import type { Output } from "./output.ts";

export interface LintOptions {
  readonly json: boolean;
  /** Measure the blind-spot matrix against the lab and print it, as Markdown, in place of the findings. */
  readonly matrix: boolean;
}

/**
 * `lint FILE`: what the monitors of a configuration cannot see, and its mistakes, each with the command that mends it.
 * 0 none, 1 findings, 3 unreadable.
 */
export async function runLint(file: string, options: LintOptions, output: Output): Promise<number> {
  let text: string;
  try {
    text = await readTextUpTo(file, MAX_NS_CONF_BYTES);
  } catch (error) {
    output.err(`${file}: ${errorMessage(error)}\n`);
    return 3;
  }
  const estate = parseNsConf(text, { adc: "adc" });
  if (isEmpty(estate)) {
    output.err(`${file}: holds no command of a NetScaler\n`);
    return 3;
  }
  const findings = lint(estate);
  const matrix = options.matrix ? await measuredMatrix(text, estate, findings) : null;
  if (options.json) {
    output.out(`${JSON.stringify(matrix === null ? { findings } : { findings, matrix }, null, 1)}
`);
  } else {
    output.out(
      matrix === null
        ? `${listing(findings)}
`
        : renderMatrix(matrix),
    );
  }
  return findings.length === 0 ? 0 : 1;
}

/**
 * Runs the configuration's monitors, and those that lint proposes in their place, against the lab. The lab is loaded
 * only here, as nothing else of lint opens a socket.
 */
async function measuredMatrix(
  text: string,
  estate: Estate,
  findings: readonly Finding[],
): Promise<BlindSpotMatrix> {
  const { measureBlindSpots } = await import("../../lab/blind-spots/measure.ts");
  const fixes = findings.flatMap(({ fix }) => (fix === null || HAS_BLANKS.test(fix) ? [] : [fix]));
  const advised = parseNsConf([text, ...fixes].join("\n"), { adc: estate.adc });
  return measureBlindSpots({ estate, advised });
}

/** `<text of that page>`: for the reader to fill. `<>` is SMTP's empty sender. */
const HAS_BLANKS = /<[^<>\s][^<>]*>/;

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
      printableLine(
        `${severity}: ${line === null ? "" : `line ${String(line)}: `}${object}: ${message} (${rule})`,
      ),
      ...(fix === null ? [] : fix.split("\n").map((command) => `    ${command}`)),
    ].join("\n"),
  );
  return [...blocks, `${String(findings.length)} finding(s)`].join("\n");
}
