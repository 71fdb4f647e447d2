import { series, VSERVER, SHOWN_VSERVER, type Alert } from "./alert.ts";

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

/** Alerts about mail that is sent and looked for. */
export const ROUND_TRIP_ALERTS: readonly Alert[] = [
  {
    name: "AdcWitnessRoundTripSlow",
    severity: "warning",
    expr: 'adc_witness_probe_duration_seconds{transaction="mail_round_trip"} > 60 and adc_witness_probe_success{transaction="mail_round_trip"} == 1',
    for: "1m",
    heldBy: null,
    summary: "A mail round trip through {{ $labels.adc }} takes more than a minute",
    description:
      "Mail is delivered, but slowly. Check the transport queues, back pressure and the anti-spam agents.",
    shownAt: SHOWN_VSERVER,
    verdict: null,
    fires: {
      series: [
        series("adc_witness_probe_duration_seconds", ROUND_TRIP, "5 95x240"),
        series("adc_witness_probe_success", ROUND_TRIP, "1x240"),
      ],
      labels: ROUND_TRIP_LABELS,
    },
    nearMiss: {
      because: "for a mail that was lost, which AdcWitnessRoundTripLost reports",
      series: [
        series("adc_witness_probe_duration_seconds", ROUND_TRIP, "95x240"),
        series("adc_witness_probe_success", ROUND_TRIP, "0x240"),
      ],
    },
  },
  {
    name: "AdcWitnessRoundTripLost",
    severity: "critical",
    expr: 'adc_witness_probe_failure_info{transaction="mail_round_trip",reason=~"mail_lost|mail_in_junk"} == 1',
    for: "1m",
    heldBy: null,
    summary: "A mail sent through {{ $labels.adc }} did not arrive: {{ $labels.reason }}",
    description:
      "The probe's mail was accepted but not found in its inbox. Search the message tracking log for the probe's account, and check the queues.",
    shownAt: SHOWN_VSERVER,
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
      because: "when the mail could not even be handed in, which the verdicts report",
      series: [
        series(
          "adc_witness_probe_failure_info",
          { ...ROUND_TRIP, step: "connect", reason: "refused" },
          "1x240",
        ),
      ],
    },
  },
];
