import { z } from "zod";
import { port } from "./fields.ts";

export const estateSchema = z.strictObject({
  adcs: z.array(
    z.strictObject({
      adc: z.string(),
      firmware: z.string().nullable(),
      vservers: z.array(
        z.strictObject({
          vserver: z.string(),
          kind: z.enum(["lb", "cs"]),
          service_type: z.string(),
          address: z.string().nullable(),
          port: port.nullable(),
          enabled: z.boolean(),
          services: z.array(z.string()),
          targets: z.array(z.string()),
          persistence: z.string().nullable(),
          backup_vserver: z.string().nullable(),
          redirect_url: z.string().nullable(),
        }),
      ),
      services: z.array(
        z.strictObject({
          adc_service: z.string(),
          kind: z.enum(["service", "serviceGroup"]),
          service_type: z.string(),
          enabled: z.boolean(),
          health_monitor: z.boolean(),
          monitors: z.array(
            z.strictObject({
              monitor: z.string(),
              enabled: z.boolean(),
              weight: z.number(),
              synthesised: z.boolean(),
            }),
          ),
          members: z.array(
            z.strictObject({
              server: z.string(),
              address: z.string().nullable(),
              port,
              enabled: z.boolean(),
              weight: z.number(),
            }),
          ),
        }),
      ),
      monitors: z.array(
        z.strictObject({
          monitor: z.string(),
          type: z.string(),
          built_in: z.boolean(),
          enabled: z.boolean(),
          interval_ms: z.number(),
          timeout_ms: z.number(),
          down_time_ms: z.number(),
          retries: z.number(),
          success_retries: z.number(),
          secure: z.boolean(),
          reverse: z.boolean(),
          destination_ip: z.string().nullable(),
          destination_port: z.number().nullable(),
          written: z
            .record(z.string(), z.array(z.string()))
            .describe("Parameters as written; secrets are masked."),
        }),
      ),
      diagnostics: z.array(
        z.strictObject({
          severity: z.enum(["info", "warning", "error"]),
          rule: z.string(),
          line: z.number().nullable(),
          object: z.string(),
          message: z.string(),
        }),
      ),
    }),
  ),
});
