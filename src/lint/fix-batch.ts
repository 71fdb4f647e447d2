import { parseNsConf } from "../adc/nsconf/import.ts";
import { readStatements } from "../adc/nsconf/statements.ts";
import type { Finding } from "./finding.ts";
import { lint } from "./lint.ts";

/** Two batch files for the ADC: what mends, and what takes that back. */
export interface FixBatch {
  readonly commands: readonly string[];
  readonly undo: readonly string[];
}

/** A fix may uncover what another mends; more rounds than this would be a circle. */
const MAX_ROUNDS = 8;

/**
 * The complete fixes of a configuration in an order that the ADC takes. Fixes of one object follow each other only after
 * the configuration was read again with the first: each is made from what is there when it runs.
 */
export function fixBatch(text: string, wanted: (finding: Finding) => boolean): FixBatch {
  const commands: string[] = [];
  const undo: string[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const estate = parseNsConf([text, ...commands].join("\n"), { adc: "adc" });
    const chosen = independent(lint(estate).filter((one) => one.complete && wanted(one)));
    if (chosen.length === 0) {
      break;
    }
    for (const finding of chosen) {
      commands.push(...finding.commands);
      undo.unshift(...finding.undo);
    }
  }
  return { commands, undo };
}

/** Those that name no object which an earlier one names. */
function independent(findings: readonly Finding[]): Finding[] {
  const named = new Set<string>();
  return findings.filter(({ commands }) => {
    const own = new Set(
      [...readStatements(commands.join("\n"))].flatMap(({ words, keys }) => [
        words[0] ?? "",
        ...(keys.get("monitorname") ?? []),
      ]),
    );
    const free = [...own].every((name) => !named.has(name));
    if (free) {
      own.forEach((name) => named.add(name));
    }
    return free;
  });
}
