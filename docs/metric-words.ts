import type { BlindReason } from "../src/model/adc-state.ts";

/** Headings, and the prefixes of the names below them. Every metric belongs to exactly one, which a test checks. */
export const METRIC_GROUPS: readonly {
  readonly title: string;
  readonly prefixes: readonly string[];
}[] = [
  {
    title: "Verdicts and opinions",
    prefixes: [
      "adc_witness_verdict",
      "adc_witness_vserver_verdict",
      "adc_witness_mismatch",
      "adc_witness_vserver_mismatch",
      "adc_witness_opinion",
      "adc_witness_member_depth",
      "adc_witness_state_changes_total",
      "adc_witness_vserver_members",
    ],
  },
  {
    title: "What the ADC says",
    prefixes: ["adc_witness_adc_", "adc_witness_nitro_", "adc_witness_vserver_member_info"],
  },
  {
    title: "Names, sites and public addresses",
    prefixes: ["adc_witness_gslb_", "adc_witness_public_address_"],
  },
  {
    title: "Probes",
    prefixes: [
      "adc_witness_probe",
      "adc_witness_mail_",
      "adc_witness_vip_served_by_",
      "adc_witness_client_address_kept",
      "adc_witness_auth_schemes_differ",
    ],
  },
  { title: "TLS", prefixes: ["adc_witness_tls_", "adc_witness_certificate_"] },
  {
    title: "Maintenance",
    prefixes: [
      "adc_witness_maintenance",
      "adc_witness_member_maintenance",
      "adc_witness_member_away_since",
      "adc_witness_ready_to_return",
    ],
  },
  {
    title: "The agent",
    prefixes: [
      "adc_witness_build_info",
      "adc_witness_config_",
      "adc_witness_agent_cut_off",
      "adc_witness_state_writ",
      "adc_witness_login_suspended",
      "adc_witness_logins_held_back",
      "adc_witness_logins_total",
      "adc_witness_notifications_total",
      "adc_witness_schedule_lag_seconds",
      "adc_witness_missed_probes_total",
      "adc_witness_event_loop_",
    ],
  },
  { title: "The process", prefixes: ["process_"] },
];

export const LABEL_WORDS: Readonly<Record<string, string>> = {
  account: "Name of an account of the configuration.",
  adc: "Name of the ADC in the configuration.",
  address: "A public address.",
  adc_service: "Name of the service or service group on the ADC.",
  code: "NITRO's error code, an HTTP status, or the kind of failure (`timeout`, `refused`).",
  issuer: "Issuer of a certificate.",
  kind: "What was not understood: `lastresponse`, `state` or `role`.",
  monitor: "Name of the monitor; empty for a transaction.",
  name: "Name of a notifier; of an address, the name that clients use, empty where the configuration gives the address itself.",
  node: "URL of one node of the ADC.",
  resource: "Resource of NITRO, for example `csvserver`.",
  node_version: "Version of Node.js.",
  of: "What is counted. Members of a vserver: `configured`, `adc_up`, `really_up`, `really_down` or `maintenance`; changes of a member's state: `adc`, `replica` or `service`.",
  outcome:
    "`accepted`, `rejected`, `unanswered` (may have been rejected), `not_tried` (it ended before the credential was sent) or `held_back` (not begun: the account's gate, or the sixth `mail_round_trip` to a server in one minute). Of a notification: `sent`, `failed` (tried again) or `dropped` (refused, too old, or the queue was full).",
  opinion: "`adc`, `replica` or `service`.",
  phase: "Phase of a probe: name resolution, TCP, TLS and so on.",
  port: "Port of the member; `*` where the ADC has any port.",
  reason:
    "Why: one of the reasons of [verdicts.md](verdicts.md#reasons), or of `adc_blind` below. Of `logins_held_back`: `suspended`, `busy`, `paced`, `elsewhere_first` (another server is tried first), `backing_off`, `new_secret` and `other_secret` (another password is in use, or was just rejected), `starting` (nothing is known of earlier logins), `state_locked`, `state_unusable` (see the log) or `message_rate`.",
  result: "`ok`, `expired`, `not_yet_valid`, `name` or `untrusted`.",
  revision: "Revision of the source, where the build knew it.",
  server: "Name of the server on the ADC; empty for a probe through a VIP.",
  sha256: "Fingerprint of a certificate.",
  site: "Name of the GSLB site.",
  source: "`declared` (a window), `adc` (out of service there) or `detected` (seen on the wire).",
  state:
    "State of the member or vserver by the ADC: `up`, `down`, `out`, `leaving`, `leaving_down`, `unknown`.",
  statistic: "`p50`, `p99` or `max`.",
  step: "How far the probe came: one of the steps of [verdicts.md](verdicts.md#steps).",
  subject: "Subject of a certificate.",
  transaction: "Name of the transaction; empty for a monitor.",
  type: "Type of the monitor, or name of the transaction.",
  vantage:
    "`backend` (straight to the server), `vip` (through the ADC) or `public` (at a client-facing address; of several sites of one name the worst speaks).",
  verdict: "One of the verdicts of [verdicts.md](verdicts.md).",
  version: "Version of adc-witness, or of the TLS protocol.",
  vserver: "Name of the vserver; empty for a probe straight to a server.",
};

export const ADC_BLIND_REASONS: Readonly<Record<BlindReason, string>> = {
  health_monitor_off: "Health monitoring of the service is off: it is always UP.",
  monitor_disabled: "A monitor of the member is disabled.",
  binding_disabled: "A monitor's binding to the service is disabled.",
  service_disabled: "The service or member is disabled: the ADC does not probe it.",
  secondary: "The node that answered is the secondary of the pair.",
  traffic_suppression:
    "A TCP monitor without -LRTM sends no probe while the ADC sees live traffic to the server.",
  inline_traffic:
    "An HTTP-INLINE monitor looks at client traffic and probes only where there is none.",
  max_clients: "The member is BUSY: its limit of clients is reached.",
  cluster_non_owner: "Another node of the cluster owns the monitor.",
  split_brain: "Both nodes of the pair claim to be primary: the state of neither is used.",
  mep_down:
    "The metric exchange (MEP) with the site is down, and no monitor is bound: the state of this GSLB service is old.",
  probes_not_advancing: "The ADC's probe counter does not change although the monitor is enabled.",
};

export interface Query {
  readonly question: string;
  readonly promql: string;
}

/** Each is run against a real Prometheus' parser in the tests. */
export const QUERIES: readonly Query[] = [
  {
    question: "Which members change state on the ADC more often than they really do, per hour?",
    promql:
      'increase(adc_witness_state_changes_total{of="adc"}[1h]) > ignoring (of) increase(adc_witness_state_changes_total{of="replica"}[1h])',
  },
  {
    question: "Where is the ADC wrong right now, and how?",
    promql:
      "adc_witness_verdict == 1 and on (instance, adc, adc_service, server, port) adc_witness_mismatch == 1",
  },
  {
    question: "Which vservers are touched by it?",
    promql:
      "count by (adc, vserver) (adc_witness_vserver_member_info and on (instance, adc, adc_service, server, port) adc_witness_mismatch == 1)",
  },
  {
    question: "How long has the present verdict lasted, in seconds?",
    promql: "time() - adc_witness_verdict_since_timestamp_seconds",
  },
  {
    question: "How much of the last week was the ADC wrong about each member (0 to 1)?",
    promql: "increase(adc_witness_mismatch_seconds_total[7d]) / (7 * 86400)",
  },
  {
    question: "How many members really work, against how many the ADC believes in?",
    promql:
      'adc_witness_vserver_members{of="really_up"} - ignoring (of) adc_witness_vserver_members{of="adc_up"}',
  },
  {
    question: "Why do probes fail?",
    promql: "sum by (type, vantage, reason) (rate(adc_witness_probe_failures_total[5m]))",
  },
  {
    question: "Whose answers stall the agent's event loop?",
    promql: "rate(adc_witness_event_loop_stall_seconds_total[10m]) > 0",
  },
  {
    question: "Which servers do clients reach through each VIP?",
    promql: "sum by (adc, vserver, server) (increase(adc_witness_vip_served_by_total[15m]))",
  },
  {
    question: "Which certificates end within three weeks?",
    promql: "adc_witness_certificate_not_after_timestamp_seconds - time() < 21 * 86400",
  },
  {
    question: "What is in maintenance, and from which source?",
    promql: "adc_witness_maintenance == 1",
  },
  {
    question: "How slow are probes, by type (95th percentile)?",
    promql:
      "histogram_quantile(0.95, sum by (le, type, vantage) (rate(adc_witness_probe_seconds_bucket[5m])))",
  },
  {
    question: "Does this agent keep its schedule?",
    promql:
      "histogram_quantile(0.99, sum by (le) (rate(adc_witness_schedule_lag_seconds_bucket[5m])))",
  },
];
