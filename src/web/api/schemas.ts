import { z } from "zod";
import { DEPTHS } from "../../model/depth.ts";
import { REASONS, STEPS } from "../../model/reasons.ts";
import { ADC_OPINIONS, MEMBER_VERDICTS, VSERVER_VERDICTS } from "../../model/verdicts.ts";
import { VANTAGES } from "../../model/observation.ts";
import { NAME_COMPARISONS, TLS_ENDS } from "../../model/live.ts";
import { maintenanceBody } from "./maintenance.ts";

/** The fields that several answers of `/api/v1` have. */
const port = z.union([z.number().int().min(0).max(65_535), z.literal("*")]);
const instant = z.iso.datetime().nullable();
const step = z.enum(STEPS).nullable();
const reason = z.enum(REASONS).nullable();
const adcOpinion = z.enum(ADC_OPINIONS);
const upDown = z.enum(["up", "down", "unknown"]);
const service = z.enum(["up", "down", "unknown", "none"]);
const depth = z.enum(DEPTHS).nullable();
const vip = z.enum(["up", "down", "protected", "none", "unknown"]);

export const changeSchema = z.strictObject({
  at: instant,
  kind: z.enum(["member", "vserver"]),
  adc: z.string(),
  vserver: z.string().nullable(),
  adc_service: z.string().nullable(),
  server: z.string().nullable(),
  port: port.nullable(),
  opinions: z.strictObject({
    adc: adcOpinion,
    replica: upDown.nullable(),
    service: z.union([service, vip]),
  }),
  verdict: z.enum([...MEMBER_VERDICTS, ...VSERVER_VERDICTS]),
  previous_verdict: z.string().nullable(),
  step,
  reason,
});

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
      .describe("Mailbox server named by the front end (X-CalculatedBETarget)."),
    tls: z
      .strictObject({
        protocol: z.string().nullable(),
        cipher: z.string().nullable(),
        verification: z.enum(["ok", "expired", "not_yet_valid", "name", "untrusted", "unverified"]),
        server_name: z.string().nullable(),
        chain: z.array(certificate),
      })
      .nullable(),
    transcript: z.string().describe("The exchange as text; truncated, secrets redacted."),
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
      address: z.string().nullable().describe("Target, as named by the estate or DNS."),
      interval_ms: z.number(),
      depth: depth.describe("How far it sees into the service."),
      opinion: upDown,
      passed: z.boolean().nullable(),
      not_repeated: z
        .string()
        .nullable()
        .describe("Why it never runs, as in `plan`; null if it runs."),
      last: observation,
      last_success: observation,
      last_failure: observation,
    }),
  ),
});

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
      warning: z.boolean().describe("A risk that does not fail the check."),
      message: z.string(),
    }),
  ),
});

const memberRow = z.strictObject({
  adc: z.string(),
  vserver: z.string().nullable(),
  vservers: z.array(z.string()),
  adc_service: z.string(),
  server: z.string(),
  address: z.string().nullable(),
  port,
  monitor: z.string().nullable().describe("The monitor or transaction that decided the verdict."),
  monitors: z.array(
    z.strictObject({
      monitor: z.string(),
      vantage: z.enum(VANTAGES),
      opinion: upDown,
      step,
      reason,
    }),
  ),
  opinions: z.strictObject({ adc: adcOpinion, replica: upDown, service }),
  depth: z.strictObject({ adc: depth, replica: depth, service: depth }),
  adc_last_response: z.string().nullable(),
  verdict: z.enum(MEMBER_VERDICTS),
  step,
  reason,
  since: instant,
  away_since: instant.describe(
    "Since when it has been out of service, or DOWN and not working; null while it is neither.",
  ),
});

const vserverRow = z.strictObject({
  adc: z.string(),
  vserver: z.string(),
  address: z.string().nullable(),
  port: port.nullable(),
  adc_state: adcOpinion,
  vip,
  members_up: z.number().int(),
  members_total: z.number().int(),
  verdict: z.enum(VSERVER_VERDICTS),
  reason,
  since: instant,
  client_address_kept: z
    .boolean()
    .nullable()
    .describe("Whether servers see the client's own address, as reported by SMTP servers."),
  misrouted: z
    .array(z.strictObject({ path: z.string().nullable(), server: z.string() }))
    .describe("Paths that policies switch here but that a server of another group answered last."),
  tls_ends: z.enum(TLS_ENDS).describe("Where client TLS is terminated, derived from the estate."),
  certificate_differs: z
    .boolean()
    .nullable()
    .describe("Whether certificates that must be identical differ; null if not applicable."),
  auth_schemes_differ: z
    .array(
      z.strictObject({
        server: z.string(),
        port,
        path: z.string(),
        offers: z.string(),
        others: z.string(),
      }),
    )
    .nullable()
    .describe(
      "Members that offer other login schemes than the rest of their group; null if nothing can be compared.",
    ),
  persistence: z
    .strictObject({
      type: z.string(),
      probes: z.enum(["running", "avoiding", "paused"]),
      sticks_to: z.array(z.strictObject({ source: z.string(), server: z.string().nullable() })),
      observable: z
        .boolean()
        .describe("False if probes from one address always reach the same server."),
    })
    .nullable()
    .describe("Source-address persistence of the vserver."),
  public_names: z
    .array(
      z.strictObject({
        name: z.string(),
        dns: z.enum(NAME_COMPARISONS),
        addresses: z.array(z.strictObject({ address: z.string(), vip: z.boolean() })),
        unprobed: z.number().int(),
        message: z.string().nullable(),
      }),
    )
    .describe("Names that clients use, with the addresses DNS returns."),
});

export const verdictsSchema = z.strictObject({
  rows: z.array(memberRow),
  vservers: z.array(vserverRow),
  summary: z.record(z.string(), z.number().int().positive()),
});

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
