import type { Port } from "../../model/adc-service.ts";
import type { Depth, Vantage, Sight } from "../../model/observation.ts";
import type { CodeRange, Monitor } from "../../model/monitor.ts";
import { depthOfTransaction, monitorSight, transactionSight } from "../../probes/depth.ts";
import { remembered } from "../../lib/remembered.ts";
import { isSupported, monitorTypeOf } from "../../probes/monitors/registry.ts";
import type { MonitorSpec } from "../../probes/monitors/spec.ts";
import type { Target } from "../../net/probe-context.ts";
import type { TransactionName, TransactionSpec } from "../../model/transactions.ts";
import type { Estate } from "../../model/estate.ts";
import { redactRequest } from "../../adc/request-secrets.ts";
import type { VipRefusal } from "../../verdict/vip-refusal.ts";
import type { PlanJson, PlanRow } from "./plan-answer.ts";

/**
 * A probe's identity: the same after restarts and imports, so that schedules and stored state find their probe again.
 */
export function probeId(
  adc: string,
  vantage: Vantage,
  owner: string,
  server: string,
  port: Port,
  name: string,
): string {
  const member = `${withoutSlash(owner)}/${withoutSlash(server)}/${String(port)}`;
  return `${withoutSlash(adc)}/${vantage}/${member}/${withoutSlash(name)}`;
}

function withoutSlash(part: string): string {
  return part.includes("/") ? part.replaceAll("/", "%2F") : part;
}

/** One probe that the agent would run, or the reason why it cannot: a row of `plan`. */
export interface PlannedProbe {
  /** Stable over restarts and imports: target, vantage and type. */
  readonly id: string;
  readonly adc: string;
  readonly vantage: Vantage;
  /** The vserver that a VIP probe belongs to; empty at the backend. */
  readonly vserver: string;
  /** Vservers that the member serves (backend), or the vserver itself (VIP). */
  readonly vservers: readonly string[];
  /** The service or group whose monitor or member this is; empty if a VIP probe belongs to no single one. */
  readonly adcService: string;
  /** The member's server; null at a VIP. */
  readonly server: string | null;
  /** The member's own address and port, regardless of the monitor's destIP and destPort. */
  readonly memberAddress: string | null;
  readonly memberPort: Port | null;
  /** The probe's destination as the estate names it. */
  readonly address: string | null;
  readonly port: Port | null;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** NetScaler's monitor type, or the transaction's name: the `type` label. */
  readonly type: string;
  /** Where the ADC itself sends this probe from: the first thing to check at a firewall. */
  readonly source: string;
  /** The addresses of `source`, as far as the configuration names them. */
  readonly sourceAddresses: readonly string[];
  /** Which TLS versions are used and why, as text; null without TLS. */
  readonly tlsSource: string | null;
  /** How this probe differs from the ADC's own, if it does. */
  readonly note: string | null;
  /**
   * The configuration has the member disabled, so that the ADC does not probe it; absent: it has not. Only plans say so:
   * where the agent runs, the ADC's state is newer.
   */
  readonly memberDisabled?: true;
  /**
   * Why the ADC's monitor decides about no server of clients here: it or its binding is disabled, the member only gives
   * its vserver a state, or what it asks is the ADC itself; absent: it decides.
   */
  readonly aside?: "switched_off" | "serves_no_clients" | "asks_adc_itself";
  /** What in the configuration may refuse only this agent, at a VIP or behind it; absent: nothing. */
  readonly refusal?: VipRefusal;
  /** The operator's reason for excluding this monitor from verdicts; absent: it is included. */
  readonly unjudged?: string;
  readonly action: ProbeAction;
}

type ProbeAction =
  | {
      readonly kind: "monitor";
      readonly monitor: Monitor;
      /** False if the binding or the monitor is disabled on the ADC: listed, not run, not counted. */
      readonly weight: number;
      readonly run: { readonly spec: MonitorSpec; readonly target: Target } | null;
      readonly unsupportedReason: string | null;
    }
  | {
      readonly kind: "transaction";
      readonly transaction: TransactionName;
      /** `service`: gives the service opinion; `detection`: only detects and reports (health_page). */
      readonly role: "service" | "detection";
      /** Probes with an account take precedence over looks. */
      readonly account: string | null;
      readonly run: { readonly spec: TransactionSpec; readonly target: Target } | null;
      readonly unsupportedReason: string | null;
    };

/** The probe's name in tables and metrics: its monitor or its transaction. */
export function probeName(probe: PlannedProbe): string {
  return probe.action.kind === "monitor" ? probe.action.monitor.name : probe.action.transaction;
}

/** How deep a probe checks the service, whether it can be run or not. */
export function probeSight({ action }: PlannedProbe): Sight {
  return action.kind === "monitor"
    ? monitorSight(action.monitor)
    : transactionSight(action.transaction, action.run?.spec.path ?? null);
}

/** Whether probes of this kind that start together share one process, as ICMP echoes do. */
export function isSentInBatches({ action }: PlannedProbe): boolean {
  if (action.kind !== "monitor") {
    return false;
  }
  const type = monitorTypeOf(action.monitor);
  return isSupported(type) && type.transport === "icmp";
}

/** Response codes as the ADC writes them: `200`, `301-302`. */
export function codeRangeText(range: CodeRange): string {
  return range.from === range.to ? String(range.from) : `${String(range.from)}-${String(range.to)}`;
}

/** The output of `plan --json`. It is a contract, so every key is written out. */
export function planJson(plan: readonly PlannedProbe[], estates: readonly Estate[]): PlanJson {
  return {
    probes: plan.map((probe) => planRow(probe)),
    diagnostics: estates.flatMap((estate) => estate.diagnostics),
  };
}

/** What rows say about a monitor alone, which many probes share. */
interface MonitorReader {
  /** Headers or a whole request as configured, with credentials redacted. */
  readonly shown: (text: string) => string;
  readonly depthOf: (monitor: Monitor) => Depth;
}

const READER: MonitorReader = {
  shown: redactRequest,
  depthOf: (monitor) => monitorSight(monitor).depth,
};

/** A reader that reads each text and each monitor only once. */
export function createMonitorReader(): MonitorReader {
  return { shown: remembered(READER.shown), depthOf: remembered(READER.depthOf) };
}

function noteOf({ note, memberDisabled }: PlannedProbe): string | null {
  const disabled = memberDisabled === true ? "the member is disabled on the ADC" : null;
  return note === null || disabled === null ? (note ?? disabled) : `${disabled}; ${note}`;
}

/** `reader`: for many rows, one from {@link createMonitorReader}. */
export function planRow(probe: PlannedProbe, { shown, depthOf }: MonitorReader = READER): PlanRow {
  const { action } = probe;
  const monitor = action.kind === "monitor" ? action.monitor : null;
  const parameters = monitor?.parameters ?? null;
  const tls = action.run?.spec.tls ?? null;
  return {
    kind: action.kind,
    adc: probe.adc,
    vservers: [...probe.vservers],
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
    depth:
      action.kind === "monitor" ? depthOf(action.monitor) : depthOfTransaction(action.transaction),
    supported: action.unsupportedReason === null,
    unsupported_reason: action.unsupportedReason,
    note: noteOf(probe),
    source: monitor === null ? null : probe.source,
    source_addresses: monitor === null ? [] : [...probe.sourceAddresses],
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
    request: withoutCredentials(parameters?.httpRequest ?? parameters?.rtspRequest ?? null, shown),
    resp_codes: parameters?.respCodes?.map(codeRangeText) ?? null,
    custom_headers: withoutCredentials(parameters?.customHeaders ?? null, shown),
    send: withoutCredentials(parameters?.send ?? null, shown),
    recv: parameters?.recv ?? null,
    script: parameters?.scriptName ?? null,
  };
}

/** Headers or a whole request as configured, with credentials redacted. */
function withoutCredentials(text: string | null, shown: (text: string) => string): string | null {
  return text === null ? null : shown(text);
}
