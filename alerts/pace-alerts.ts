import { SCRAPE, series, SHOWN_AGENT, type Alert, type TestSeries } from "./alert.ts";

/**
 * What fires where one start in a hundred comes more than a second late. The window is no longer than the wait: what held
 * the witness once has left it by then.
 */
function lateness(
  histogram: string,
  inTime: string,
): Pick<Alert, "expr" | "for" | "fires" | "nearMiss"> {
  const buckets = (
    counts: { within1s: string; inAll: string },
    scrape: Readonly<Record<string, string>> = SCRAPE,
  ): readonly TestSeries[] => [
    series(`${histogram}_bucket`, { ...scrape, le: "1" }, counts.within1s),
    series(`${histogram}_bucket`, { ...scrape, le: "5" }, counts.inAll),
    series(`${histogram}_bucket`, { ...scrape, le: "+Inf" }, counts.inAll),
  ];
  return {
    expr: `histogram_quantile(0.99, sum by (job, instance, le) (rate(${histogram}_bucket[3m]))) > 1`,
    for: "3m",
    fires: { series: buckets({ within1s: "0+90x240", inAll: "0+100x240" }), labels: SCRAPE },
    nearMiss: {
      because: `${inTime}, or after something that held it once`,
      series: [
        ...buckets({ within1s: "0+995x240", inAll: "0+1000x240" }),
        ...buckets(
          { within1s: "0+100x1 100+100x239", inAll: "0+100x1 200+100x239" },
          { ...SCRAPE, instance: "witness2:9743" },
        ),
      ],
    },
  };
}

const MISSED = "sum by (job, instance) (rate(adc_witness_missed_probes_total[5m]))";
const ENDED = "sum by (job, instance) (rate(adc_witness_probes_total[5m]))";
const TIMED_OUT =
  'sum by (job, instance) (rate(adc_witness_probe_failures_total{reason=~".+_timeout"}[5m]))';
const PROBE_KIND = { ...SCRAPE, adc: "prod", type: "TCP-ECV", vantage: "vip" } as const;

/** What of a hundred probes in 15 s was missed, and how many waited for an answer in vain. */
function missedSeries(counts: { missed: string; timedOut: string }): readonly TestSeries[] {
  return [
    series("adc_witness_missed_probes_total", SCRAPE, counts.missed),
    series("adc_witness_probes_total", PROBE_KIND, "0+100x240"),
    series(
      "adc_witness_probe_failures_total",
      { ...PROBE_KIND, reason: "response_timeout" },
      counts.timedOut,
    ),
  ];
}

/** Alerts about a witness that cannot keep up with its own schedule. */
export const PACE_ALERTS: readonly Alert[] = [
  {
    name: "AdcWitnessAgentLate",
    severity: "warning",
    heldBy: null,
    summary: "The agent at {{ $labels.instance }} starts probes late",
    description:
      "One probe in a hundred starts more than a second late, so verdicts are late and measured times are unreliable. Add CPUs or reduce the load: longer intervals, or `shard` across several hosts.",
    shownAt: SHOWN_AGENT,
    verdict: null,
    ...lateness("adc_witness_schedule_lag_seconds", "while ninety-nine of a hundred start in time"),
  },
  {
    name: "AdcWitnessProbesMissed",
    severity: "warning",
    // A server that is silent for twice its monitor's interval costs two starts, or three.
    expr: `${MISSED} > 0.05 * ${ENDED} unless 3 * ${TIMED_OUT} >= ${MISSED}`,
    for: "3m",
    heldBy: null,
    summary: "The agent at {{ $labels.instance }} skips probes",
    description:
      "More than one probe in twenty is skipped because its previous run is still in progress, and timeouts do not explain it. For logins that queue for their account, set a longer `every`, fewer members or more accounts; otherwise add CPUs, as for AdcWitnessAgentLate.",
    shownAt: SHOWN_AGENT,
    verdict: null,
    fires: { series: missedSeries({ missed: "0+10x240", timedOut: "0x240" }), labels: SCRAPE },
    nearMiss: {
      because: "while time-outs explain what is missed",
      series: missedSeries({ missed: "0+20x240", timedOut: "0+10x240" }),
    },
  },
];
