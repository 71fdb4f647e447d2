import { SCRAPE, series, VSERVER, type AlertGroup, type TestSeries } from "./alert.ts";

const ROUND_TRIP = {
  ...VSERVER,
  adc_service: "",
  server: "",
  port: "",
  monitor: "",
  transaction: "mail_round_trip",
  vantage: "vip",
} as const;
/** As Prometheus keeps it: an empty label is no label. */
const ROUND_TRIP_LABELS = { ...VSERVER, transaction: "mail_round_trip", vantage: "vip" } as const;
const ACCOUNT = { ...SCRAPE, account: "probe-a" } as const;

const SCHEDULE_LAG = "adc_witness_schedule_lag_seconds_bucket";
const WORKER_LAG = "adc_witness_worker_lag_seconds_bucket";

/** So many starts, as far as buckets tell, that were made within a second. */
function lagBuckets(
  metric: string,
  counts: { within1s: string; inAll: string },
  scrape: Readonly<Record<string, string>> = SCRAPE,
): readonly TestSeries[] {
  return [
    series(metric, { ...scrape, le: "1" }, counts.within1s),
    series(metric, { ...scrape, le: "5" }, counts.inAll),
    series(metric, { ...scrape, le: "+Inf" }, counts.inAll),
  ];
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

/** Alerts about the witness itself and its sources, the round trip, and the one that holds others back. */
export const AGENT_ALERTS: AlertGroup = {
  file: "agent",
  title: "The witness and its sources",
  alerts: [
    {
      name: "AdcUnreachable",
      severity: "warning",
      expr: "adc_witness_adc_up == 0",
      for: "1m",
      keepFiringFor: null,
      summary: "{{ $labels.adc }} does not answer over NITRO",
      description:
        "Without the ADC's word there is nothing to compare: verdicts become unknown after three polls. Check the management address, the account of the witness and the limit of management sessions.",
      verdict: null,
      fires: {
        series: [series("adc_witness_adc_up", { ...SCRAPE, adc: "prod" }, "1 0x240")],
        labels: { ...SCRAPE, adc: "prod" },
      },
      nearMiss: {
        because: "for a single poll that failed",
        series: [series("adc_witness_adc_up", { ...SCRAPE, adc: "prod" }, "1x4 0x2 1x230")],
      },
    },
    {
      name: "AgentCutOff",
      severity: "warning",
      expr: "adc_witness_agent_cut_off == 1",
      for: "1m",
      keepFiringFor: null,
      summary: "The witness at {{ $labels.instance }} reaches none of its control targets",
      description:
        "Its own network is gone, so it holds back every opinion. Check the host and its uplink; the servers are not to blame.",
      verdict: null,
      fires: {
        series: [series("adc_witness_agent_cut_off", SCRAPE, "0 1x240")],
        labels: SCRAPE,
      },
      nearMiss: {
        because: "while a control target answers",
        series: [series("adc_witness_agent_cut_off", SCRAPE, "0x240")],
      },
    },
    {
      name: "AgentMissing",
      severity: "critical",
      expr: 'up{job="adc-witness"} == 0 or absent(up{job="adc-witness"})',
      for: "2m",
      keepFiringFor: null,
      summary: "The witness is not there to be scraped",
      description:
        "Nobody checks the ADC now. Look at the process and its log on {{ $labels.instance }}, and at Prometheus' list of targets.",
      verdict: null,
      fires: { series: [series("up", SCRAPE, "1 0x240")], labels: SCRAPE },
      nearMiss: {
        because: "for a restart between two scrapes",
        series: [series("up", SCRAPE, "1x4 0x3 1x230")],
      },
    },
    {
      name: "LoginSuspended",
      severity: "warning",
      expr: "adc_witness_login_suspended == 1",
      for: "1m",
      keepFiringFor: null,
      summary: "Account {{ $labels.account }} is not tried any more: its logins were rejected",
      description:
        "Two logins in a row were rejected at different places, and a third might lock the account. Check its password and its expiry; give the witness the new secret and reload.",
      verdict: null,
      fires: {
        series: [series("adc_witness_login_suspended", ACCOUNT, "0 1x240")],
        labels: ACCOUNT,
      },
      nearMiss: {
        because: "once the account works again",
        series: [series("adc_witness_login_suspended", ACCOUNT, "0x240")],
      },
    },
    {
      name: "RoundTripSlow",
      severity: "warning",
      expr: 'adc_witness_probe_duration_seconds{transaction="mail_round_trip"} > 60 and adc_witness_probe_success{transaction="mail_round_trip"} == 1',
      for: "1m",
      keepFiringFor: null,
      summary: "A mail through {{ $labels.adc }} takes more than a minute to come back",
      description:
        "Mail flows, but slowly. Look at the transport queues, at back pressure and at the anti-spam agents.",
      verdict: null,
      fires: {
        series: [
          series("adc_witness_probe_duration_seconds", ROUND_TRIP, "5 95x240"),
          series("adc_witness_probe_success", ROUND_TRIP, "1x240"),
        ],
        labels: ROUND_TRIP_LABELS,
      },
      nearMiss: {
        because: "for a mail that was lost, which RoundTripLost tells",
        series: [
          series("adc_witness_probe_duration_seconds", ROUND_TRIP, "95x240"),
          series("adc_witness_probe_success", ROUND_TRIP, "0x240"),
        ],
      },
    },
    {
      name: "RoundTripLost",
      severity: "critical",
      expr: 'adc_witness_probe_failure_info{transaction="mail_round_trip",reason=~"mail_lost|mail_in_junk"} == 1',
      for: "1m",
      keepFiringFor: "10m",
      summary: "A mail sent through {{ $labels.adc }} did not arrive: {{ $labels.reason }}",
      description:
        "The probe's own mail was accepted and not found in its inbox. Search the message tracking log for the probe's account, and look at the queues.",
      verdict: null,
      fires: {
        series: [
          series(
            "adc_witness_probe_failure_info",
            { ...ROUND_TRIP, step: "transaction", reason: "mail_lost" },
            "1x240",
          ),
        ],
        labels: { ...ROUND_TRIP_LABELS, step: "transaction", reason: "mail_lost" },
      },
      nearMiss: {
        because: "when the mail could not even be handed in, which the verdicts tell",
        series: [
          series(
            "adc_witness_probe_failure_info",
            { ...ROUND_TRIP, step: "connect", reason: "refused" },
            "1x240",
          ),
        ],
      },
    },
    {
      name: "ConfigReloadFailed",
      severity: "warning",
      expr: "adc_witness_config_last_reload_successful == 0",
      for: "1m",
      keepFiringFor: null,
      summary: "The witness at {{ $labels.instance }} refused its new configuration",
      description:
        "It goes on with the old one. Run `adc-witness check-config` on the file: each problem is named with its line.",
      verdict: null,
      fires: {
        series: [series("adc_witness_config_last_reload_successful", SCRAPE, "1 0x240")],
        labels: SCRAPE,
      },
      nearMiss: {
        because: "after a reload that was accepted",
        series: [series("adc_witness_config_last_reload_successful", SCRAPE, "1x240")],
      },
    },
    {
      name: "AgentLate",
      severity: "warning",
      // The window is no longer than the wait: what held the agent once has left it by then.
      expr: `histogram_quantile(0.99, sum by (job, instance, le) (rate(${SCHEDULE_LAG}[3m]))) > 1`,
      for: "3m",
      keepFiringFor: null,
      summary: "The witness at {{ $labels.instance }} starts probes late",
      description:
        "One probe in a hundred starts more than a second after its time: verdicts come late, and times say more about the witness than about the servers. Give it processors or fewer probes: `workers: auto`, longer intervals, or `shard` over several machines.",
      verdict: null,
      fires: {
        series: lagBuckets(SCHEDULE_LAG, { within1s: "0+90x240", inAll: "0+100x240" }),
        labels: SCRAPE,
      },
      nearMiss: {
        because:
          "while ninety-nine of a hundred start in time, or after something that held it once",
        series: [
          ...lagBuckets(SCHEDULE_LAG, { within1s: "0+995x240", inAll: "0+1000x240" }),
          ...lagBuckets(
            SCHEDULE_LAG,
            { within1s: "0+100x10 1000+100x230", inAll: "0+100x10 1100+100x230" },
            { ...SCRAPE, instance: "witness2:9743" },
          ),
        ],
      },
    },
    {
      name: "ProbesMissed",
      severity: "warning",
      // A server that is silent for twice its monitor's interval costs two starts, or three.
      expr: `${MISSED} > 0.05 * ${ENDED} unless 3 * ${TIMED_OUT} >= ${MISSED}`,
      for: "3m",
      keepFiringFor: null,
      summary: "The witness at {{ $labels.instance }} asks less often than it should",
      description:
        "More than one probe in twenty is not started because the one before it still runs, and silent servers are not the cause. Logins that wait for the turn of their account need a longer `every`, fewer members or more accounts; otherwise give it processors, as for AgentLate.",
      verdict: null,
      fires: { series: missedSeries({ missed: "0+10x240", timedOut: "0x240" }), labels: SCRAPE },
      nearMiss: {
        because: "while time-outs explain what is missed",
        series: missedSeries({ missed: "0+20x240", timedOut: "0+10x240" }),
      },
    },
    {
      name: "WorkersFailing",
      severity: "warning",
      expr: "increase(adc_witness_worker_failures_total[10m]) > 2",
      for: "1m",
      keepFiringFor: null,
      summary: "Worker threads of the witness at {{ $labels.instance }} end again and again",
      description:
        "Each is started again, but the probes under way are lost with it: opinions become unknown, and verdicts come late. Look at the agent's log and memory; `workers: 1` does without them.",
      verdict: null,
      fires: {
        series: [series("adc_witness_worker_failures_total", SCRAPE, "0+1x240")],
        labels: SCRAPE,
      },
      nearMiss: {
        because: "for a thread that ended once, and was started again",
        series: [series("adc_witness_worker_failures_total", SCRAPE, "0x10 1x230")],
      },
    },
    {
      name: "WorkersLate",
      severity: "warning",
      expr: "histogram_quantile(0.99, sum by (job, instance, le) (rate(adc_witness_worker_lag_seconds_bucket[5m]))) > 1",
      for: "3m",
      keepFiringFor: null,
      summary: "Worker threads of the witness at {{ $labels.instance }} begin probes late",
      description:
        "One probe in a hundred begins more than a second after it was ordered: verdicts come late, and times say more about the witness than about the servers. Give it processors or fewer probes: longer intervals, or `shard` over several machines.",
      verdict: null,
      fires: {
        series: lagBuckets(WORKER_LAG, { within1s: "0+90x240", inAll: "0+100x240" }),
        labels: SCRAPE,
      },
      nearMiss: {
        because: "while ninety-nine of a hundred begin in time",
        series: lagBuckets(WORKER_LAG, { within1s: "0+995x240", inAll: "0+1000x240" }),
      },
    },
    {
      name: "MaintenanceDeclared",
      severity: "none",
      expr: 'adc_witness_maintenance{source="declared"} == 1',
      for: "0s",
      keepFiringFor: null,
      summary: "{{ $labels.server }} is in declared maintenance on {{ $labels.adc }}",
      description:
        "Notifies nobody: Alertmanager's inhibit rules use it to hold back what the declared window explains, and nothing else.",
      verdict: null,
      fires: {
        series: [
          series(
            "adc_witness_maintenance",
            { ...SCRAPE, adc: "prod", server: "ex02", source: "declared" },
            "0 1x240",
          ),
        ],
        labels: { ...SCRAPE, adc: "prod", server: "ex02", source: "declared" },
      },
      nearMiss: {
        because: "for maintenance that was only detected, or that only the ADC knows of",
        series: [
          series(
            "adc_witness_maintenance",
            { ...SCRAPE, adc: "prod", server: "ex02", source: "detected" },
            "1x240",
          ),
          series(
            "adc_witness_maintenance",
            { ...SCRAPE, adc: "prod", server: "ex02", source: "adc" },
            "1x240",
          ),
        ],
      },
    },
  ],
};
