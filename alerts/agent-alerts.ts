import { SCRAPE, series, type AlertGroup } from "./alert.ts";
import { PACE_ALERTS } from "./pace-alerts.ts";
import { provenByFlag } from "./proof.ts";
import { ROUND_TRIP_ALERTS } from "./round-trip-alerts.ts";

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
      summary: "{{ $labels.adc }} does not tell its state over NITRO",
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
      name: "NitroSplitBrain",
      severity: "critical",
      expr: "adc_witness_adc_split_brain == 1",
      for: "30s",
      keepFiringFor: null,
      summary: "Both nodes of {{ $labels.adc }} say that they are the primary",
      description:
        "Both may answer for the same addresses. Look at the link between them (show HA node on each). Until one gives way neither is believed, and every verdict is unknown.",
      verdict: null,
      ...provenByFlag(
        "adc_witness_adc_split_brain",
        { ...SCRAPE, adc: "prod" },
        "while one node is the primary, or two addresses lead to it",
      ),
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
      ...provenByFlag("adc_witness_agent_cut_off", SCRAPE, "while a control target answers"),
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
      name: "StateNotWritable",
      severity: "warning",
      expr: "adc_witness_state_writable == 0",
      for: "1m",
      keepFiringFor: null,
      summary: "The witness at {{ $labels.instance }} cannot write its state directory",
      description:
        "No login begins, since its outcome could not be written down, and no maintenance window can be declared; monitors and anonymous looks go on. Free the disk or correct the permissions of `state_dir`: `/-/ready` and the log name the file and the error.",
      verdict: null,
      ...provenByFlag(
        "adc_witness_state_writable",
        SCRAPE,
        "while the directory takes every write",
        { wrong: "0", right: "1" },
      ),
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
      ...provenByFlag(
        "adc_witness_login_suspended",
        { ...SCRAPE, account: "probe-a" },
        "once the account works again",
      ),
    },
    ...ROUND_TRIP_ALERTS,
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
      ...provenByFlag(
        "adc_witness_config_last_reload_successful",
        SCRAPE,
        "after a reload that was accepted",
        { wrong: "0", right: "1" },
      ),
    },
    ...PACE_ALERTS,
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
