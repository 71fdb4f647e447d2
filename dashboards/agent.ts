import type { Dashboard } from "./dashboard.ts";
import { GREEN_IF_NONE, NEUTRAL, NO_GOOD_YES_BAD, RED_IF_NONE } from "./panel.ts";
import { ofAdc, ofAgent, rate } from "./query.ts";

/** The witness itself: can it be trusted right now? */
export const AGENT: Dashboard = {
  uid: "adc-witness-agent",
  title: "adc-witness / The agent",
  description: "The agent itself: schedule, network, sources and memory.",
  variables: [],
  from: "now-6h",
  refresh: "30s",
  rows: [
    {
      title: "Agent health",
      panels: [
        {
          kind: "stat",
          title: "Cut off",
          description: "1 if no control target is reachable; all opinions are then unknown.",
          unit: "short",
          queries: [
            {
              expr: `max(${ofAgent("adc_witness_agent_cut_off")})`,
              legend: "cut off",
              instant: true,
            },
          ],
          width: 6,
          height: 4,
          thresholds: GREEN_IF_NONE,
          mappings: NO_GOOD_YES_BAD,
        },
        {
          kind: "stat",
          title: "Configuration loaded",
          description: "0 if the last reload was rejected and the previous configuration is kept.",
          unit: "short",
          queries: [
            {
              expr: `min(${ofAgent("adc_witness_config_last_reload_successful")})`,
              legend: "accepted",
              instant: true,
            },
          ],
          width: 6,
          height: 4,
          thresholds: RED_IF_NONE,
          mappings: [
            { value: 0, text: "rejected", color: "red" },
            { value: 1, text: "accepted", color: "green" },
          ],
        },
        {
          kind: "stat",
          title: "Suspended accounts",
          description: "Accounts that are suspended because their logins were rejected.",
          unit: "short",
          queries: [
            {
              expr: `sum(max by (account) (${ofAgent("adc_witness_login_suspended")})) or vector(0)`,
              legend: "accounts",
              instant: true,
            },
          ],
          width: 6,
          height: 4,
          thresholds: GREEN_IF_NONE,
        },
        {
          kind: "stat",
          title: "Oldest ADC state",
          description: "Seconds since the last successful poll, of the ADC with the oldest state.",
          unit: "s",
          noValue: "no NITRO",
          queries: [
            {
              expr: `time() - min(${ofAdc("adc_witness_adc_last_poll_timestamp_seconds")})`,
              legend: "age",
              instant: true,
            },
          ],
          width: 6,
          height: 4,
          thresholds: [
            { from: null, color: "green" },
            { from: 60, color: "orange" },
            { from: 300, color: "red" },
          ],
        },
      ],
    },
    {
      title: "Pace",
      panels: [
        {
          kind: "timeseries",
          title: "Schedule lag",
          description: "Delay between the scheduled and the actual start of probes.",
          unit: "s",
          queries: ([0.5, 0.99] as const).map((quantile) => ({
            expr: `histogram_quantile(${String(quantile)}, sum by (le, instance) (${rate(ofAgent("adc_witness_schedule_lag_seconds_bucket"))}))`,
            legend: `{{instance}} p${String(quantile * 100)}`,
          })),
          width: 6,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Probes",
          description: "Completed probes by vantage.",
          unit: "ops",
          stacked: true,
          queries: [
            {
              expr: `sum by (vantage) (${rate(ofAdc("adc_witness_probes_total"))})`,
              legend: "{{vantage}}",
            },
          ],
          width: 6,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Logins",
          description:
            "Logins by outcome, including held-back ones: the load on directory and accounts.",
          unit: "ops",
          stacked: true,
          queries: [
            {
              expr: `sum by (account, outcome) (${rate(ofAgent("adc_witness_logins_total"))})`,
              legend: "{{account}} {{outcome}}",
            },
          ],
          width: 6,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Missed probes",
          description: "Probes skipped because their previous run was still in progress.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (instance) (${rate(ofAgent("adc_witness_missed_probes_total"))})`,
              legend: "{{instance}}",
            },
          ],
          width: 6,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Failures by reason",
          description: "Probes that did not pass, by reason, including faults of the agent itself.",
          unit: "ops",
          stacked: true,
          queries: [
            {
              expr: `sum by (reason) (${rate(ofAdc("adc_witness_probe_failures_total"))})`,
              legend: "{{reason}}",
            },
          ],
          width: 12,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Event loop lag",
          description: "Time the event loop was blocked.",
          unit: "s",
          queries: [
            {
              expr: `max by (instance, statistic) (${ofAgent("adc_witness_event_loop_lag_seconds")})`,
              legend: "{{instance}} {{statistic}}",
            },
          ],
          width: 12,
          height: 8,
        },
      ],
    },
    {
      title: "NITRO",
      panels: [
        {
          kind: "timeseries",
          title: "Request duration, 95th percentile",
          description: "Duration of NITRO requests by node.",
          unit: "s",
          queries: [
            {
              expr: `histogram_quantile(0.95, sum by (le, adc, node) (${rate(ofAdc("adc_witness_adc_request_duration_seconds_bucket"))}))`,
              legend: "{{adc}} {{node}}",
            },
          ],
          width: 8,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "Errors",
          description: "Failed requests by NITRO error code, HTTP status or kind of failure.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (adc, node, code) (${rate(ofAdc("adc_witness_adc_errors_total"))})`,
              legend: "{{adc}} {{node}} {{code}}",
            },
          ],
          width: 8,
          height: 8,
        },
        {
          kind: "state-timeline",
          title: "Primary node",
          description: "Primary node of each HA pair; states are read from it only.",
          unit: "short",
          queries: [
            {
              expr: `max by (adc, node) (${ofAdc("adc_witness_adc_node_primary")})`,
              legend: "{{adc}} {{node}}",
            },
          ],
          width: 8,
          height: 8,
          mappings: [
            { value: 0, text: "secondary", color: "text" },
            { value: 1, text: "primary", color: "green" },
          ],
        },
      ],
    },
    {
      title: "Process",
      panels: [
        {
          kind: "timeseries",
          title: "Memory",
          description: "Resident memory and heap of the agent's process.",
          unit: "bytes",
          queries: [
            {
              expr: `max by (instance) (${ofAgent("process_resident_memory_bytes")})`,
              legend: "{{instance}} resident",
            },
            {
              expr: `max by (instance) (${ofAgent("process_heap_bytes")})`,
              legend: "{{instance}} heap",
            },
          ],
          width: 8,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "CPU",
          description: "CPUs used; 1 is one core.",
          unit: "short",
          queries: [
            {
              expr: `sum by (instance) (${rate(ofAgent("process_cpu_seconds_total"))})`,
              legend: "{{instance}}",
            },
          ],
          width: 8,
          height: 8,
        },
        {
          kind: "timeseries",
          title: "File descriptors",
          description: "Open descriptors as a share of the limit.",
          unit: "percentunit",
          queries: [
            {
              expr: `max by (instance) (${ofAgent("process_open_fds")} / ${ofAgent("process_max_fds")})`,
              legend: "{{instance}}",
            },
          ],
          width: 8,
          height: 8,
          thresholds: NEUTRAL,
        },
      ],
    },
  ],
};
