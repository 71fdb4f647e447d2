/**
 * Every metric of the agent, once: the renderers, the reference in the docs and the tests of dashboards and alerts are
 * checked against this list. Names are a contract: add, never rename.
 */
export interface MetricDefinition {
  readonly name: string;
  /** A state set is rendered as a gauge: one series per state, sticky once born (see sticky-states.ts). */
  readonly type: "gauge" | "counter" | "histogram" | "state set";
  readonly labels: readonly string[];
  readonly help: string;
}

/** The member: `adc_service` is the service's or group's name; `service` would be overwritten by Prometheus Operator. */
const MEMBER = ["adc", "adc_service", "server", "port"] as const;
const VSERVER = ["adc", "vserver"] as const;
/** Empty vserver at the backend, empty member at a VIP; one of monitor and transaction is empty. */
const PROBE = [
  "adc",
  "vserver",
  "adc_service",
  "server",
  "port",
  "monitor",
  "transaction",
  "vantage",
] as const;
/** Empty vserver for a member's endpoint, empty member for a VIP's. */
const ENDPOINT = ["adc", "vserver", "adc_service", "server", "port"] as const;
const PROBE_KIND = ["adc", "type", "vantage"] as const;

export const METRICS = [
  // The agent itself
  gauge(
    "adc_witness_build_info",
    ["version", "revision", "node_version"],
    "Always 1: which build this is and what it runs on.",
  ),
  gauge(
    "adc_witness_config_last_reload_successful",
    [],
    "1 when the configuration was accepted at the last load or reload, 0 when it was refused and the old one stays.",
  ),
  gauge(
    "adc_witness_config_last_reload_success_timestamp_seconds",
    [],
    "When a configuration was last accepted.",
  ),
  gauge(
    "adc_witness_agent_cut_off",
    [],
    "1 while no control target answers: every opinion of this agent is unknown then.",
  ),
  gauge(
    "adc_witness_state_writable",
    [],
    "1 while the state directory takes every write, 0 while it refuses one: no login begins and no window is stored then.",
  ),
  counter(
    "adc_witness_state_write_errors_total",
    [],
    "Writes that the state directory refused (a full disk, permissions, another process).",
  ),
  gauge(
    "adc_witness_login_suspended",
    ["account"],
    "1 while an account is not tried because its logins were rejected, 0 after it came back.",
  ),
  gauge(
    "adc_witness_logins_held_back",
    ["account", "reason"],
    "Probes whose login was not begun when it was due last: by the gate of its account, or because the state directory cannot be used.",
  ),
  counter(
    "adc_witness_logins_total",
    ["account", "outcome"],
    "Logins by what became of the account's credential; held_back ones were not begun. No account begins more than two a second.",
  ),
  histogram("adc_witness_schedule_lag_seconds", [], "How much later than planned probes started."),
  counter(
    "adc_witness_missed_probes_total",
    [],
    "Probes not started because the same probe was still running.",
  ),
  gauge(
    "adc_witness_event_loop_lag_seconds",
    ["statistic"],
    "Delay of the main thread's event loop over the last one to two minutes: p50, p99 and max.",
  ),
  counter(
    "adc_witness_event_loop_stall_seconds_total",
    [...ENDPOINT],
    "Time in which the event loop stalled, by the endpoint whose answers took it; empty labels: stalls of a second or more that no answer explains.",
  ),
  gauge(
    "adc_witness_workers",
    [],
    "Worker threads that probe beside the main thread; 0 while it probes by itself.",
  ),
  histogram(
    "adc_witness_worker_lag_seconds",
    [],
    "How much later than the main thread ordered them worker threads began their probes.",
  ),
  counter(
    "adc_witness_worker_failures_total",
    [],
    "Worker threads that ended by themselves, or hung and were ended; each is started again.",
  ),

  // What the ADC says
  gauge("adc_witness_adc_up", ["adc"], "1 when the last poll of the ADC over NITRO succeeded."),
  gauge(
    "adc_witness_adc_last_poll_timestamp_seconds",
    ["adc"],
    "When the ADC was last polled with success.",
  ),
  gauge(
    "adc_witness_adc_node_primary",
    ["adc", "node"],
    "1 for the primary node of the HA pair, 0 for the other.",
  ),
  gauge(
    "adc_witness_adc_split_brain",
    ["adc"],
    "1 while both nodes of a pair say that they are the primary: neither is believed.",
  ),
  gauge(
    "adc_witness_nitro_unknown_texts",
    ["adc", "kind"],
    "Different texts of the ADC's that were not understood since the start, at most 500: `lastresponse`, `state`, `role`.",
  ),
  gauge(
    "adc_witness_nitro_gap",
    ["adc", "resource"],
    "1 for each NITRO resource that the ADC does not tell: what depends on it is not watched.",
  ),
  histogram(
    "adc_witness_adc_request_duration_seconds",
    ["adc", "node"],
    "Duration of requests to NITRO.",
  ),
  counter(
    "adc_witness_adc_errors_total",
    ["adc", "node", "code"],
    "Failed requests to NITRO by NITRO's own error code, HTTP status or kind of failure.",
  ),
  stateSet(
    "adc_witness_adc_vserver_state",
    [...VSERVER, "state"],
    "State of the vserver as the ADC tells it: 1 for the state it is in.",
  ),
  stateSet(
    "adc_witness_adc_member_state",
    [...MEMBER, "state"],
    "State of the member as the ADC tells it: 1 for the state it is in.",
  ),
  gauge(
    "adc_witness_adc_monitor_up",
    [...MEMBER, "monitor"],
    "1 when the ADC's own monitor passes, 0 when it fails; absent when the ADC does not run it.",
  ),
  gauge(
    "adc_witness_adc_member_connections",
    [...MEMBER],
    "Client connections the ADC holds to the member.",
  ),
  gauge(
    "adc_witness_adc_vserver_health_ratio",
    [...VSERVER],
    "Health of the vserver by the ADC's own account, 0 to 1.",
  ),
  gauge(
    "adc_witness_adc_state_change_timestamp_seconds",
    [...MEMBER],
    "When the ADC last changed its state of the member.",
  ),
  stateSet(
    "adc_witness_adc_blind",
    [...MEMBER, "reason"],
    "1 while the ADC's own word about the member is worth little, and why.",
  ),
  gauge(
    "adc_witness_vserver_member_info",
    ["adc", "vserver", "adc_service", "server", "port"],
    "Always 1: joins members to the vservers they serve.",
  ),

  // Opinions and verdicts
  gauge(
    "adc_witness_opinion",
    [...MEMBER, "opinion"],
    "1 when this opinion is up, 0 when it is not (for the adc: also out of service or leaving); absent when unknown. Look at the verdict for alerts.",
  ),
  stateSet(
    "adc_witness_verdict",
    [...MEMBER, "verdict"],
    "Verdict on the member: 1 for the one that holds.",
  ),
  stateSet(
    "adc_witness_vserver_verdict",
    [...VSERVER, "verdict"],
    "Verdict on the vserver: 1 for the one that holds.",
  ),
  gauge(
    "adc_witness_mismatch",
    [...MEMBER],
    "1 while the verdict says that the ADC is wrong about the member.",
  ),
  gauge(
    "adc_witness_vserver_mismatch",
    [...VSERVER],
    "1 while the verdict says that the ADC is wrong about the vserver.",
  ),
  counter(
    "adc_witness_mismatch_seconds_total",
    [...MEMBER],
    "Time the ADC has been wrong about the member; settling does not count.",
  ),
  counter(
    "adc_witness_vserver_mismatch_seconds_total",
    [...VSERVER],
    "Time the ADC has been wrong about the vserver; settling does not count.",
  ),
  gauge(
    "adc_witness_verdict_since_timestamp_seconds",
    [...MEMBER],
    "Since when the member's verdict holds.",
  ),
  gauge(
    "adc_witness_vserver_verdict_since_timestamp_seconds",
    [...VSERVER],
    "Since when the vserver's verdict holds.",
  ),
  gauge(
    "adc_witness_vserver_members",
    [...VSERVER, "of"],
    "Members of the vserver: configured, up by the ADC, really up and really down by our opinions, in maintenance.",
  ),

  // Probes
  gauge(
    "adc_witness_probe_success",
    [...PROBE],
    "1 when the last run of the probe passed, 0 when it failed; absent when it said nothing.",
  ),
  gauge("adc_witness_probe_duration_seconds", [...PROBE], "Duration of the last run of the probe."),
  gauge(
    "adc_witness_mail_round_trip_seconds",
    [...PROBE],
    "Time from handing the last round trip's message in until it was found.",
  ),
  gauge(
    "adc_witness_probe_failure_info",
    [...PROBE, "step", "reason"],
    "1 while the last run of the probe did not pass: how far it came, and why it ended there.",
  ),
  gauge(
    "adc_witness_probe_phase_seconds",
    [...PROBE, "phase"],
    "Duration of each phase of the last run; only when switched on.",
  ),
  counter("adc_witness_probes_total", [...PROBE_KIND], "Probes that ended."),
  counter(
    "adc_witness_probe_failures_total",
    [...PROBE_KIND, "reason"],
    "Probes that did not pass, by reason.",
  ),
  histogram("adc_witness_probe_seconds", [...PROBE_KIND], "Duration of probes."),
  histogram(
    "adc_witness_probe_by_phase_seconds",
    [...PROBE_KIND, "phase"],
    "Duration of the phases of probes.",
  ),
  counter(
    "adc_witness_vip_served_by_total",
    [...VSERVER, "server"],
    "Answers through the VIP by the server of the estate that gave them, or unrecognised.",
  ),
  gauge(
    "adc_witness_client_address_kept",
    [...VSERVER],
    "1 when servers behind the vserver see the client's own address, as SMTP's EHLO answer tells; absent where none tells.",
  ),
  gauge(
    "adc_witness_auth_schemes_differ",
    [...VSERVER],
    "1 when a member offers other login schemes than all others of its group, as their 401 answers tell; absent where nothing can be compared.",
  ),

  // TLS
  gauge(
    "adc_witness_tls_certificate_not_after_timestamp_seconds",
    [...ENDPOINT],
    "Earliest end of validity in the chain as sent.",
  ),
  gauge(
    "adc_witness_tls_certificate_info",
    [...ENDPOINT, "subject", "issuer", "sha256"],
    "Always 1: the certificates of the chain as sent, at most eight.",
  ),
  stateSet(
    "adc_witness_tls_verification",
    [...ENDPOINT, "result"],
    "What a client that verifies would say: 1 for the result that holds.",
  ),
  gauge(
    "adc_witness_tls_version_info",
    [...ENDPOINT, "version"],
    "Always 1: the protocol version that was agreed.",
  ),
  gauge(
    "adc_witness_certificate_differs",
    [...VSERVER],
    "1 when certificates differ where this agent judges that they must be alike.",
  ),

  // Maintenance
  stateSet(
    "adc_witness_maintenance",
    ["adc", "server", "source"],
    "1 while the server is in maintenance: declared, by the ADC, or detected on the wire at all its members.",
  ),
  stateSet(
    "adc_witness_member_maintenance",
    [...MEMBER, "source"],
    "1 while the member is in maintenance: declared, by the ADC, or detected on the wire.",
  ),
  gauge(
    "adc_witness_maintenance_end_timestamp_seconds",
    ["adc", "server"],
    "Planned end of the open window, +Inf for one without end; absent when none is open.",
  ),
  gauge(
    "adc_witness_ready_to_return",
    [...MEMBER],
    "1 when the member may come back, 0 when not yet; absent outside declared maintenance.",
  ),

  // The process, by the names every exporter uses
  counter("process_cpu_seconds_total", [], "User and system CPU time spent."),
  gauge("process_resident_memory_bytes", [], "Resident memory size."),
  gauge("process_heap_bytes", [], "Heap size."),
  gauge("process_start_time_seconds", [], "Start time of the process since the epoch."),
  gauge("process_open_fds", [], "Open file descriptors; absent where the system does not tell."),
  gauge(
    "process_max_fds",
    [],
    "Limit of open file descriptors; absent where the system does not tell.",
  ),
] as const satisfies readonly MetricDefinition[];

export type MetricName = (typeof METRICS)[number]["name"];

/** The definition of a metric by its name. */
export const DEFINITIONS: ReadonlyMap<string, MetricDefinition> = new Map(
  METRICS.map((metric) => [metric.name, metric]),
);

function gauge<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "gauge", labels, help } as const;
}

function counter<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "counter", labels, help } as const;
}

function histogram<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "histogram", labels, help } as const;
}

function stateSet<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "state set", labels, help } as const;
}
