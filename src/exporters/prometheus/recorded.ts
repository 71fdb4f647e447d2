import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LoginEnd } from "../../agent/events.ts";
import type { LiveProbe } from "../../agent/live.ts";
import type { Observation } from "../../probes/probe.ts";
import { Buckets } from "./buckets.ts";
import { DEFINITIONS, type MetricName } from "./definitions.ts";
import type { Steps } from "../../estate/steps.ts";
import type { FamilyWriter } from "./family-writer.ts";
import { ProbeTally, writeBuckets } from "./probe-tally.ts";
import { bucketBound, labelPairs } from "./text.ts";

/**
 * What is recorded as it happens: counters, histograms and the agent's own gauges, kept by prom-client, but for what
 * every single probe feeds (probe-tally.ts). The only file that knows prom-client (its successor is `@prometheus-io/client`, for Node 22 and later: swap the import). prom-client keeps,
 * we render: its OpenMetrics output would change the names of counters for good.
 */
export interface Recorded {
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  readonly loginEnded: (account: string, end: LoginEnd) => void;
  readonly adcRequest: (request: AdcRequest) => void;
  readonly scheduleLag: (seconds: number) => void;
  readonly missedProbe: () => void;
  readonly workersProbing: (count: number) => void;
  readonly workerLag: (seconds: number) => void;
  readonly workerEnded: () => void;
  readonly configReloaded: (accepted: boolean, atMs: number) => void;
  /** Reads everything now; the steps then write it. */
  readonly families: (writer: FamilyWriter) => Promise<Steps<void>>;
}

/** One request to NITRO. */
export interface AdcRequest {
  readonly adc: string;
  readonly node: string;
  readonly durationMs: number;
  /** NITRO's error code, HTTP status or kind of failure (`timeout`, `refused`); null when it succeeded. */
  readonly code: string | number | null;
}

const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
const REQUEST_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createRecorded(build: {
  readonly version: string;
  readonly revision: string;
}): Recorded {
  const registry = new Registry();
  const buildInfo = new Gauge({ ...described("adc_witness_build_info"), registers: [registry] });
  const reloadOk = new Gauge({
    ...described("adc_witness_config_last_reload_successful"),
    registers: [registry],
  });
  const reloadAt = new Gauge({
    ...described("adc_witness_config_last_reload_success_timestamp_seconds"),
    registers: [registry],
  });
  const logins = new Counter({ ...described("adc_witness_logins_total"), registers: [registry] });
  const missed = new Counter({
    ...described("adc_witness_missed_probes_total"),
    registers: [registry],
  });
  const workers = new Gauge({ ...described("adc_witness_workers"), registers: [registry] });
  const workerLag = new Histogram({
    ...described("adc_witness_worker_lag_seconds"),
    buckets: LAG_BUCKETS,
    registers: [registry],
  });
  const workersEnded = new Counter({
    ...described("adc_witness_worker_failures_total"),
    registers: [registry],
  });
  const requests = new Histogram({
    ...described("adc_witness_adc_request_duration_seconds"),
    buckets: REQUEST_BUCKETS,
    registers: [registry],
  });
  const errors = new Counter({
    ...described("adc_witness_adc_errors_total"),
    registers: [registry],
  });
  const lag = new Buckets(LAG_BUCKETS);
  const tally = new ProbeTally();
  buildInfo.set(
    { version: build.version, revision: build.revision, node_version: process.version },
    1,
  );

  return {
    probeFinished: (probe, observation, passed) => {
      tally.add(probe, observation, passed);
    },
    loginEnded: (account, outcome) => {
      logins.inc({ account, outcome });
    },
    adcRequest: ({ adc, node, durationMs, code }) => {
      requests.observe({ adc, node }, durationMs / 1000);
      if (code !== null) {
        errors.inc({ adc, node, code: String(code) });
      }
    },
    scheduleLag: (seconds) => {
      lag.observe(Math.max(0, seconds));
    },
    missedProbe: () => {
      missed.inc();
    },
    workersProbing: (count) => {
      workers.set(count);
    },
    workerLag: (seconds) => {
      workerLag.observe(Math.max(0, seconds));
    },
    workerEnded: () => {
      workersEnded.inc();
    },
    configReloaded: (accepted, atMs) => {
      reloadOk.set(accepted ? 1 : 0);
      if (accepted) {
        reloadAt.set(atMs / 1000);
      }
    },
    families: async (writer) => {
      const kept = await registry.getMetricsAsJSON();
      return steps();

      function* steps(): Steps<void> {
        yield* writeKept(writer, kept);
        writer.family("adc_witness_schedule_lag_seconds");
        writeBuckets(writer, "", lag);
        yield* tally.write(writer);
      }
    },
  };
}

/** Name, help and labels of a metric that prom-client keeps, from the one list. */
function described(name: MetricName): { name: string; help: string; labelNames: string[] } {
  const definition = DEFINITIONS.get(name);
  return { name, help: definition?.help ?? "", labelNames: [...(definition?.labels ?? [])] };
}

function* writeKept(
  writer: FamilyWriter,
  metrics: Awaited<ReturnType<Registry["getMetricsAsJSON"]>>,
): Steps<void> {
  for (const metric of metrics) {
    const name = metric.name as MetricName;
    writer.family(name);
    for (const value of metric.values) {
      const sampled = "metricName" in value ? String(value.metricName) : name;
      const pairs = Object.entries(value.labels).map(([label, content]) => {
        const text = String(content);
        return [label, label === "le" ? bucketBound(text) : text] as const;
      });
      writer.sample(labelPairs(pairs), value.value, sampled.slice(name.length));
      yield;
    }
  }
}
