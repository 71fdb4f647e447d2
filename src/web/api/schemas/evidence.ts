import { z } from "zod";
import { VANTAGES } from "../../../probes/probe.ts";
import { REASONS, STEPS } from "../../../probes/reason.ts";
import { instant, port, upDown } from "./fields.ts";

const certificate = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  sha256: z.string(),
  not_before: instant,
  not_after: instant,
  names: z.array(z.string()),
  key: z.string(),
});

const observation = z
  .strictObject({
    started_at: instant,
    duration_ms: z.number(),
    outcome: z.enum(["match", "maintenance", "mismatch", "refused", "timeout", "failed", "fault"]),
    step: z.enum(STEPS),
    reason: z.enum(REASONS),
    phases_ms: z.record(z.string(), z.number()),
    response_time_ms: z.number().nullable(),
    served_by: z.string().nullable(),
    backend_server: z
      .string()
      .nullable()
      .describe("The mailbox server that the front end named (X-CalculatedBETarget)."),
    tls: z
      .strictObject({
        protocol: z.string().nullable(),
        cipher: z.string().nullable(),
        verification: z.enum(["ok", "expired", "not_yet_valid", "name", "untrusted", "unverified"]),
        server_name: z.string().nullable(),
        chain: z.array(certificate),
      })
      .nullable(),
    transcript: z.string().describe("What was exchanged; bounded, secrets replaced."),
    detail: z.string().nullable(),
  })
  .nullable();

export const evidenceSchema = z.strictObject({
  probes: z.array(
    z.strictObject({
      id: z.string(),
      adc: z.string(),
      kind: z.enum(["monitor", "transaction"]),
      vserver: z.string().nullable(),
      adc_service: z.string().nullable(),
      server: z.string().nullable(),
      port: port.nullable(),
      monitor: z.string().nullable(),
      transaction: z.string().nullable(),
      type: z.string(),
      vantage: z.enum(VANTAGES),
      address: z.string().nullable().describe("Where it goes, as the estate or DNS names it."),
      interval_ms: z.number(),
      opinion: upDown,
      passed: z.boolean().nullable(),
      not_repeated: z
        .string()
        .nullable()
        .describe("Why it is never run, as `plan` says; null where it is."),
      last: observation,
      last_success: observation,
      last_failure: observation,
    }),
  ),
});
