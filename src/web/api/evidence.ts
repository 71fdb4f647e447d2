import { z } from "zod";
import type { LiveProbe } from "../../model/live.ts";
import {
  VANTAGES,
  type CertificateFacts,
  type Observation,
  type TlsFacts,
} from "../../model/observation.ts";
import { REASONS, STEPS } from "../../model/reasons.ts";
import { type Answer, depth, instant, moment, port, upDown } from "./shapes.ts";

const certificateShape = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  serial: z.string(),
  sha256: z.string(),
  thumbprint: z.string().describe("SHA-1, as Windows and Exchange show it."),
  not_before: moment,
  not_after: moment,
  names: z.array(z.string()),
  key: z.string(),
});

const tlsShape = z.strictObject({
  protocol: z.string().nullable(),
  cipher: z.string().nullable(),
  verification: z.enum(["ok", "expired", "not_yet_valid", "name", "untrusted", "unverified"]),
  server_name: z.string().nullable(),
  chain: z.array(certificateShape),
});

export const observationShape = z.strictObject({
  started_at: moment,
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
  tls: tlsShape.nullable(),
  transcript: z.string().describe("The exchange as text; truncated, secrets redacted."),
  detail: z.string().nullable(),
});

const probeShape = z.strictObject({
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
  depth: depth.describe("How deep it checks the service."),
  opinion: upDown,
  passed: z.boolean().nullable(),
  not_repeated: z.string().nullable().describe("Why it never runs, as in `plan`; null if it runs."),
  last: observationShape.nullable(),
  last_success: observationShape.nullable(),
  last_failure: observationShape.nullable(),
});

/** The evidence for opinions: the last runs of each probe with timings, TLS facts and redacted transcript. */
export const evidenceAnswer = z.strictObject({ probes: z.array(probeShape) });

export function probeEvidence(probe: LiveProbe): Answer<typeof probeShape> {
  return {
    id: probe.id,
    adc: probe.adc,
    kind: probe.kind,
    vserver: orNull(probe.vserver),
    adc_service: orNull(probe.adcService),
    server: orNull(probe.server),
    port: probe.port === "" ? null : probe.port,
    monitor: orNull(probe.monitor),
    transaction: orNull(probe.transaction),
    type: probe.type,
    vantage: probe.vantage,
    address: probe.address,
    interval_ms: probe.intervalMs,
    depth: probe.depth ?? null,
    opinion: probe.opinion,
    passed: probe.lastPassed,
    not_repeated: probe.notRepeated,
    last: orNone(probe.last),
    last_success: orNone(probe.lastSuccess),
    last_failure: orNone(probe.lastFailure),
  };
}

export function observationJson(observation: Observation): Answer<typeof observationShape> {
  return {
    started_at: instant(observation.startedAt),
    duration_ms: observation.durationMs,
    outcome: observation.outcome,
    step: observation.step,
    reason: observation.reason,
    phases_ms: observation.phases,
    response_time_ms: observation.responseTimeMs,
    served_by: observation.servedBy,
    backend_server: observation.backendServer ?? null,
    tls: observation.tls === null ? null : tlsJson(observation.tls),
    transcript: observation.evidence.transcript,
    detail: observation.evidence.detail,
  };
}

function orNone(observation: Observation | null): Answer<typeof observationShape> | null {
  return observation === null ? null : observationJson(observation);
}

function tlsJson(facts: TlsFacts): Answer<typeof tlsShape> {
  return {
    protocol: facts.protocol,
    cipher: facts.cipher,
    verification: facts.verification,
    server_name: facts.serverName,
    chain: facts.chain.map(certificateJson),
  };
}

function certificateJson(certificate: CertificateFacts): Answer<typeof certificateShape> {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serial: certificate.serial,
    sha256: certificate.sha256,
    thumbprint: certificate.thumbprint,
    not_before: instant(certificate.notBefore),
    not_after: instant(certificate.notAfter),
    names: certificate.names,
    key: certificate.key,
  };
}

function orNull(name: string): string | null {
  return name === "" ? null : name;
}
