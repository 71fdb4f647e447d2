import type { Depth } from "../../model/depth.ts";
import type { LiveProbe } from "../../model/live.ts";
import type { CertificateFacts, Observation, TlsFacts } from "../../model/observation.ts";
import { instant } from "../verdicts-json.ts";

/** What stands behind opinions: the last runs of a probe with timings, TLS facts and redacted transcript. */
export interface ProbeEvidence {
  readonly id: string;
  readonly adc: string;
  readonly kind: "monitor" | "transaction";
  readonly vserver: string | null;
  readonly adc_service: string | null;
  readonly server: string | null;
  readonly port: number | "*" | null;
  readonly monitor: string | null;
  readonly transaction: string | null;
  readonly type: string;
  readonly vantage: string;
  /** Where it goes, as the estate or DNS names it: tells the sites of a client-facing name apart. */
  readonly address: string | null;
  readonly interval_ms: number;
  /** How far it sees. */
  readonly depth: Depth | null;
  readonly opinion: string;
  readonly passed: boolean | null;
  /** Why it is never run, in words; null where it is. */
  readonly not_repeated: string | null;
  readonly last: ObservationJson | null;
  readonly last_success: ObservationJson | null;
  readonly last_failure: ObservationJson | null;
}

export interface ObservationJson {
  readonly started_at: string | null;
  readonly duration_ms: number;
  readonly outcome: string;
  readonly step: string;
  readonly reason: string;
  readonly phases_ms: Readonly<Record<string, number>>;
  readonly response_time_ms: number | null;
  readonly served_by: string | null;
  /** The mailbox server that the front end named. */
  readonly backend_server: string | null;
  readonly tls: TlsJson | null;
  readonly transcript: string;
  readonly detail: string | null;
}

export interface TlsJson {
  readonly protocol: string | null;
  readonly cipher: string | null;
  readonly verification: string;
  readonly server_name: string | null;
  readonly chain: readonly CertificateJson[];
}

export interface CertificateJson {
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly sha256: string;
  readonly not_before: string | null;
  readonly not_after: string | null;
  readonly names: readonly string[];
  readonly key: string;
}

export function probeEvidence(probe: LiveProbe): ProbeEvidence {
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
    address: probe.address ?? null,
    interval_ms: probe.intervalMs,
    depth: probe.depth ?? null,
    opinion: probe.opinion,
    passed: probe.lastPassed,
    not_repeated: probe.notRepeated ?? null,
    last: observationJson(probe.last),
    last_success: observationJson(probe.lastSuccess),
    last_failure: observationJson(probe.lastFailure),
  };
}

function observationJson(observation: Observation | null): ObservationJson | null {
  return observation === null
    ? null
    : {
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

function tlsJson(facts: TlsFacts): TlsJson {
  return {
    protocol: facts.protocol,
    cipher: facts.cipher,
    verification: facts.verification,
    server_name: facts.serverName,
    chain: facts.chain.map(certificateJson),
  };
}

function certificateJson(certificate: CertificateFacts): CertificateJson {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serial: certificate.serial,
    sha256: certificate.sha256,
    not_before: instant(certificate.notBefore),
    not_after: instant(certificate.notAfter),
    names: certificate.names,
    key: certificate.key,
  };
}

function orNull(name: string): string | null {
  return name === "" ? null : name;
}
