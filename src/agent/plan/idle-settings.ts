import { createVserverGraph } from "../../adc/vserver-graph.ts";
import type { LearnedExchange } from "../../adc/recognise.ts";
import type { Config } from "../../config/schema.ts";
import { problemText, type ConfigProblem } from "../../config/problems.ts";
import type { Estate } from "../../model/estate.ts";
import { configuredProbes } from "./configured-probes.ts";
import { findsAnything } from "./exclusions.ts";
import { recogniserOf } from "./look-probes.ts";
import type { PlanSettings } from "./settings.ts";

/** An estate, and what its ADC is planned with. */
export interface PlannedEstate {
  readonly estate: Estate;
  readonly settings: PlanSettings;
  readonly learned?: LearnedExchange;
}

/** Runs and exclusions of the configuration that select nothing in any estate: each is a mistake, told with its place. */
export function idleSettings(
  config: Pick<Config, "file" | "transactions" | "exclude" | "locate">,
  estates: readonly PlannedEstate[],
): readonly ConfigProblem[] {
  const problem = (path: readonly (string | number)[], message: string): ConfigProblem => ({
    file: config.file,
    ...(config.locate?.(path) ?? { line: null, column: null }),
    path: path.join("."),
    message,
  });
  const runs = config.transactions.run.flatMap((run, index) =>
    estates.some(({ estate, settings, learned = new Set() }) => {
      const one = { ...settings, runs: [run] };
      const recognise = recogniserOf(estate, one, learned);
      return configuredProbes(estate, one, recognise, createVserverGraph(estate)).length > 0;
    })
      ? []
      : problem(
          ["transactions", "run", index],
          problemText(
            `${run.transaction} selects no member and no vserver of any estate`,
            "members whose protocol the transaction speaks, and a vantage from which they are reached",
            "correct members or vantages, or name the ports",
          ),
        ),
  );
  const exclusions = (config.exclude ?? []).flatMap((exclusion, index) =>
    estates.some(({ estate }) => findsAnything(exclusion, estate))
      ? []
      : problem(
          ["exclude", index, exclusion.what],
          problemText(
            `${exclusion.pattern} selects nothing in any estate`,
            `a ${exclusion.what} of an estate`,
            "correct the name, or remove the entry",
          ),
        ),
  );
  return [...runs, ...exclusions];
}
