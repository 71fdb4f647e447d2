import type { Slo, WindowReport } from "../change/window-report.ts";
import { printableLine } from "../lib/printable.ts";
import { headline, objectOf, windowReportPage } from "../web/page/window-report-page.ts";
import { durationText } from "../web/page/time.ts";
import { pluginWord } from "../model/verdicts.ts";
import { columns, localMoment, pluginJson, type Output } from "./output.ts";

/** Start of a month and of the next one in the local zone, RFC 3339; null if invalid. */
export function monthOf(
  text: string | null,
  now: number,
): { readonly from: string; readonly to: string } | null {
  const today = new Date(now);
  const [, year = String(today.getFullYear()), month = String(today.getMonth() + 1)] =
    text === null ? [] : (/^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [null, "", ""]);
  if (year === "") {
    return null;
  }
  const first = (index: number): string => new Date(Number(year), index, 1).toISOString();
  return { from: first(Number(month) - 1), to: first(Number(month)) };
}

/** Exit status 0, or 1 if the ADC was wrong or a server is not back. */
export function printReport(
  report: WindowReport,
  format: "text" | "html" | "csv" | "json",
  output: Output,
): number {
  const isWrong =
    report.incidents.length > 0 ||
    report.steps.some(({ step, at }) => step === "returned" && at === null);
  const status = isWrong ? 1 : 0;
  switch (format) {
    case "html":
      output.out(windowReportPage(report, Intl.DateTimeFormat().resolvedOptions().timeZone));
      break;
    case "csv":
      output.out(csvOf(report));
      break;
    case "json":
      output.out(pluginJson(status, null, report));
      break;
    case "text":
      output.out(
        `WITNESS ${pluginWord(status)} - ${printableLine(`${report.window}: ${headline(report)}`)}\n`,
      );
      output.out(textOf(report));
  }
  return status;
}

function textOf({ steps, vservers, incidents }: WindowReport): string {
  const tables = [
    [
      ["SERVER", "STEP", "FIRST SEEN"],
      ...steps.map(({ server, step, at }) => [
        server,
        step.replaceAll("_", " "),
        at === null ? "not seen" : localMoment(at),
      ]),
    ],
    timesTable(
      vservers,
      ({ working_minimum: least }) => String(least ?? "unknown"),
      "FEWEST WORKING",
    ),
    [
      ["FROM", "FOR", "OBJECT", "VERDICT", "REASON"],
      ...incidents.map((each) => [
        localMoment(each.from),
        durationText(each.seconds * 1_000),
        objectOf(each),
        each.verdict,
        each.reason ?? "",
      ]),
    ],
  ];
  return tables
    .filter((rows) => rows.length > 1)
    .map((rows) => `\n${columns(rows)}\n`)
    .join("");
}

function timesTable<Row extends Slo["vservers"][number]>(
  rows: readonly Row[],
  last: (row: Row) => string,
  lastHead: string,
): readonly (readonly string[])[] {
  return [
    ["VSERVER", "ADC WRONG", "SENT INTO MAINTENANCE", "VIP DOWN", lastHead],
    ...rows.map((row) => [
      row.vserver,
      ...[row.adc_wrong_seconds, row.sent_into_maintenance_seconds, row.down_seconds].map(
        (seconds) => (seconds === 0 ? "0" : durationText(seconds * 1_000)),
      ),
      last(row),
    ]),
  ];
}

/** Exit status 0, or 1 if nothing was watched. */
export function printSlo(slo: Slo, json: boolean, output: Output): number {
  const isWatched = slo.watched_seconds > 0;
  if (json) {
    output.out(pluginJson(isWatched ? 0 : 1, null, slo));
  } else {
    const wrong = slo.vservers.filter((row) => row.adc_wrong_seconds > 0).length;
    output.out(
      isWatched
        ? `WITNESS OK - the ADC was wrong about ${String(wrong)} of ${String(slo.vservers.length)} vservers from ${localMoment(slo.from)} to ${localMoment(slo.to)}\n`
        : `WITNESS WARNING - nothing was watched from ${localMoment(slo.from)} to ${localMoment(slo.to)}\n`,
    );
    const rows = timesTable(
      slo.vservers,
      (row) => durationText(row.watched_seconds * 1_000),
      "WATCHED",
    );
    output.out(rows.length > 1 ? `${columns(rows)}\n` : "");
  }
  return isWatched ? 0 : 1;
}

/** One row for each step, vserver and incident (RFC 4180). */
function csvOf(report: WindowReport): string {
  const { steps, vservers, incidents } = report;
  const rows: readonly (readonly (string | number | null)[])[] = [
    ["kind", "from", "to", "seconds", "adc", "object", "server", "what", "reason", "commands"],
    ...steps.map(({ server, step, at }) => [
      "step",
      at,
      null,
      null,
      null,
      null,
      server,
      step,
      null,
      null,
    ]),
    ...vservers.flatMap((row) =>
      (
        [
          ["adc_wrong", row.adc_wrong_seconds],
          ["sent_into_maintenance", row.sent_into_maintenance_seconds],
          ["vip_down", row.down_seconds],
        ] as const
      ).map(([what, seconds]) => [
        "vserver",
        report.from,
        report.to,
        seconds,
        row.adc,
        row.vserver,
        null,
        what,
        null,
        null,
      ]),
    ),
    ...incidents.map((each) => [
      "incident",
      each.from,
      each.to,
      each.seconds,
      each.adc,
      each.object,
      each.server,
      each.verdict,
      each.reason,
      each.commands.join("; "),
    ]),
  ];
  return rows.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

/** Prevents spreadsheets from treating the text as a formula. */
function cell(value: string | number | null): string {
  const text = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
