import type { Alert, AlertGroup, Recording } from "./alert.ts";

/** docs/alerts.md: every alert with what it means and what to do, under the anchor its runbook_url names. */
export function alertReference(
  groups: readonly AlertGroup[],
  recordings: readonly Recording[],
): string {
  return [
    "# Alerts",
    "",
    "The rules are in `alerts/*.rules.yml`, with tests in `alerts/*.test.yml`: each fires when it must, and not when it nearly",
    "must. As they are they expect a scrape job named `adc-witness`, and their links are paths. Write them with your own job",
    "and addresses, and load those:",
    "",
    "```sh",
    "adc-witness alerts --out rules --url https://witness.example.com --grafana https://grafana.example.com --job adc-witness",
    "```",
    "",
    "`runbook_url` then leads to this page on the agent, `page_url` to the member or vserver, `dashboard_url` to the dashboard.",
    "Without `--url` (or `web.external_url` of `--config`) the alerts contain no links.",
    "With jsonnet, [mixin](../mixin/README.md) does the same.",
    "",
    "The grace of the ADC is already in the verdicts, so most alerts wait only a minute. They resolve as soon as their",
    "condition ends. Those about verdicts go on while the ADC does not answer (and for ten minutes after the agent is gone): what",
    "was wrong then may still be.",
    "",
    "Each cause sends one message: `alerts/alertmanager.example.yml` groups by server and vserver, and its inhibit rules",
    "hold back what another alert says already. Apart from that only *declared* maintenance holds an alert back, and only what",
    "it explains. `AdcWitnessAdcRoutesToMaintenance` is never held back, nor `AdcWitnessVipServedByDrainedServer` unless the",
    "former names the same server: they are what goes wrong in the hour of maintenance.",
    "",
    "Until release 1.0 the names had no prefix: AdcFalseUp is now `AdcWitnessAdcFalseUp`. Put AdcWitness before the names in",
    "silences, routes and inhibit rules of your own. Links to the old names on this page still work.",
    "",
    ...groups.flatMap((group) => [`## ${group.title}`, "", ...group.alerts.flatMap(alertSection)]),
    "## Recorded series",
    "",
    "| series | meaning |",
    "|---|---|",
    ...recordings.map(({ record, meaning }) => `| \`${record}\` | ${meaning} |`),
    "",
  ].join("\n");
}

function alertSection(alert: Alert): string[] {
  const timing = [
    alert.for === "0s" ? "at once" : `after ${alert.for}`,
    ...(alert.heldBy === null ? [] : ["goes on while the ADC does not answer"]),
  ].join(", ");
  return [
    `<a id="${alert.name.replace(/^AdcWitness/, "")}"></a>`,
    `<a id="${alert.name}"></a>`,
    "",
    `### ${alert.name}`,
    "",
    `Severity \`${alert.severity}\`, ${timing}.`,
    "",
    plain(alert.description),
    "",
    "```promql",
    alert.expr,
    "```",
    "",
    `It does not fire ${alert.nearMiss.because}.`,
    "",
  ];
}

/** Templates are shown as placeholders; one that queries Prometheus becomes a list. */
function plain(template: string): string {
  return template
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => `*${name}*`)
    .replaceAll(/\{\{ range .*?\{\{ end \}\}/g, "*list*");
}
