import { z } from "zod";

const severity = z.enum(["error", "warning", "info"]);
const line = z.number().int().nullable();
const cell = z.enum(["passes", "fails", "unknown"]);

/** `lint --json`. */
export const lintAnswer = z.strictObject({
  findings: z.array(
    z.strictObject({
      rule: z.string(),
      severity,
      line,
      object: z.string(),
      objects: z.array(z.strictObject({ name: z.string(), line })),
      message: z.string(),
      fix: z.string().nullable().describe("The commands for the first object, one per line."),
      commands: z.array(z.string()).describe("The commands for all objects."),
      complete: z.boolean().describe("Whether the commands can be run as they are."),
      incomplete: z.string().nullable().describe("Why not."),
    }),
  ),
  passed_over: z
    .number()
    .int()
    .describe("Lines of a captured session or a page that are no commands and were not read."),
  notes: z
    .array(z.string())
    .describe(
      "What was read rather than what is wrong with it: what is not examined, names that the text lacks.",
    ),
  matrix: z
    .strictObject({
      tables: z.array(
        z.strictObject({
          title: z.string(),
          failures: z.array(z.string()),
          rows: z.array(
            z.strictObject({
              origin: z.enum(["bound", "advised", "look"]),
              name: z.string(),
              does: z.string(),
              healthy: cell.describe("Against a working server."),
              cells: z.array(cell).describe("One for each failure of the table."),
            }),
          ),
        }),
      ),
      unmeasured: z.array(z.strictObject({ probe: z.string(), reason: z.string() })),
    })
    .optional()
    .describe("With --matrix."),
});

/** `lint --explain RULE --json`. */
export const ruleAnswer = z.strictObject({
  error: z.null(),
  rule: z.string(),
  severity: severity.describe("Of its findings, unless a finding says otherwise."),
  meaning: z.string(),
  documentation: z.string().describe("Where an example, a near miss and the fix are."),
});
