import { z } from "zod";
import { instant } from "./fields.ts";

const maintenanceWindow = z.strictObject({
  name: z.string(),
  servers: z.array(z.string()),
  start: instant,
  end: z.union([instant, z.literal("never")]),
  reason: z.string().nullable(),
  author: z.string().nullable(),
  auto_end: z.boolean(),
  flexible: z.boolean(),
  source: z.enum(["config", "api"]),
  state: z.enum(["open", "coming", "over"]),
});

export const maintenanceSchema = z.strictObject({ windows: z.array(maintenanceWindow) });
export const windowSchema = z.strictObject({ window: maintenanceWindow });

export const reportSchema = z.strictObject({
  server: z.string(),
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      ok: z.boolean(),
      warning: z.boolean().describe("A risk that does not make the check fail."),
      message: z.string(),
    }),
  ),
});
