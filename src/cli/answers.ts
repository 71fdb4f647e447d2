import { z } from "zod";
import { planAnswer } from "../agent/plan/plan-answer.ts";
import { sloAnswer, windowReportAnswer } from "../change/window-report.ts";
import { reportAnswer, windowAnswer, windowsAnswer } from "../web/api/maintenance.ts";
import { verdictsAnswer } from "../web/api/verdicts.ts";
import { checkConfigAnswer } from "./check-config.ts";
import { lintAnswer, ruleAnswer } from "./lint-answer.ts";
import { probeAnswer } from "./probe.ts";

const error = z.string().describe("Why the command failed.");
const status = z.enum(["OK", "WARNING", "CRITICAL", "UNKNOWN"]);

function command(answer: z.ZodObject): z.ZodType {
  return z.union([
    z.strictObject({
      error: error.nullable().describe("Null, or what failed although there is an answer."),
      ...answer.shape,
    }),
    z.strictObject({ error }),
  ]);
}

/** `onFailure`: the fields besides the error. */
function plugin(answer: z.ZodObject, onFailure: z.ZodRawShape = {}): z.ZodType {
  return z.union([
    z.strictObject({ status, error: z.null(), ...answer.shape }),
    z.strictObject({ status, error, ...onFailure }),
  ]);
}

const none = z.array(z.never()).optional();
const nothingCompared = {
  rows: none,
  vservers: none,
  summary: z.strictObject({}).optional(),
  adcs: none,
  gaps: none,
  findings: none,
};

/** The `--json` (`--format json`) output of each command, also on failure; published as `schema/NAME.schema.json`. */
export const COMMAND_ANSWERS: ReadonlyMap<string, z.ZodType> = new Map([
  ["plan", command(planAnswer)],
  ["check-config", command(checkConfigAnswer)],
  ["lint", z.union([command(lintAnswer), ruleAnswer.describe("With --explain.")])],
  ["compare", plugin(verdictsAnswer, nothingCompared)],
  ["probe", plugin(probeAnswer)],
  ["slo", plugin(sloAnswer)],
  ["maintenance start", plugin(windowAnswer)],
  ["maintenance end", plugin(windowAnswer)],
  ["maintenance extend", plugin(windowAnswer)],
  ["maintenance list", plugin(windowsAnswer)],
  ["maintenance preflight", plugin(reportAnswer)],
  ["maintenance verify", plugin(reportAnswer)],
  ["maintenance report", plugin(windowReportAnswer)],
]);

/** JSON Schema (draft 2020-12) of a command's output. */
export function commandSchema(name: string, answer: z.ZodType): Readonly<Record<string, unknown>> {
  return { title: `adc-witness ${name} --json`, ...z.toJSONSchema(answer) };
}
