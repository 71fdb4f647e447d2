import { VERDICT_WORDS, type MemberVerdict } from "../src/model/verdicts.ts";
import { MEMBER, MEMBER_KEY, SERVER, series, SHOWN_MEMBER, type AlertGroup } from "./alert.ts";
import { provenByFlag } from "./proof.ts";
import { verdictAlerts } from "./verdict-alert.ts";

const OVERRUN = VERDICT_WORDS.maintenance_overrun;
/** What a member can be in an open window that is not back in service. */
const AWAY_IN_WINDOW: readonly MemberVerdict[] = [
  "drained",
  "ready_to_return",
  "maintenance_expected",
  "agree_down",
  "routes_to_maintenance",
];
const PLACE = "{{ $labels.server }}:{{ $labels.port }} ({{ $labels.adc_service }})";
const verdictAlert = verdictAlerts<MemberVerdict>("adc_witness_verdict", MEMBER, {
  key: MEMBER_KEY,
  shownAt: SHOWN_MEMBER,
});

/** Alerts about one member: the ADC is wrong about it, or somebody forgot it. */
export const MEMBER_ALERTS: AlertGroup = {
  file: "members",
  title: "Members",
  alerts: [
    verdictAlert(
      "AdcWitnessAdcRoutesToMaintenance",
      "critical",
      "routes_to_maintenance",
      `${PLACE} is in maintenance and {{ $labels.adc }} still sends it clients`,
      ["maintenance_expected", "the ADC has taken the server in maintenance down"],
    ),
    verdictAlert(
      "AdcWitnessAdcFalseUp",
      "critical",
      "false_up",
      `{{ $labels.adc }} says UP, but ${PLACE} is down`,
      ["settling", "the ADC still has time to notice"],
    ),
    verdictAlert(
      "AdcWitnessAdcBlindMonitor",
      "critical",
      "blind_monitor",
      `${PLACE} fails in a way that the monitor of {{ $labels.adc }} cannot see`,
      ["agree_down", "the ADC knows about the failure"],
    ),
    verdictAlert(
      "AdcWitnessAdcFalseDown",
      "warning",
      "false_down",
      `{{ $labels.adc }} says DOWN, but ${PLACE} works`,
      ["settling", "the ADC still has time to bring it back"],
    ),
    verdictAlert(
      "AdcWitnessAdcStrictMonitor",
      "warning",
      "strict_monitor",
      `The monitor of {{ $labels.adc }} keeps ${PLACE} down although it works`,
      ["maintenance_expected", "the health page is rightly down in maintenance"],
    ),
    verdictAlert(
      "AdcWitnessAdcReturnOverdue",
      "warning",
      "return_overdue",
      `${PLACE} is good again and still out of service on {{ $labels.adc }}`,
      ["ready_to_return", "the window is still open"],
    ),
    verdictAlert(
      "AdcWitnessAdcDrainedUndeclared",
      "info",
      "drained_undeclared",
      `${PLACE} is out of service on {{ $labels.adc }}, and no window was declared`,
      ["drained", "a window was declared"],
    ),
    verdictAlert(
      "AdcWitnessMaintenanceOverrun",
      "warning",
      "maintenance_overrun",
      `${PLACE} should be back from maintenance and does not work`,
      ["maintenance_expected", "the window is open, or what nobody declared is not old yet"],
    ),
    {
      name: "AdcWitnessMaintenanceOverrunLong",
      severity: "critical",
      expr: 'adc_witness_verdict{verdict="maintenance_overrun"} == 1 and on (job, instance, adc, adc_service, server, port) time() - adc_witness_verdict_since_timestamp_seconds > 3600',
      for: "1m",
      heldBy: MEMBER_KEY,
      summary: `${PLACE} should have been back from maintenance an hour ago`,
      description: `${OVERRUN.meaning} It has been so for more than an hour. ${OVERRUN.advice}`,
      shownAt: SHOWN_MEMBER,
      verdict: "maintenance_overrun",
      fires: {
        series: [
          series("adc_witness_verdict", { ...MEMBER, verdict: "maintenance_overrun" }, "0 1x240"),
          series("adc_witness_verdict_since_timestamp_seconds", MEMBER, "-3700x240"),
        ],
        labels: { ...MEMBER, verdict: "maintenance_overrun" },
      },
      nearMiss: {
        because: "within the first hour",
        series: [
          series("adc_witness_verdict", { ...MEMBER, verdict: "maintenance_overrun" }, "1x240"),
          series("adc_witness_verdict_since_timestamp_seconds", MEMBER, "0x240"),
        ],
      },
    },
    {
      name: "AdcWitnessMaintenanceWindowEnding",
      severity: "warning",
      expr: `adc_witness_verdict{verdict=~"${AWAY_IN_WINDOW.join("|")}"} == 1 and on (job, instance, adc, server) adc_witness_maintenance_end_timestamp_seconds - time() < 900`,
      for: "1m",
      heldBy: null,
      summary: `The window of {{ $labels.server }} ends within 15 minutes, and ${PLACE} is not back`,
      description:
        "The member is {{ $labels.verdict }}. Finish the work and enable it, or extend the window with `adc-witness maintenance start`; from the end of the window on it counts as overrun.",
      shownAt: SHOWN_MEMBER,
      verdict: null,
      fires: {
        series: [
          series("adc_witness_verdict", { ...MEMBER, verdict: "drained" }, "1x240"),
          series("adc_witness_maintenance_end_timestamp_seconds", SERVER, "950x240"),
        ],
        labels: { ...MEMBER, verdict: "drained" },
      },
      nearMiss: {
        because: "while the window has longer to run, or no end, or its members are back",
        series: [
          series("adc_witness_verdict", { ...MEMBER, verdict: "drained" }, "1x240"),
          series("adc_witness_maintenance_end_timestamp_seconds", SERVER, "5000x240"),
          series(
            "adc_witness_verdict",
            { ...MEMBER, server: "ex03", verdict: "agree_up" },
            "1x240",
          ),
          series(
            "adc_witness_maintenance_end_timestamp_seconds",
            { ...SERVER, server: "ex03" },
            "60x240",
          ),
          series("adc_witness_verdict", { ...MEMBER, server: "ex04", verdict: "drained" }, "1x240"),
          series(
            "adc_witness_maintenance_end_timestamp_seconds",
            { ...SERVER, server: "ex04" },
            "9999999999x240",
          ),
        ],
      },
    },
    {
      name: "AdcWitnessAdcFlapping",
      severity: "warning",
      expr: "adc_witness_adc_flapping == 1",
      for: "1m",
      heldBy: null,
      summary: `{{ $labels.adc }} takes ${PLACE} DOWN and UP again although it works`,
      description:
        "Each time clients are moved to other servers, and no single flap lasts long enough to be named. Read the monitor's last responses (the page shows them), and the ADC's load, licence and packet engine.",
      shownAt: SHOWN_MEMBER,
      verdict: null,
      ...provenByFlag("adc_witness_adc_flapping", MEMBER, "while the member fails here as well"),
    },
    {
      name: "AdcWitnessAdcBlind",
      severity: "warning",
      expr: 'adc_witness_adc_blind{reason!="service_disabled"} == 1',
      for: "1m",
      heldBy: null,
      summary: `The state of ${PLACE} on {{ $labels.adc }} is unreliable: {{ $labels.reason }}`,
      description:
        "The ADC does not monitor this member, so its state would not change if the server failed. Enable health monitoring or the monitor binding again, or find out why its probes are not sent.",
      shownAt: SHOWN_MEMBER,
      verdict: null,
      fires: {
        series: [
          series("adc_witness_adc_blind", { ...MEMBER, reason: "health_monitor_off" }, "1x240"),
        ],
        labels: { ...MEMBER, reason: "health_monitor_off" },
      },
      nearMiss: {
        because: "when the member is only switched off on purpose",
        series: [
          series("adc_witness_adc_blind", { ...MEMBER, reason: "service_disabled" }, "1x240"),
          series("adc_witness_adc_blind", { ...MEMBER, reason: "health_monitor_off" }, "0x240"),
        ],
      },
    },
  ],
};
