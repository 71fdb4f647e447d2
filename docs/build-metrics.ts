import type { MetricDefinition } from "../src/exporters/prometheus/definitions.ts";
import {
  ADC_BLIND_REASONS,
  LABEL_WORDS,
  METRIC_GROUPS,
  QUERIES,
  type Query,
} from "./metric-words.ts";
import { anchored, cell, code, table } from "./markdown.ts";

/** docs/metrics.md: every metric with its type, labels and help, and queries that answer a question. */
export function metricsReference(metrics: readonly MetricDefinition[]): string {
  return [
    "# Metrics",
    "",
    "`/metrics` uses Prometheus' text format, or OpenMetrics if the client requests it. Names are a contract: new ones may be",
    "added, but none is renamed.",
    "",
    "- OpenMetrics has the type `info` and the units of names that end in one. A state set is a gauge in both formats, as",
    "  `kube_pod_status_phase{phase}` is: the type `stateset` requires a label with the metric's full name, so every dashboard and rule",
    "  that says `verdict`, `state` or `source` would break, and the same series under a second name would double the largest families.",
    "- For the same reason the label repeats the metric's last word in `verdict{verdict}`, `vserver_verdict{verdict}`,",
    "  `opinion{opinion}`, `adc_member_state{state}` and `adc_vserver_state{state}`: a contract. A test allows no others.",
    "- For service levels use `adc_witness_mismatch_seconds_total` and `adc_witness_vserver_mismatch_seconds_total`, which count from 0,",
    "  or `adc_witness_mismatch` and `adc_witness_vserver_mismatch`, which are always 0 or 1. In a state set, a state that never occurred",
    "  has no series, so a ratio over `adc_witness_verdict` misses members that were never in it.",
    "- A **state set** has one series per state. A series is created when the state first occurs, and is then 0 or 1 until the",
    "  member leaves the estate. `== 1` selects the current state.",
    "- Scrape with `honor_labels: true`, so that the labels `server` and `port` are kept if the target has labels of these names.",
    "  Name the job `adc-witness`, which the alerts expect.",
    "- If NITRO fails (for a pair: if the primary does not respond, even if the secondary does) or the agent is cut off, the last ADC state is kept for three polls; then its opinion is `unknown`. Meanwhile no new mismatch is reported: a difference is reported only after a poll that is late enough for the ADC to have noticed.",
    "",
    ...METRIC_GROUPS.flatMap((group) => groupText(group, metrics)),
    "## Labels",
    "",
    ...table(
      ["label", "meaning"],
      labelsOf(metrics).map((label) => [code(label), cell(LABEL_WORDS[label] ?? "")]),
    ),
    "",
    "## Reasons of adc_witness_adc_blind",
    "",
    "Only reasons that have occurred have a series.",
    "",
    ...table(
      ["reason", "what it means"],
      Object.entries(ADC_BLIND_REASONS).map(([reason, meaning]) => [code(reason), cell(meaning)]),
    ),
    "",
    "## Questions and queries",
    "",
    ...QUERIES.flatMap(queryText),
  ].join("\n");
}

/** Every label of every metric, once, in alphabetical order. */
export function labelsOf(metrics: readonly MetricDefinition[]): readonly string[] {
  return [...new Set(metrics.flatMap(({ labels }) => labels))].sort();
}

function groupText(
  { title, prefixes }: { readonly title: string; readonly prefixes: readonly string[] },
  metrics: readonly MetricDefinition[],
): string[] {
  const mine = metrics.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)));
  return [
    `## ${title}`,
    "",
    ...mine.flatMap((metric) => [
      ...anchored(3, metric.name),
      `${metric.type}; ${labelText(metric.labels)}.`,
      "",
      metric.help,
      "",
    ]),
  ];
}

function labelText(labels: readonly string[]): string {
  return labels.length === 0 ? "no labels" : `labels ${labels.map(code).join(" ")}`;
}

function queryText({ question, promql }: Query): string[] {
  return [question, "", "```promql", promql, "```", ""];
}
