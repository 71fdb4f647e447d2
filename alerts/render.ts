import { stringify } from "yaml";
import { series, type Alert, type AlertGroup, type Recording } from "./alert.ts";

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
    tests: group.alerts.flatMap((alert) => [
      firingTest(alert),
      ...heldTests(alert),
      nearMissTest(alert),
    ]),
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

/** Where an alert is explained: a path on the agent, which has no address before somebody gives it one. */
export function runbookPath(alert: Alert): string {
  return `/docs/alerts#${alert.name}`;
}

/**
 * Either the agent runs and gets no response from the ADC (or from anything), or the agent itself has been gone for at
 * most ten minutes. What was wrong then may still be wrong.
 */
const UNHEARD = [
  "adc_witness_adc_up * on (job, instance) group_left () (1 - adc_witness_agent_cut_off) == 0",
  "last_over_time(adc_witness_adc_up[10m]) and on (job, instance) up == 0",
].join(" or ");

/** The condition; where the alert is held, it goes on while the ADC does not answer, and only then. */
function expression({ name, expr, heldBy }: Alert): string {
  if (heldBy === null) {
    return expr;
  }
  const firing = `ALERTS{alertname="${name}",alertstate="firing"}`;
  return [
    expr,
    `or on (${heldBy.join(", ")}) label_replace(${firing}, "alertstate", "", "", "")`,
    `and on (job, instance, adc) (${UNHEARD})`,
  ].join(" ");
}

/** Links are paths: `adc-witness alerts` and the mixin put the addresses of agent and Grafana before them. */
function annotations(alert: Alert): Record<string, string> {
  const { page, dashboard, variables } = alert.shownAt;
  return {
    summary: alert.summary,
    description: alert.description,
    runbook_path: runbookPath(alert),
    page_path: page,
    dashboard_path: `/d/adc-witness-${dashboard}${variables === "" ? "" : `?${variables}`}`,
  };
}

function alertRule(alert: Alert): Record<string, unknown> {
  return {
    alert: alert.name,
    expr: expression(alert),
    for: alert.for,
    labels: { severity: alert.severity },
    annotations: annotations(alert),
  };
}

function fired(alert: Alert): Record<string, unknown> {
  const { labels, expanded: queried } = alert.fires;
  const expanded = Object.entries(annotations(alert)).map(([name, template]) => [
    name,
    expand(template, labels),
  ]);
  return {
    exp_labels: { ...labels, severity: alert.severity },
    exp_annotations: { ...Object.fromEntries(expanded), ...queried },
  };
}

function at(alert: Alert, time: string, alerts: readonly unknown[]): Record<string, unknown> {
  return { eval_time: time, alertname: alert.name, exp_alerts: alerts };
}

/** Not before its time, then for as long as the series lasts. */
function firingTest(alert: Alert): Record<string, unknown> {
  const alarm = fired(alert);
  const early = alert.for === "0s" ? [] : [at(alert, "30s", [])];
  // A series lasts an hour; what waits for half of it has fired well before its end.
  const [soon, later] = alert.for === "30m" ? (["32m", "50m"] as const) : (["5m", "16m"] as const);
  return {
    name: `${alert.name} fires`,
    interval: "15s",
    input_series: alert.fires.series,
    alert_rule_test: [...early, at(alert, soon, [alarm]), at(alert, later, [alarm])],
  };
}

/** What holds for five minutes, and then no more: of `prod`, which does not answer for a while, and of `calm`, which does. */
function heldTests(alert: Alert): readonly Record<string, unknown>[] {
  if (alert.heldBy === null) {
    return [];
  }
  const [condition, ...rest] = alert.fires.series;
  const over = [{ ...condition, values: "0 1x20 0x220" }, ...rest];
  const { job = "", instance = "", adc = "" } = alert.fires.labels;
  const calm = (text: string): string => text.replaceAll(adc, "calm");
  const alarm = fired(alert);
  return [
    {
      name: `${alert.name} goes on while the ADC does not answer, and only then`,
      interval: "15s",
      input_series: [
        ...over,
        ...over.map((each) => ({ ...each, series: calm(each.series ?? "") })),
        series("adc_witness_adc_up", { job, instance, adc }, "1x18 0x40 1x180"),
        series("adc_witness_adc_up", { job, instance, adc: "calm" }, "1x240"),
        series("adc_witness_agent_cut_off", { job, instance }, "0x240"),
      ],
      alert_rule_test: [
        at(alert, "5m", [alarm, JSON.parse(calm(JSON.stringify(alarm)))]),
        at(alert, "6m", [alarm]),
        at(alert, "12m", [alarm]),
        at(alert, "16m", []),
      ],
    },
  ];
}

function nearMissTest(alert: Alert): Record<string, unknown> {
  return {
    name: `${alert.name} does not fire ${alert.nearMiss.because}`,
    interval: "15s",
    input_series: alert.nearMiss.series,
    alert_rule_test: ["1m", "2m", "5m", "16m"].map((time) => at(alert, time, [])),
  };
}

/** As Prometheus expands the labels of our templates; a template that queries more contains its own expected text. */
function expand(template: string, labels: Readonly<Record<string, string>>): string {
  return template.replaceAll(
    /\{\{ \$labels\.(\w+)( \| urlquery)? \}\}/g,
    (_, name: string, quoted?: string) => {
      const value = labels[name] ?? "";
      return quoted === undefined ? value : encodeURIComponent(value);
    },
  );
}

function yaml(data: unknown): string {
  return HEADER + stringify(data, { lineWidth: 0, aliasDuplicateObjects: false });
}
