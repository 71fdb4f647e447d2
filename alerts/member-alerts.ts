import type { MemberVerdict } from "../src/model/verdicts.ts";
import { MEMBER, series, type AlertGroup } from "./alert.ts";
import { verdictAlerts } from "./verdict-alert.ts";

const PLACE = "{{ $labels.server }}:{{ $labels.port }} ({{ $labels.adc_service }})";
const verdictAlert = verdictAlerts<MemberVerdict>("adc_witness_verdict", MEMBER);

/** Alerts about one member: the ADC is wrong about it, or somebody forgot it. */
export const MEMBER_ALERTS: AlertGroup = {
  file: "members",
  title: "Members",
  alerts: [
    verdictAlert(
      "AdcRoutesToMaintenance",
      "critical",
      "routes_to_maintenance",
      `${PLACE} is in maintenance and {{ $labels.adc }} still sends it clients`,
      ["maintenance_expected", "the ADC has taken the server in maintenance down"],
    ),
    verdictAlert(
      "AdcFalseUp",
      "critical",
      "false_up",
      `{{ $labels.adc }} says UP, but ${PLACE} is down`,
      ["settling", "the ADC still has time to notice"],
    ),
    verdictAlert(
      "AdcBlindMonitor",
      "critical",
      "blind_monitor",
      `${PLACE} fails in a way that the monitor of {{ $labels.adc }} cannot see`,
      ["agree_down", "the ADC knows about the failure"],
    ),
    verdictAlert(
      "AdcFalseDown",
      "warning",
      "false_down",
      `{{ $labels.adc }} says DOWN, but ${PLACE} works`,
      ["settling", "the ADC still has time to bring it back"],
    ),
    verdictAlert(
      "AdcStrictMonitor",
      "warning",
      "strict_monitor",
      `The monitor of {{ $labels.adc }} keeps ${PLACE} down although it works`,
      ["maintenance_expected", "the health page is rightly down in maintenance"],
    ),
    verdictAlert(
      "AdcReturnOverdue",
      "warning",
      "return_overdue",
      `${PLACE} is good again and still out of service on {{ $labels.adc }}`,
      ["ready_to_return", "the window is still open"],
    ),
    verdictAlert(
      "AdcDrainedUndeclared",
      "info",
      "drained_undeclared",
      `${PLACE} is out of service on {{ $labels.adc }}, and no window was declared`,
      ["drained", "a window was declared"],
    ),
    {
      name: "AdcBlind",
      severity: "warning",
      expr: 'adc_witness_adc_blind{reason!="service_disabled"} == 1',
      for: "1m",
      keepFiringFor: "10m",
      summary: `The state of ${PLACE} on {{ $labels.adc }} is unreliable: {{ $labels.reason }}`,
      description:
        "The ADC does not monitor this member, so its state would not change if the server failed. Enable health monitoring or the monitor binding again, or find out why its probes are not sent.",
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
