/**
 * All metrics of the agent. Renderers, reference docs, and tests of dashboards and alerts are checked against this list. Names
 * are a contract: add, never rename.
 */
export interface MetricDefinition {
  readonly name: string;
  /**
   * A state set is rendered as a gauge with one series per state, which stays once created; OpenMetrics' stateset type would
   * force a label with the metric's name. `_info` is a gauge of 1 in the text format, and type info in OpenMetrics.
   */
  readonly type: "gauge" | "counter" | "histogram" | "summary" | "info" | "state set";
  readonly labels: readonly string[];
  readonly help: string;
}

/** The member: `adc_service` is the service's or group's name; `service` would be overwritten by Prometheus Operator. */
const MEMBER = ["adc", "adc_service", "server", "port"] as const;
const VSERVER = ["adc", "vserver"] as const;
/** One VIP that a GSLB vserver hands out. */
const SITE = [...VSERVER, "site", "adc_service", "server", "port"] as const;
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
  info(
    "adc_witness_build_info",
    ["version", "revision", "node_version"],
    "Always 1; version and revision of the build, and its Node.js version.",
  ),
  gauge(
    "adc_witness_config_last_reload_successful",
    [],
    "1 if the last load or reload of the configuration succeeded, 0 if it was rejected and the previous one is kept.",
  ),
  gauge(
    "adc_witness_config_last_reload_success_timestamp_seconds",
    [],
    "Time of the last successful configuration load.",
  ),
  gauge(
    "adc_witness_agent_cut_off",
    [],
    "1 while no control target is reachable; all opinions of this agent are then unknown.",
  ),
  gauge(
    "adc_witness_state_writable",
    [],
    "1 while state_dir is writable, 0 while a write fails; then no login starts and no window is stored.",
  ),
  counter(
    "adc_witness_state_write_errors_total",
    [],
    "Failed writes to state_dir (disk full, permissions, another process).",
  ),
  gauge(
    "adc_witness_login_suspended",
    ["account"],
    "1 while an account is suspended because its logins were rejected, 0 after it was resumed.",
  ),
  gauge(
    "adc_witness_logins_held_back",
    ["account", "reason"],
    "Probes whose last due login was held back, to protect the account or because state_dir is not writable.",
  ),
  counter(
    "adc_witness_logins_total",
    ["account", "outcome"],
    "Logins by outcome; held_back logins were not started. No account starts more than two logins a second.",
  ),
  counter(
    "adc_witness_notifications_total",
    ["name", "outcome"],
    "Attempts to deliver a notification by outcome; a failed one is tried again, a dropped one is not.",
  ),
  histogram(
    "adc_witness_schedule_lag_seconds",
    [],
    "Delay between the scheduled and the actual start of probes.",
  ),
  counter(
    "adc_witness_missed_probes_total",
    [],
    "Probes skipped because their previous run was still in progress.",
  ),
  gauge(
    "adc_witness_event_loop_lag_seconds",
    ["statistic"],
    "Event loop delay of the main thread over the last one to two minutes: p50, p99 and max.",
  ),
  counter(
    "adc_witness_event_loop_stall_seconds_total",
    [...ENDPOINT],
    "Time the event loop was stalled, by the endpoint whose responses caused it; empty labels: stalls of a second or more without a known cause.",
  ),

  // What the ADC says
  gauge("adc_witness_adc_up", ["adc"], "1 if the last NITRO poll of the ADC succeeded."),
  gauge(
    "adc_witness_adc_last_poll_timestamp_seconds",
    ["adc"],
    "Time of the last successful poll of the ADC.",
  ),
  gauge(
    "adc_witness_adc_import_up",
    ["adc"],
    "1 if the last import of the ADC's configuration succeeded, 0 if it failed; a previous import stays in use.",
  ),
  gauge(
    "adc_witness_adc_node_primary",
    ["adc", "node"],
    "1 for the primary node of the HA pair, 0 for the secondary.",
  ),
  gauge(
    "adc_witness_adc_split_brain",
    ["adc"],
    "1 while both nodes of a pair claim to be primary; the state of neither is used.",
  ),
  gauge(
    "adc_witness_nitro_unknown_texts",
    ["adc", "kind"],
    "Distinct texts from the ADC that were not recognised since the start, at most 500: `lastresponse`, `state`, `role`.",
  ),
  gauge(
    "adc_witness_nitro_gap",
    ["adc", "resource"],
    "1 for each NITRO resource that the ADC does not return; what depends on it is not watched.",
  ),
  histogram(
    "adc_witness_adc_request_duration_seconds",
    ["adc", "node"],
    "Duration of NITRO requests.",
  ),
  counter(
    "adc_witness_adc_errors_total",
    ["adc", "node", "code"],
    "Failed NITRO requests by NITRO error code, HTTP status or kind of failure.",
  ),
  stateSet(
    "adc_witness_adc_vserver_state",
    [...VSERVER, "state"],
    "State of the vserver as reported by the ADC: 1 for the current state.",
  ),
  stateSet(
    "adc_witness_adc_member_state",
    [...MEMBER, "state"],
    "State of the member as reported by the ADC: 1 for the current state.",
  ),
  gauge(
    "adc_witness_adc_monitor_up",
    [...MEMBER, "monitor"],
    "1 if the ADC's own monitor passes, 0 if it fails; absent if the ADC does not run it.",
  ),
  gauge(
    "adc_witness_adc_member_connections",
    [...MEMBER],
    "Open client connections from the ADC to the member.",
  ),
  gauge(
    "adc_witness_adc_vserver_health_ratio",
    [...VSERVER],
    "Health of the vserver as reported by the ADC, 0 to 1.",
  ),
  gauge(
    "adc_witness_adc_state_change_timestamp_seconds",
    [...MEMBER],
    "Time of the last state change of the member on the ADC.",
  ),
  stateSet(
    "adc_witness_adc_blind",
    [...MEMBER, "reason"],
    "1 while the reported ADC state of the member is unreliable; `reason` says why.",
  ),
  info(
    "adc_witness_vserver_member_info",
    ["adc", "vserver", "adc_service", "server", "port"],
    "Always 1; joins members to the vservers they serve.",
  ),

  // Opinions and verdicts
  gauge(
    "adc_witness_opinion",
    [...MEMBER, "opinion"],
    "1 if this opinion is up, 0 if it is not (for `adc` also out of service or leaving); absent if unknown. Use the verdict for alerts.",
  ),
  gauge(
    "adc_witness_member_depth",
    [...MEMBER, "opinion"],
    "How deep this opinion checks the service: 0 the bare port, 1 TLS, 2 a greeting or status, 3 an anonymous dialogue, 4 a login, 5 a mailbox; absent while the opinion is unknown.",
  ),
  counter(
    "adc_witness_state_changes_total",
    [...MEMBER, "of"],
    "Changes of state of the member: on the ADC, of the replica, of the service; increase over an hour shows flapping.",
  ),
  gauge(
    "adc_witness_adc_flapping",
    [...MEMBER],
    "1 while the ADC takes the member DOWN and UP again although replica and service stay up.",
  ),
  stateSet(
    "adc_witness_verdict",
    [...MEMBER, "verdict"],
    "Verdict on the member: 1 for the current verdict.",
  ),
  stateSet(
    "adc_witness_vserver_verdict",
    [...VSERVER, "verdict"],
    "Verdict on the vserver: 1 for the current verdict.",
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
  gauge(
    "adc_witness_gslb_site_handed_out",
    [...SITE],
    "1 while the ADC's DNS answers with an address of this site, 0 while it does not.",
  ),
  gauge(
    "adc_witness_gslb_site_serving",
    [...SITE],
    "1 while clients are served at this site's VIP, 0 while they are not; absent while unknown.",
  ),
  gauge(
    "adc_witness_gslb_mep_up",
    ["adc", "site"],
    "1 while the ADC exchanges metrics (MEP) with the GSLB site, 0 while it does not.",
  ),
  gauge(
    "adc_witness_public_address_up",
    [...VSERVER, "name", "address"],
    "1 while all probes at this public address pass, 0 while one fails; absent while unknown.",
  ),
  counter(
    "adc_witness_mismatch_seconds_total",
    [...MEMBER],
    "Time the ADC has been wrong about the member; settling is not counted.",
  ),
  counter(
    "adc_witness_vserver_mismatch_seconds_total",
    [...VSERVER],
    "Time the ADC has been wrong about the vserver; settling is not counted.",
  ),
  gauge(
    "adc_witness_verdict_since_timestamp_seconds",
    [...MEMBER],
    "Start time of the member's current verdict.",
  ),
  gauge(
    "adc_witness_vserver_verdict_since_timestamp_seconds",
    [...VSERVER],
    "Start time of the vserver's current verdict.",
  ),
  gauge(
    "adc_witness_vserver_members",
    [...VSERVER, "of"],
    "Number of members of the vserver: configured, up on the ADC, really up and really down by this agent's opinions, in maintenance.",
  ),

  // Probes
  gauge(
    "adc_witness_probe_success",
    [...PROBE],
    "1 if the last run of the probe passed (for an anonymous look the login page of the ADC passes too), 0 if it failed; absent if it had no result.",
  ),
  gauge("adc_witness_probe_duration_seconds", [...PROBE], "Duration of the last run of the probe."),
  gauge(
    "adc_witness_mail_round_trip_seconds",
    [...PROBE],
    "Time from submitting the message of the last mail round trip until it was found.",
  ),
  info(
    "adc_witness_probe_failure_info",
    [...PROBE, "step", "reason"],
    "1 while the last run of the probe did not pass: the step it reached and the reason.",
  ),
  gauge(
    "adc_witness_probe_phase_seconds",
    [...PROBE, "phase"],
    "Duration of each phase of the last run; only with metrics.phases.",
  ),
  counter("adc_witness_probes_total", [...PROBE_KIND], "Completed probes."),
  counter(
    "adc_witness_probe_failures_total",
    [...PROBE_KIND, "reason"],
    "Probes that did not pass, by reason.",
  ),
  histogram("adc_witness_probe_seconds", [...PROBE_KIND], "Duration of probes."),
  summary(
    "adc_witness_probe_by_phase_seconds",
    [...PROBE_KIND, "phase"],
    "Duration of probes by phase: sum and count, for the mean.",
  ),
  counter(
    "adc_witness_vip_served_by_total",
    [...VSERVER, "server"],
    "Responses through the VIP by the server that sent them, or unrecognised.",
  ),
  gauge(
    "adc_witness_vip_served_by_drained",
    [...VSERVER, "server"],
    "1 while the vserver sends clients to this server although it is out of service or in maintenance; absent otherwise.",
  ),
  gauge(
    "adc_witness_client_address_kept",
    [...VSERVER],
    "1 if servers behind the vserver see the client's own address, according to the EHLO response of SMTP; absent if unknown.",
  ),
  gauge(
    "adc_witness_auth_schemes_differ",
    [...VSERVER],
    "1 if one member offers other login schemes than the rest of its group in its 401 response; absent if nothing can be compared.",
  ),

  // TLS
  gauge(
    "adc_witness_tls_certificate_not_after_timestamp_seconds",
    [...ENDPOINT],
    "Earliest expiry in the certificate chain; certificates that a verified chain does not need are ignored.",
  ),
  gauge(
    "adc_witness_certificate_not_after_timestamp_seconds",
    ["adc", "subject", "sha256"],
    "Expiry of each certificate that clients or the ADC need, once for all endpoints that present it.",
  ),
  info(
    "adc_witness_tls_certificate_info",
    [...ENDPOINT, "subject", "issuer", "sha256"],
    "Always 1; the certificates of the chain as sent, at most eight.",
  ),
  stateSet(
    "adc_witness_tls_verification",
    [...ENDPOINT, "result"],
    "Result of certificate verification as a client would do it: 1 for the current result.",
  ),
  info(
    "adc_witness_tls_version_info",
    [...ENDPOINT, "version"],
    "Always 1; negotiated TLS version.",
  ),
  gauge(
    "adc_witness_certificate_differs",
    [...VSERVER],
    "1 if certificates that must be identical differ.",
  ),

  // Maintenance
  stateSet(
    "adc_witness_maintenance",
    ["adc", "server", "source"],
    "1 while the server is in maintenance: declared, set on the ADC, or detected on all its members.",
  ),
  stateSet(
    "adc_witness_member_maintenance",
    [...MEMBER, "source"],
    "1 while the member is in maintenance: declared, set on the ADC, or detected.",
  ),
  gauge(
    "adc_witness_member_away_since_timestamp_seconds",
    [...MEMBER],
    "Time since which the member has been out of service, or DOWN on the ADC and not working; absent while it is neither.",
  ),
  gauge(
    "adc_witness_maintenance_end_timestamp_seconds",
    ["adc", "server"],
    "Planned end of the open window, +Inf if it has none; absent if no window is open.",
  ),
  gauge(
    "adc_witness_ready_to_return",
    [...MEMBER],
    "1 if the member may return to service, 0 if not yet; absent outside declared maintenance.",
  ),

  // The process, by the names every exporter uses
  counter("process_cpu_seconds_total", [], "User and system CPU time spent."),
  gauge("process_resident_memory_bytes", [], "Resident memory size."),
  gauge("process_heap_bytes", [], "Heap size."),
  gauge("process_start_time_seconds", [], "Start time of the process since the epoch."),
  gauge("process_open_fds", [], "Open file descriptors; absent if the system does not report it."),
  gauge(
    "process_max_fds",
    [],
    "Maximum number of open file descriptors; absent if the system does not report it.",
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

function summary<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "summary", labels, help } as const;
}

function info<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "info", labels, help } as const;
}

function stateSet<const Name extends string>(name: Name, labels: readonly string[], help: string) {
  return { name, type: "state set", labels, help } as const;
}
