import type { BlindReason, MonitorState, AdcNode, NitroGap } from "../../model/adc-state.ts";
import type { AdcService } from "../../model/adc-service.ts";
import type { Monitor } from "../../model/monitor.ts";
import type { NitroAnswer, NitroClient, NitroFailure, NitroStop } from "./client.ts";
import { gapOf, type Missing } from "./gaps.ts";
import { isAnswer } from "./judge.ts";
import { text, type Row } from "./row-values.ts";

/** The class of the ADC's last response of a monitor. A bounded set: the response itself is never a label. */
export const LAST_RESPONSE_CLASSES = [
  "success",
  "refused",
  "tcp_timeout",
  "tls_timeout",
  "tls_failure",
  "app_timeout",
  "bad_status",
  "pattern_missing",
  "unreachable",
  "no_source_ip",
  "skipped",
  "not_owner",
  "failed",
  "script",
  "unknown",
] as const;
export type LastResponseClass = (typeof LAST_RESPONSE_CLASSES)[number];

/**
 * Classifies `lastresponse`. Confirmed in public sources are "Success - TCP syn+ack received.", "Failure - No MIP/SNIP
 * available to send the monitor probe.", "Failure - Time out during SSL handshake stage", "Probing ownership is with some
 * other node in cluster." and the Ticket Tag pair of the XML service; the others follow their wording and are UNCONFIRMED.
 * `scripted`: the monitor runs a script on the ADC, whose message may be anything.
 */
export function classifyLastResponse(response: string, scripted: boolean): LastResponseClass {
  const words = response.slice(0, MAX_SENTENCE_CHARS).trim().replace(FINAL_DOT, "").toLowerCase();
  const found = TABLE.find(([pattern]) => pattern.test(words));
  return found?.[1] ?? (scripted && words !== "" && words !== "unknown" ? "script" : "unknown");
}

/** The ADC's response is one line; only the beginning of a longer text is used. */
const MAX_SENTENCE_CHARS = 1_024;
const FINAL_DOT = /\.$/;

/** The first match wins: causes before effects, and success before anything that a banner may contain. */
const TABLE: readonly (readonly [RegExp, LastResponseClass])[] = [
  [/probing ownership is with some other node/, "not_owner"],
  [/\bno (mip|snip)\b.{0,200}\bavailable\b/, "no_source_ip"],
  [/^(success|probe succeeded)\b/, "success"],
  [/\bskipped\b/, "skipped"],
  [
    /\b(timed?[ -]?out)\b.{0,200}\b(ssl|tls)\b|\b(ssl|tls)\b.{0,200}\b(timed?[ -]?out)\b/,
    "tls_timeout",
  ],
  [/\b(ssl|tls)\b/, "tls_failure"],
  [/\breset\b|\brefused\b|\brst\b/, "refused"],
  [/\bunreachable\b/, "unreachable"],
  [/\btimed?[ -]?out\b.{0,100}\b(tcp|connect|connection)\b.{0,100}\bestablish/, "tcp_timeout"],
  [/\bsyn\b.{0,200}\b(timed?[ -]?out|no response)\b/, "tcp_timeout"],
  [/\b(pattern|tag|string)\b.{0,200}\b(not found|missing)\b/, "pattern_missing"],
  [/\b(response|status) code\b/, "bad_status"],
  [/\btimed?[ -]?out\b|\bno response\b/, "app_timeout"],
  [/^(failure - )?probe failed$/, "failed"],
];

interface BlindInput {
  readonly service: AdcService;
  /** The service, the member and its server are all enabled. */
  readonly enabled: boolean;
  /** BUSY: the member is at its client limit. */
  readonly busy: boolean;
  readonly monitors: readonly MonitorState[];
  /** Configured monitors by name. */
  readonly definitions: ReadonlyMap<string, Monitor>;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

/** Why the ADC's state of a member is unreliable, in the order of the closed list; empty: it is reliable. */
export function blindReasons(input: BlindInput): readonly BlindReason[] {
  const { service, enabled, busy, monitors, definitions } = input;
  const reasons = new Set<BlindReason>();
  if (!service.healthMonitor) {
    reasons.add("health_monitor_off");
  }
  if (!enabled) {
    reasons.add("service_disabled");
  }
  if (busy) {
    reasons.add("max_clients");
  }
  for (const monitor of monitors) {
    const definition = definitions.get(monitor.monitor);
    if (definition?.enabled === false) {
      reasons.add("monitor_disabled");
    }
    if (!monitor.bindingEnabled) {
      reasons.add("binding_disabled");
    }
    if (
      monitor.lastResponse !== null &&
      classifyLastResponse(monitor.lastResponse, false) === "not_owner"
    ) {
      reasons.add("cluster_non_owner");
    }
    const probed =
      service.healthMonitor &&
      enabled &&
      monitor.bindingEnabled &&
      definition !== undefined &&
      definition.enabled;
    if (probed && hasStopped(monitor, definition, input.now)) {
      reasons.add(silentReason(definition));
    }
  }
  return ORDER.filter((reason) => reasons.has(reason));
}

const ORDER: readonly BlindReason[] = [
  "health_monitor_off",
  "monitor_disabled",
  "binding_disabled",
  "service_disabled",
  "traffic_suppression",
  "inline_traffic",
  "max_clients",
  "cluster_non_owner",
  "probes_not_advancing",
];

/** By now two probes should have been counted, at the interval of the present state. */
function hasStopped(state: MonitorState, monitor: Monitor, now: number): boolean {
  const since = state.probesUnchangedSince ?? null;
  const between = state.state === "up" ? monitor.intervalMs : monitor.downTimeMs;
  return since !== null && now - since > 2 * between + monitor.responseTimeoutMs;
}

/**
 * Why a monitor sends no probes: without LRTM the ADC sends no TCP probe while it sees live traffic to the server, and an
 * inline monitor probes only if there is none. Source: NetScaler docs, "Monitor TCP-based applications", HTTP-INLINE.
 */
function silentReason(monitor: Monitor): BlindReason {
  switch (monitor.type) {
    case "TCP":
      return monitor.lrtm ? "probes_not_advancing" : "traffic_suppression";
    case "HTTP-INLINE":
      return "inline_traffic";
    default:
      return "probes_not_advancing";
  }
}

/**
 * Since when the probe counter has its present value. A smaller counter than before was reset, which counts as a change. Null:
 * the ADC reports no counter.
 */
export function probesUnchangedSince(
  totalProbes: number | null,
  previous: MonitorState | undefined,
  now: number,
): number | null {
  if (totalProbes === null) {
    return null;
  }
  return previous?.totalProbes === totalProbes ? (previous.probesUnchangedSince ?? now) : now;
}

/** The role of a node in a high-availability pair. */
export interface NodeRole {
  readonly kind: "role";
  readonly role: AdcNode["role"];
  /** `PRIMARY`, `SECONDARY`, `CLAIMING` …, where known. */
  readonly masterState: string | null;
  /** The node's own name: its NSIP, where known. */
  readonly address: string | null;
  /** Roles are missing: the account may not read them, or this appliance has none. Or it is one node of a cluster. */
  readonly gap: NitroGap | null;
}

/** Queries one node's role. At a node of a cluster, it warns of that. */
export async function readRole(client: NitroClient): Promise<NodeRole | NitroFailure | NitroStop> {
  const role = await queryRole(client);
  const words = client.clusterNode();
  return role.kind === "role" && role.gap === null && words !== null
    ? { ...role, gap: gapOf(client.node, "cluster", { code: "1044", message: words }) }
    : role;
}

/** Configuration first, then the statistics, which also know the moment of a takeover. */
async function queryRole(client: NitroClient): Promise<NodeRole | NitroFailure | NitroStop> {
  const known = client.limits.denied.get("hanode");
  if (known !== undefined) {
    return roleUnknown(client, known);
  }
  const config = await client.get({ kind: "config", resource: "hanode" });
  const noConfig = withoutAnswer(config);
  if (noConfig !== null) {
    return noConfig;
  }
  if (config.kind === "refused" && NO_PAIR.has(config.code)) {
    return ALONE;
  }
  const stat = await client.get({ kind: "stat", resource: "hanode" });
  const noStat = withoutAnswer(stat);
  if (noStat !== null) {
    return noStat;
  }
  const warned = warnsOfSecondary(config) || warnsOfSecondary(stat);
  if (config.kind !== "rows" && stat.kind !== "rows" && !warned) {
    if (config.kind !== "refused" || /^http_40[45]$/.test(config.code)) {
      // A web server in NITRO's place says nothing about the role, and may be gone at the next request.
      return roleUnknown(client, config);
    }
    if (config.action !== "empty" && config.action !== "unavailable") {
      client.limits.denied.set("hanode", config);
      return roleUnknown(client, config);
    }
  }
  return { ...roleOf(rowsOf(config), rowsOf(stat), warned), gap: null };
}

/** There is no answer, or no request is allowed: further requests are useless. */
function withoutAnswer(answer: NitroAnswer): NitroFailure | NitroStop | null {
  return answer.kind === "stopped" || (answer.kind === "failed" && !isAnswer(answer.code))
    ? answer
    : null;
}

function warnsOfSecondary(answer: NitroAnswer): boolean {
  return answer.kind === "rows"
    ? answer.secondary
    : answer.kind === "refused" && answer.action === "secondary";
}

/**
 * A stand-alone node (363), a cluster (477, 2453) and an admin partition (the rest) have no pair: the node that answers
 * serves. Source: NITRO docs, base, cluster and partition errors; 477 and 2772 from appliances' answers.
 */
const NO_PAIR: ReadonlySet<string> = new Set([
  "363",
  "477",
  "2453",
  "2760",
  "2761",
  "2763",
  "2772",
]);

const ALONE: NodeRole = {
  kind: "role",
  role: "primary",
  masterState: null,
  address: null,
  gap: null,
};

function roleUnknown(client: NitroClient, why: Missing): NodeRole {
  return {
    kind: "role",
    role: "unknown",
    masterState: null,
    address: null,
    gap: gapOf(client.node, "hanode", why),
  };
}

function rowsOf(answer: NitroAnswer): readonly Row[] {
  return answer.kind === "rows" ? answer.rows : [];
}

/**
 * Whether the node still has its role, from the configuration alone: queried after a poll, so that a failover during it is
 * noticed. Only the node's own report makes it a secondary; an error changes nothing.
 */
export async function confirmPrimary(
  client: NitroClient,
): Promise<{ readonly kind: "primary" | "secondary" } | NitroFailure | NitroStop> {
  if (client.limits.denied.has("hanode") || client.pausedForMs() > 0) {
    return { kind: "primary" };
  }
  const config = await client.get({ kind: "config", resource: "hanode" });
  switch (config.kind) {
    case "rows":
      return roleOf(config.rows, [], config.secondary).role === "secondary"
        ? { kind: "secondary" }
        : { kind: "primary" };
    case "refused":
      return { kind: config.action === "secondary" ? "secondary" : "primary" };
    case "failed":
      return isAnswer(config.code) ? { kind: "primary" } : config;
    case "stopped":
      return config;
  }
}

/**
 * The role from the rows of config/hanode and stat/hanode. A node without high availability, or without a report of it, is
 * primary; one that is taking over (CLAIMING, FORCE CHANGE) is neither until it has. Source: NITRO docs, `hanode` (state;
 * hacurstatus, hacurmasterstate).
 */
export function roleOf(
  config: readonly Row[],
  stat: readonly Row[],
  warnedSecondary: boolean,
): Omit<NodeRole, "gap"> {
  const own = config.find((row) => text(row, "id") === "0") ?? config[0] ?? {};
  const statistics = stat[0] ?? {};
  const masterState = text(statistics, "hacurmasterstate")?.toUpperCase() ?? null;
  const alone = text(statistics, "hacurstatus")?.toUpperCase() === "NO" && config.length <= 1;
  const role = warnedSecondary
    ? "secondary"
    : alone
      ? "primary"
      : pairedRole(text(own, "state")?.toUpperCase() ?? null, masterState);
  return { kind: "role", role, masterState, address: text(own, "ipaddress") };
}

function pairedRole(state: string | null, masterState: string | null): AdcNode["role"] {
  if (masterState === "CLAIMING" || masterState === "FORCE CHANGE") {
    return "unknown";
  }
  if (masterState === "SECONDARY" || masterState === "STAYSECONDARY") {
    return "secondary";
  }
  switch (state) {
    case "PRIMARY":
      return "primary";
    case "SECONDARY":
    case "STAYSECONDARY":
      return "secondary";
    case null:
      return masterState === null || masterState === "PRIMARY" ? "primary" : "unknown";
    default:
      return "unknown";
  }
}
