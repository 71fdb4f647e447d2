import { z } from "zod";
import { maintenanceBody } from "../maintenance.ts";
import { changeSchema } from "./change.ts";
import { estateSchema } from "./estate.ts";
import { evidenceSchema } from "./evidence.ts";
import { maintenanceSchema, reportSchema, windowSchema } from "./maintenance.ts";
import { verdictsSchema } from "./verdicts.ts";

export const problemSchema = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
});

export const discoverySchema = z.array(
  z.strictObject({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }),
);

/** The shapes of `/api/v1` as JSON Schema, published at `/api/v1/schema.json`; every answer is tested against them. */
export function apiSchema(): Readonly<Record<string, unknown>> {
  const of = (schema: z.ZodType): unknown => z.toJSONSchema(schema, { io: "input" });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "adc-witness API, version 1",
    paths: {
      "GET /api/v1/verdicts": of(verdictsSchema),
      "GET /api/v1/estate": of(estateSchema),
      "GET /api/v1/evidence": of(evidenceSchema),
      "GET /api/v1/events": of(changeSchema),
      "GET /api/v1/maintenance": of(maintenanceSchema),
      "POST /api/v1/maintenance": of(windowSchema),
      "DELETE /api/v1/maintenance": of(windowSchema),
      "GET /api/v1/maintenance/preflight": of(reportSchema),
      "GET /api/v1/maintenance/verify": of(reportSchema),
      "GET /sd/targets": of(discoverySchema),
    },
    requests: { "POST /api/v1/maintenance": of(maintenanceBody) },
    problem: of(problemSchema),
  };
}
