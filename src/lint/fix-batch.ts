import { parseNsConf } from "../adc/nsconf/import.ts";
import { readStatements, type Statement } from "../adc/nsconf/statements.ts";
import type { Finding } from "./finding.ts";
import { lint } from "./lint.ts";

/** Two batch files for the ADC: the fixes, and their undo. */
export interface FixBatch {
  readonly commands: readonly string[];
  readonly undo: readonly string[];
}

/** A fix may uncover a further finding; more rounds than this would be an endless loop. */
const MAX_ROUNDS = 8;

/**
 * The complete fixes of a configuration in an order that the ADC accepts. If several fixes change one object, the
 * configuration is read again after each of them, because each fix assumes the state in which it runs. `found`: the
 * findings for the original text.
 */
export function fixBatch(
  text: string,
  found: readonly Finding[],
  wanted: (finding: Finding) => boolean,
): FixBatch {
  const commands: string[] = [];
  const undo: string[] = [];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const findings = round === 0 ? found : findingsBehind(text, commands);
    const chosen = independent(findings.filter((one) => one.complete && wanted(one)));
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

/** The findings after these commands have run. */
function findingsBehind(text: string, commands: readonly string[]): Finding[] {
  // They run in the default partition, wherever the file ends.
  const here = /switch ns partition /i.test(text) ? ["switch ns partition default"] : [];
  return lint(parseNsConf([text, ...here, ...commands].join("\n"), { adc: "adc" }));
}

/** Those that change nothing that an earlier one changes. */
function independent(findings: readonly Finding[]): Finding[] {
  const touched = new Set<string>();
  return findings.filter(({ commands }) => {
    const own = [...readStatements(commands.join("\n"))].flatMap(touchedBy);
    const free = own.every((name) => !touched.has(name));
    if (free) {
      own.forEach((name) => touched.add(name));
    }
    return free;
  });
}

/**
 * What a command changes: the object and the monitor that it names. For a vserver only the options and the policy,
 * because fixes of vservers depend on nothing else.
 */
function touchedBy({ object, words, keys }: Statement): string[] {
  const [name = ""] = words;
  const options = [...keys].map(([key, values]) =>
    key === "policyname" ? `${name} ${values.join(" ")}` : `${name} -${key}`,
  );
  return object === "vserver" ? options : [name, ...(keys.get("monitorname") ?? [])];
}
