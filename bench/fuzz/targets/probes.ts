import type { MonitorParameters } from "../../../src/model/monitor.ts";
import { monitorWithDefaults } from "../../../src/adc/monitor-defaults.ts";
import { runMonitor } from "../../../src/probes/monitors/registry.ts";
import type { MonitorSpec } from "../../../src/probes/monitors/spec.ts";
import type { Observation } from "../../../src/model/observation.ts";
import type { ProbeContext, Target } from "../../../src/net/probe-context.ts";
import { runTransaction } from "../../../src/probes/transactions/registry.ts";
import type { TransactionName, TransactionSpec } from "../../../src/model/transactions.ts";
import { STALL_DETAIL } from "../../../src/net/probe-run.ts";

/** Probes a server once. Every probe must end by its own time-out, with an outcome. */
export type FuzzProbe = (target: Target, context: ProbeContext) => Promise<Observation>;

/** Runs of a monitor of this type. */
export function monitorProbe(type: string, parameters: Partial<MonitorParameters> = {}): FuzzProbe {
  const spec: MonitorSpec = {
    monitor: monitorWithDefaults({ name: `m_${type}`, type, parameters }),
    hostHeader: "127.0.0.1",
    tls: null,
    credential: {
      username: "probe",
      password: { reveal: () => "secret" },
      secret: { reveal: () => "public" },
    },
    command: null,
    viaVip: null,
  };
  return async (target, context) => {
    const { observation } = await runMonitor(spec, target, context);
    return withoutFaultOfOurs(observation);
  };
}

/** Runs of an anonymous look without TLS. */
export function lookProbe(transaction: TransactionName, path: string | null = null): FuzzProbe {
  const spec: TransactionSpec = {
    transaction,
    security: "none",
    tls: null,
    host: "mail.example.com",
    path,
    account: null,
    allowPlaintext: true,
    expect: "works",
    exchange: "2016",
    adc: null,
    options: transaction === "dns_lookup" ? { query: "mail.example.com", type: "A" } : {},
  };
  return async (target, context) => withoutFaultOfOurs(await runTransaction(spec, target, context));
}

/** An internal exception that a probe caught: no server may cause one. Socket errors have another step. */
function withoutFaultOfOurs(observation: Observation): Observation {
  const { outcome, reason, step, evidence } = observation;
  const ours = outcome === "fault" && reason === "agent_fault" && step === "transaction";
  if (ours && evidence.detail !== STALL_DETAIL) {
    throw new Error(evidence.detail ?? "agent_fault");
  }
  return observation;
}
