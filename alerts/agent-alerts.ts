import { SCRAPE, series, SHOWN_AGENT, type AlertGroup } from "./alert.ts";
import { PACE_ALERTS } from "./pace-alerts.ts";
import { provenByFlag } from "./proof.ts";
import { ROUND_TRIP_ALERTS } from "./round-trip-alerts.ts";

/** Alerts about the witness itself and its sources, the round trip, and the one that holds others back. */
export const AGENT_ALERTS: AlertGroup = {
  file: "agent",
  title: "The agent and its sources",
  alerts: [
    {
      name: "AdcWitnessAdcUnreachable",
      severity: "warning",
      expr: "adc_witness_adc_up == 0",
      for: "1m",
      heldBy: null,
      summary: "{{ $labels.adc }} does not report its state over NITRO",
      description:
        "Without the ADC's state nothing can be compared; verdicts become unknown after three polls. Check the management address, the agent's account and the limit of management sessions.",
      shownAt: SHOWN_AGENT,
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
      name: "AdcWitnessAdcImportFailed",
      severity: "warning",
      expr: "adc_witness_adc_import_up == 0 unless adc_witness_adc_up == 0",
      for: "30m",
      heldBy: null,
      summary: "The configuration of {{ $labels.adc }} cannot be imported",
      description:
        "What was imported before is still watched; what has been added to the ADC since is not. /-/ready and the page give the reason.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      ...provenByFlag(
        "adc_witness_adc_import_up",
        { ...SCRAPE, adc: "prod" },
        "while imports succeed",
        { wrong: "0", right: "1" },
      ),
    },
    {
      name: "AdcWitnessNitroSplitBrain",
      severity: "critical",
      expr: "adc_witness_adc_split_brain == 1",
      for: "30s",
      heldBy: null,
      summary: "Both nodes of {{ $labels.adc }} claim to be primary",
      description:
        "Both may answer for the same addresses. Look at the link between them (show HA node on each). Until one of them becomes secondary, the state of neither is used and every verdict is unknown.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      ...provenByFlag(
        "adc_witness_adc_split_brain",
        { ...SCRAPE, adc: "prod" },
        "while one node is the primary, or two addresses lead to it",
      ),
    },
    {
      name: "AdcWitnessAgentCutOff",
      severity: "warning",
      expr: "adc_witness_agent_cut_off == 1",
      for: "1m",
      heldBy: null,
      summary: "The agent at {{ $labels.instance }} cannot reach any control target",
      description:
        "The agent has lost its network, so all its opinions are unknown. Check the host and its uplink, not the servers.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      ...provenByFlag("adc_witness_agent_cut_off", SCRAPE, "while a control target answers"),
    },
    {
      name: "AdcWitnessAgentMissing",
      severity: "critical",
      expr: 'up{job="adc-witness"} == 0 or absent(up{job="adc-witness"})',
      for: "2m",
      heldBy: null,
      summary: "The agent cannot be scraped",
      description:
        "Nothing checks the ADC at the moment. Check the process and its log on {{ $labels.instance }}, and the targets page of Prometheus.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      fires: { series: [series("up", SCRAPE, "1 0x240")], labels: SCRAPE },
      nearMiss: {
        because: "for a restart between two scrapes",
        series: [series("up", SCRAPE, "1x4 0x3 1x230")],
      },
    },
    {
      name: "AdcWitnessStateNotWritable",
      severity: "warning",
      expr: "adc_witness_state_writable == 0",
      for: "1m",
      heldBy: null,
      summary: "The agent at {{ $labels.instance }} cannot write to state_dir",
      description:
        "No login starts, because its outcome could not be saved, and no maintenance window can be declared. Monitors and anonymous looks continue. Free disk space or correct the permissions of `state_dir`; `/-/ready` and the log name the file and the error.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      ...provenByFlag(
        "adc_witness_state_writable",
        SCRAPE,
        "while the directory takes every write",
        { wrong: "0", right: "1" },
      ),
    },
    {
      name: "AdcWitnessLoginSuspended",
      severity: "warning",
      expr: "adc_witness_login_suspended == 1",
      for: "1m",
      heldBy: null,
      summary: "Account {{ $labels.account }} is suspended because its logins were rejected",
      description:
        "Two logins in a row were rejected by different servers, and a third could lock the account. Check its password and expiry, configure the new secret and reload the agent.",
      shownAt: SHOWN_AGENT,
      verdict: null,
      ...provenByFlag(
        "adc_witness_login_suspended",
        { ...SCRAPE, account: "probe-a" },
        "once the account works again",
      ),
    },
    ...ROUND_TRIP_ALERTS,
    {
      name: "AdcWitnessConfigReloadFailed",
      severity: "warning",
      expr: "adc_witness_config_last_reload_successful == 0",
      for: "1m",
      heldBy: null,
      summary: "The agent at {{ $labels.instance }} rejected its new configuration",
      description:
        "The previous configuration stays active. Run `adc-witness check-config` on the file to see each problem with its line.",
      shownAt: SHOWN_AGENT,
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
      name: "AdcWitnessMaintenanceDeclared",
      severity: "none",
      expr: 'adc_witness_maintenance{source="declared"} == 1',
      for: "0s",
      heldBy: null,
      summary: "{{ $labels.server }} is in declared maintenance on {{ $labels.adc }}",
      description:
        "Never notifies. Alertmanager's inhibit rules use it to suppress the alerts that the declared window explains.",
      shownAt: SHOWN_AGENT,
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
