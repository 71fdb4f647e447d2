import { z } from "zod";
import { DEPTHS } from "../../model/observation.ts";

const port = z.union([z.number().int(), z.literal("*")]).nullable();

const rowShape = z.strictObject({
  kind: z.enum(["monitor", "transaction"]),
  adc: z.string(),
  vservers: z.array(z.string()),
  adc_service: z.string().nullable(),
  server: z.string().nullable(),
  address: z.string().nullable(),
  port,
  member_address: z.string().nullable(),
  member_port: port,
  monitor: z.string().nullable(),
  transaction: z.string().nullable(),
  type: z.string(),
  vantage: z.string(),
  depth: z.enum(DEPTHS).describe("How far it sees into the service."),
  supported: z.boolean(),
  unsupported_reason: z.string().nullable(),
  note: z.string().nullable(),
  source: z.string().nullable(),
  source_addresses: z
    .array(z.string())
    .describe("Addresses the ADC may probe from: the first thing to check at a firewall."),
  tls: z.string().nullable(),
  secure: z.boolean(),
  reverse: z.boolean(),
  interval_ms: z.number(),
  timeout_ms: z.number(),
  down_time_ms: z.number().nullable(),
  retries: z.number().nullable(),
  success_retries: z.number().nullable(),
  failure_retries: z.number().nullable(),
  dest_ip: z.string().nullable(),
  dest_port: z.number().nullable(),
  request: z.string().nullable(),
  resp_codes: z.array(z.string()).nullable(),
  custom_headers: z.string().nullable(),
  send: z.string().nullable(),
  recv: z.string().nullable(),
  script: z.string().nullable(),
});

/** The output of `plan --json`. It is separate from the plan so that the browser's lint page can include it. */
export const planAnswer = z.strictObject({
  probes: z.array(rowShape),
  diagnostics: z.array(
    z.strictObject({
      severity: z.enum(["info", "warning", "error"]),
      rule: z.string(),
      line: z.number().int().nullable().describe("Null where it was not read from a file."),
      object: z.string(),
      message: z.string(),
    }),
  ),
});

export type PlanJson = Readonly<z.output<typeof planAnswer>>;
export type PlanRow = Readonly<z.output<typeof rowShape>>;
