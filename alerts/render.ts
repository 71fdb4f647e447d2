import { stringify } from "yaml";
import type { Alert, AlertGroup, Recording } from "./alert.ts";

const HEADER = "# Made from the sources in alerts/: change those, and run the tests with -u.\n";

export function rulesFile(group: AlertGroup): string {
  return yaml({
    groups: [{ name: `adc-witness-${group.file}`, rules: group.alerts.map(alertRule) }],
  });
}

export function testFile(group: AlertGroup): string {
  return yaml({
    rule_files: [`${group.file}.rules.yml`],
    evaluation_interval: "15s",
    tests: group.alerts.flatMap((alert) => [firingTest(alert), nearMissTest(alert)]),
  });
}

export function recordingFile(recordings: readonly Recording[]): string {
  return yaml({
    groups: [
      {
        name: "adc-witness-recording",
        rules: recordings.map(({ record, expr }) => ({ record, expr })),
      },
    ],
  });
}

export function recordingTestFile(recordings: readonly Recording[]): string {
  return yaml({
    rule_files: ["recording.rules.yml"],
    evaluation_interval: "15s",
    tests: recordings.map(({ record, test }) => ({
      name: record,
      interval: "15s",
      input_series: test.series,
      promql_expr_test: [
        {
          expr: record,
          eval_time: "2m",
          exp_samples: test.samples.map(({ labels, value }) => ({
            labels: `${record}${labels}`,
            value,
          })),
        },
      ],
    })),
  });
}

/** Where an alert is explained. */
export function runbookUrl(alert: Alert): string {
  return `docs/alerts.md#${alert.name}`;
}

function alertRule(alert: Alert): Record<string, unknown> {
  return {
    alert: alert.name,
    expr: alert.expr,
    for: alert.for,
    ...(alert.keepFiringFor === null ? {} : { keep_firing_for: alert.keepFiringFor }),
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: runbookUrl(alert),
    },
  };
}

/** Not before its time, then for as long as the series lasts, and beyond that only where it keeps firing. */
function firingTest(alert: Alert): Record<string, unknown> {
  const fired = {
    exp_labels: { ...alert.fires.labels, severity: alert.severity },
    exp_annotations: {
      summary: expand(alert.summary, alert.fires.labels),
      description: expand(alert.description, alert.fires.labels),
      runbook_url: runbookUrl(alert),
    },
  };
  const at = (time: string, alerts: unknown[]): Record<string, unknown> => ({
    eval_time: time,
    alertname: alert.name,
    exp_alerts: alerts,
  });
  const early = alert.for === "0s" ? [] : [at("30s", [])];
  return {
    name: `${alert.name} fires`,
    interval: "15s",
    input_series: alert.fires.series,
    alert_rule_test: [...early, at("5m", [fired]), at("50m", [fired])],
  };
}

function nearMissTest(alert: Alert): Record<string, unknown> {
  return {
    name: `${alert.name} does not fire ${alert.nearMiss.because}`,
    interval: "15s",
    input_series: alert.nearMiss.series,
    alert_rule_test: ["1m", "2m", "5m", "50m"].map((time) => ({
      eval_time: time,
      alertname: alert.name,
      exp_alerts: [],
    })),
  };
}

/** As Prometheus expands the labels of our templates; they hold nothing else. */
function expand(template: string, labels: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? "");
}

function yaml(data: unknown): string {
  return HEADER + stringify(data, { lineWidth: 0, aliasDuplicateObjects: false });
}
