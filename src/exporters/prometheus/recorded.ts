import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { LiveProbe } from "../../model/live.ts";
import { PHASES, type Observation, type PhaseName } from "../../model/observation.ts";
import type { FailureReason } from "../../model/reasons.ts";
import type { Steps } from "../../lib/steps.ts";
import { type FamilyWriter, bucketBound, labelPairs, withLabel } from "./text-format.ts";
import type { LoginEnd } from "../../agent/run-probe.ts";
import { DEFINITIONS, type MetricName } from "./definitions.ts";

/**
 * A histogram series updated by every probe. prom-client looks up label values by text at each call, which costs more than a
 * probe's state machine; here the caller keeps a reference to the series.
 */
class Buckets {
  readonly bounds: readonly number[];
  /** Non-cumulative counts; the last bucket is above all bounds. */
  readonly #counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.bounds.length && value > (this.bounds[index] ?? Infinity)) {
      index += 1;
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.sum += value;
  }

  get count(): number {
    return this.#counts.reduce((total, count) => total + count, 0);
  }

  /** Cumulative buckets: each bound, Infinity last, with its count. */
  *cumulative(): Generator<readonly [bound: number, count: number]> {
    let sofar = 0;
    for (const [index, count] of this.#counts.entries()) {
      sofar += count;
      yield [this.bounds[index] ?? Infinity, sofar];
    }
  }
}

const PROBE_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counters for one ADC, type and vantage. */
interface KindTally {
  readonly labels: string;
  readonly durations: Buckets;
  readonly phases: Map<PhaseName, { count: number; sum: number }>;
  readonly failures: Map<FailureReason | "ok", number>;
}

/** Counts and durations of all runs, by kind. Called for every run, so it must be fast. */
class ProbeTally {
  readonly #kinds = new Map<string, KindTally>();
  /** Cache of each probe's kind. */
  readonly #kindOf = new WeakMap<LiveProbe, KindTally>();

  add(probe: LiveProbe, observation: Observation, passed: boolean | null): void {
    const kind = this.#kindOf.get(probe) ?? this.#find(probe);
    kind.durations.observe(observation.durationMs / 1000);
    if (passed !== true) {
      kind.failures.set(observation.reason, (kind.failures.get(observation.reason) ?? 0) + 1);
    }
    for (const phase in observation.phases) {
      const name = phase as PhaseName;
      let total = kind.phases.get(name);
      if (total === undefined) {
        total = { count: 0, sum: 0 };
        kind.phases.set(name, total);
      }
      total.count += 1;
      total.sum += (observation.phases[name] ?? 0) / 1000;
    }
  }

  *write(writer: FamilyWriter): Steps<void> {
    const kinds = [...this.#kinds.values()];
    writer.family("adc_witness_probes_total");
    for (const { labels, durations } of kinds) {
      writer.sample(labels, durations.count);
      yield;
    }
    writer.family("adc_witness_probe_failures_total");
    for (const { labels, failures } of kinds) {
      for (const [reason, count] of failures) {
        writer.sample(withLabel(labels, "reason", reason), count);
      }
      yield;
    }
    writer.family("adc_witness_probe_seconds");
    for (const { labels, durations } of kinds) {
      writeBuckets(writer, labels, durations);
      yield;
    }
    writer.family("adc_witness_probe_by_phase_seconds");
    for (const { labels, phases } of kinds) {
      for (const phase of PHASES) {
        const total = phases.get(phase);
        if (total !== undefined) {
          const ofPhase = withLabel(labels, "phase", phase);
          writer.sample(ofPhase, total.sum, "_sum");
          writer.sample(ofPhase, total.count, "_count");
        }
      }
      yield;
    }
  }

  #find(probe: LiveProbe): KindTally {
    const labels = labelPairs([
      ["adc", probe.adc],
      ["type", probe.kind === "monitor" ? probe.type : probe.transaction],
      ["vantage", probe.vantage],
    ]);
    let kind = this.#kinds.get(labels);
    if (kind === undefined) {
      kind = {
        labels,
        durations: new Buckets(PROBE_BUCKETS),
        phases: new Map(),
        failures: new Map(),
      };
      this.#kinds.set(labels, kind);
    }
    this.#kindOf.set(probe, kind);
    return kind;
  }
}

/** The samples of one histogram series. */
function writeBuckets(writer: FamilyWriter, labels: string, buckets: Buckets): void {
  for (const [bound, count] of buckets.cumulative()) {
    writer.sample(withLabel(labels, "le", bucketBound(String(bound))), count, "_bucket");
  }
  writer.sample(labels, buckets.sum, "_sum");
  writer.sample(labels, buckets.count, "_count");
}

/**
 * Metrics recorded as events happen: counters, histograms and the agent's own gauges, kept by prom-client, except `ProbeTally`.
 * The only file that imports prom-client (successor for Node 22 and later: `@prometheus-io/client`). Rendering is our own,
 * because prom-client's OpenMetrics output would change the names of counters.
 */
export interface AccumulatedMetrics {
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  readonly loginEnded: (account: string, end: LoginEnd) => void;
  readonly notified: (name: string, outcome: "sent" | "failed" | "dropped") => void;
  readonly adcRequest: (request: AdcRequest) => void;
  readonly scheduleLag: (seconds: number) => void;
  readonly missedProbe: () => void;
  readonly configReloaded: (accepted: boolean, atMs: number) => void;
  /** Takes a snapshot now; the steps then write it. */
  readonly families: (writer: FamilyWriter) => Promise<Steps<void>>;
}

/** One request to NITRO. */
interface AdcRequest {
  readonly adc: string;
  readonly node: string;
  readonly durationMs: number;
  /** NITRO's error code, HTTP status or kind of failure (`timeout`, `refused`); null when it succeeded. */
  readonly code: string | number | null;
}

const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
const REQUEST_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createAccumulatedMetrics(build: {
  readonly version: string;
  readonly revision: string;
}): AccumulatedMetrics {
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
  const notifications = new Counter({
    ...described("adc_witness_notifications_total"),
    registers: [registry],
  });
  const missed = new Counter({
    ...described("adc_witness_missed_probes_total"),
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
    notified: (name, outcome) => {
      notifications.inc({ name, outcome });
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
        yield* writeAccumulated(writer, kept);
        writer.family("adc_witness_schedule_lag_seconds");
        writeBuckets(writer, "", lag);
        yield* tally.write(writer);
      }
    },
  };
}

/** Name, help and labels of a prom-client metric, from the list of definitions. */
function described(name: MetricName): { name: string; help: string; labelNames: string[] } {
  const definition = DEFINITIONS.get(name);
  return { name, help: definition?.help ?? "", labelNames: [...(definition?.labels ?? [])] };
}

function* writeAccumulated(
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
