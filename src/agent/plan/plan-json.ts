import type { Depth } from "../../model/observation.ts";
import type { Diagnostic, Estate } from "../../model/estate.ts";
import { redactRequest } from "../../adc/request-secrets.ts";
import { codeRangeText, probeName, probeSight, type PlannedProbe } from "./planned-probe.ts";

/** `plan --json`: a contract, so every key is spelt out here. */
export interface PlanJson {
  readonly probes: readonly PlanRow[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface PlanRow {
  readonly kind: "monitor" | "transaction";
  readonly adc: string;
  readonly vservers: readonly string[];
  readonly adc_service: string | null;
  readonly server: string | null;
  readonly address: string | null;
  readonly port: number | "*" | null;
  readonly member_address: string | null;
  readonly member_port: number | "*" | null;
  readonly monitor: string | null;
  readonly transaction: string | null;
  readonly type: string;
  readonly vantage: string;
  /** How far it sees: `reach`, `tls`, `greeting`, `dialogue`, `login` or `mailbox`. */
  readonly depth: Depth;
  readonly supported: boolean;
  readonly unsupported_reason: string | null;
  readonly note: string | null;
  readonly source: string | null;
  /** Addresses the ADC may probe from: the first thing to check at a firewall. */
  readonly source_addresses: readonly string[];
  readonly tls: string | null;
  readonly secure: boolean;
  readonly reverse: boolean;
  readonly interval_ms: number;
  readonly timeout_ms: number;
  readonly down_time_ms: number | null;
  readonly retries: number | null;
  readonly success_retries: number | null;
  readonly failure_retries: number | null;
  readonly dest_ip: string | null;
  readonly dest_port: number | null;
  readonly request: string | null;
  readonly resp_codes: readonly string[] | null;
  readonly custom_headers: string | null;
  readonly send: string | null;
  readonly recv: string | null;
  readonly script: string | null;
}

export function planJson(plan: readonly PlannedProbe[], estates: readonly Estate[]): PlanJson {
  return {
    probes: plan.map(planRow),
    diagnostics: estates.flatMap((estate) => estate.diagnostics),
  };
}

export function planRow(probe: PlannedProbe): PlanRow {
  const { action } = probe;
  const monitor = action.kind === "monitor" ? action.monitor : null;
  const parameters = monitor?.parameters ?? null;
  const tls = action.run?.spec.tls ?? null;
  return {
    kind: action.kind,
    adc: probe.adc,
    vservers: probe.vservers,
    adc_service: probe.adcService === "" ? null : probe.adcService,
    server: probe.server,
    address: probe.address,
    port: probe.port,
    member_address: probe.memberAddress,
    member_port: probe.memberPort,
    monitor: monitor?.name ?? null,
    transaction: monitor === null ? probeName(probe) : null,
    type: probe.type,
    vantage: probe.vantage,
    depth: probeSight(probe).depth,
    supported: action.unsupportedReason === null,
    unsupported_reason: action.unsupportedReason,
    note: probe.note,
    source: monitor === null ? null : probe.source,
    source_addresses: monitor === null ? [] : probe.sourceAddresses,
    tls: probe.tlsSource,
    secure: monitor?.secure ?? tls !== null,
    reverse: monitor?.reverse ?? false,
    interval_ms: probe.intervalMs,
    timeout_ms: probe.timeoutMs,
    down_time_ms: monitor?.downTimeMs ?? null,
    retries: monitor?.retries ?? null,
    success_retries: monitor?.successRetries ?? null,
    failure_retries: monitor?.failureRetries ?? null,
    dest_ip: monitor?.destIp ?? null,
    dest_port: monitor?.destPort ?? null,
    request: withoutCredentials(parameters?.httpRequest ?? parameters?.rtspRequest ?? null),
    resp_codes: parameters?.respCodes?.map(codeRangeText) ?? null,
    custom_headers: withoutCredentials(parameters?.customHeaders ?? null),
    send: withoutCredentials(parameters?.send ?? null),
    recv: parameters?.recv ?? null,
    script: parameters?.scriptName ?? null,
  };
}

/** Headers or a whole request as written, without the credentials that some of them carry. */
function withoutCredentials(text: string | null): string | null {
  return text === null ? null : redactRequest(text);
}
