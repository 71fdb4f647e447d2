import type { LiveProbe } from "../../agent/live.ts";
import { PHASES, type Observation, type PhaseName } from "../../probes/probe.ts";
import type { FailureReason } from "../../probes/reason.ts";
import { Buckets } from "./buckets.ts";
import type { Steps } from "../../estate/steps.ts";
import type { FamilyWriter } from "./family-writer.ts";
import { bucketBound, labelPairs, withLabel } from "./text.ts";

const PROBE_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PHASE_BUCKETS = [0.005, 0.05, 0.25, 1, 5];

/** All runs of one kind of probe: of one ADC, type and vantage. */
interface KindTally {
  readonly labels: string;
  readonly durations: Buckets;
  readonly phases: Map<PhaseName, Buckets>;
  readonly failures: Map<FailureReason | "ok", number>;
}

/** Counts and durations of all runs since the start, by kind. Fed by every probe, so that little may happen here. */
export class ProbeTally {
  readonly #kinds = new Map<string, KindTally>();
  /** The kind of each probe, found once. */
  readonly #kindOf = new WeakMap<LiveProbe, KindTally>();

  add(probe: LiveProbe, observation: Observation, passed: boolean | null): void {
    const kind = this.#kindOf.get(probe) ?? this.#find(probe);
    kind.durations.observe(observation.durationMs / 1000);
    if (passed !== true) {
      kind.failures.set(observation.reason, (kind.failures.get(observation.reason) ?? 0) + 1);
    }
    for (const phase in observation.phases) {
      const name = phase as PhaseName;
      let buckets = kind.phases.get(name);
      if (buckets === undefined) {
        buckets = new Buckets(PHASE_BUCKETS);
        kind.phases.set(name, buckets);
      }
      buckets.observe((observation.phases[name] ?? 0) / 1000);
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
        const buckets = phases.get(phase);
        if (buckets !== undefined) {
          writeBuckets(writer, withLabel(labels, "phase", phase), buckets);
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
export function writeBuckets(writer: FamilyWriter, labels: string, buckets: Buckets): void {
  for (const [bound, count] of buckets.cumulative()) {
    writer.sample(withLabel(labels, "le", bucketBound(String(bound))), count, "_bucket");
  }
  writer.sample(labels, buckets.sum, "_sum");
  writer.sample(labels, buckets.count, "_count");
}
