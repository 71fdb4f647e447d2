import type { Alert, AlertGroup, Recording } from "./alert.ts";

/** docs/alerts.md: every alert with what it means and what to do, under the anchor its runbook_url names. */
export function alertReference(
  groups: readonly AlertGroup[],
  recordings: readonly Recording[],
): string {
  return [
    "# Alerts",
    "",
    "The rules are in `alerts/*.rules.yml`, with a test that fires and a near miss for each in `alerts/*.test.yml`. They",
    "expect a scrape job named `adc-witness`. The grace of the ADC is already in the verdicts, so most alerts wait only a",
    "minute; most of those about members and vservers keep firing for ten minutes more, so that an ADC that stops",
    "answering in the middle of an incident does not seem to resolve it.",
    "",
    "Only *declared* maintenance ever holds an alert back, and only what it explains: `alerts/alertmanager.example.yml`",
    "shows the inhibit rules. `AdcRoutesToMaintenance` and `VipServedByDrainedServer` are never held back: they are what",
    "goes wrong in the hour of maintenance.",
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
    ...(alert.keepFiringFor === null ? [] : [`keeps firing for ${alert.keepFiringFor}`]),
  ].join(", ");
  return [
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

/** Templates read as placeholders. */
function plain(template: string): string {
  return template.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => `*${name}*`);
}
