import type { LiveProbe, LiveState, LiveVserver } from "../../model/live.ts";
import { type Observation, neededChain } from "../../model/observation.ts";
import type { ProbeNowResult, WebActions, WebSources } from "../sources.ts";
import { probeName } from "../../exporters/discovery.ts";
import { atMost } from "../../lib/timers.ts";
import { groupBy } from "../../lib/steps.ts";
import { labelPairs, sampleValue, CONTENT_TYPES } from "../../exporters/prometheus/text-format.ts";
import { problem, reply, text, type Reply } from "../http/reply.ts";
import { get, type Call, type Route } from "../http/route.ts";
import { findTarget } from "./target.ts";
import { withPort } from "../../lib/ip.ts";

/** Result of an on-demand probe: a new observation, or the last one with its age. */
type ProbeAnswer =
  | {
      readonly kind: "result";
      readonly probe: LiveProbe;
      readonly observation: Observation;
      readonly passed: boolean | null;
      /** Milliseconds since it began. */
      readonly ageMs: number;
      readonly fresh: boolean;
    }
  | { readonly kind: "unavailable"; readonly message: string };

interface ProbeGate {
  readonly ask: (probe: LiveProbe, timeoutMs: number, signal: AbortSignal) => Promise<ProbeAnswer>;
}

const MIN_PROBE_INTERVAL_MS = 10_000;
const MAX_REMEMBERED = 10_000;

interface RecentResult {
  readonly observation: Observation;
  readonly passed: boolean | null;
  /** Timeout that the client gave it, in milliseconds; null: the probe's own timeout. */
  readonly givenMs: number | null;
}

interface Running {
  readonly result: Promise<ProbeNowResult>;
  readonly givenMs: number;
}

/** A client with a timeout this many times longer does not accept a failure from a shorter timeout. */
const LONGER_TIMEOUT_FACTOR = 1.5;
/** A run that used this share of its timeout was cut off by it. */
const USED_TIMEOUT_SHARE = 0.9;

function isCutShort({ observation, passed, givenMs }: RecentResult, timeoutMs: number): boolean {
  return (
    givenMs !== null &&
    passed !== true &&
    observation.durationMs >= USED_TIMEOUT_SHARE * givenMs &&
    timeoutMs >= LONGER_TIMEOUT_FACTOR * givenMs
  );
}

/**
 * Probes a target on demand at most once in ten seconds in total. Within that time the answer is the last observation,
 * including scheduled ones, and concurrent requests share a run. A failure by timeout is shared only with clients that have no
 * longer timeout.
 */
function createGate(probeNow: WebActions["probeNow"], now: () => number): ProbeGate {
  const remembered = new Map<string, RecentResult>();
  const running = new Map<string, Running>();

  function lastSeen(probe: LiveProbe): RecentResult | null {
    const own = remembered.get(probe.id) ?? null;
    const scheduled =
      probe.last === null
        ? null
        : { observation: probe.last, passed: probe.lastPassed, givenMs: null };
    if (own === null || scheduled === null) {
      return own ?? scheduled;
    }
    return own.observation.startedAt > scheduled.observation.startedAt ? own : scheduled;
  }

  function remember(probe: LiveProbe, seen: RecentResult): void {
    remembered.delete(probe.id);
    remembered.set(probe.id, seen);
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) {
      remembered.delete(oldest);
    }
  }

  function begin(probe: LiveProbe, givenMs: number, signal: AbortSignal): Running {
    const result = probeNow(probe.id, { timeoutMs: givenMs, signal })
      .then((ended) => {
        if (ended.kind === "observed") {
          remember(probe, { observation: ended.observation, passed: ended.passed, givenMs });
        }
        return ended;
      })
      .finally(() => running.delete(probe.id));
    const run = { result, givenMs };
    running.set(probe.id, run);
    return run;
  }

  return {
    ask: async (probe, timeoutMs, signal) => {
      const endsAt = now() + timeoutMs;
      for (;;) {
        // A clock set back must not extend this.
        const leftMs = Math.min(timeoutMs, Math.max(MIN_TIMEOUT_MS, endsAt - now()));
        const joined = running.get(probe.id);
        if (joined === undefined) {
          const last = lastSeen(probe);
          // Started in the future: the clock was set back. That must not block new probes until then.
          const ageMs = last === null ? Infinity : now() - last.observation.startedAt;
          if (
            last !== null &&
            ageMs >= 0 &&
            ageMs < MIN_PROBE_INTERVAL_MS &&
            !isCutShort(last, leftMs)
          ) {
            return { kind: "result", probe, ...last, ageMs, fresh: false };
          }
        }
        const { result, givenMs } = joined ?? begin(probe, leftMs, signal);
        const ended = givenMs > leftMs ? await within(leftMs, result) : await result;
        if (ended.kind === "unavailable") {
          return ended;
        }
        const { observation, passed } = ended;
        if (!isCutShort({ observation, passed, givenMs }, leftMs)) {
          const ageMs = Math.max(0, now() - observation.startedAt);
          return { kind: "result", probe, observation, passed, ageMs, fresh: true };
        }
      }
    },
  };
}

/** The result of a run whose timeout is longer than that of the client that joins it. */
async function within(leftMs: number, result: Promise<ProbeNowResult>): Promise<ProbeNowResult> {
  let ended: ProbeNowResult = {
    kind: "unavailable",
    message: "A run with a longer timeout is in progress and did not finish within yours.",
  };
  const arrived = result.then((one) => {
    ended = one;
  });
  await atMost(leftMs, arrived);
  return ended;
}

type Sample = readonly [labels: readonly (readonly [string, string])[], value: number];

/** Metrics of one observation, named as in blackbox_exporter, plus the reason. */
function answerMetrics(answered: Extract<ProbeAnswer, { kind: "result" }>): string {
  const { observation, passed, ageMs } = answered;
  const { phases, tls, step, reason } = observation;
  const families: string[] = [
    gauge("probe_success", "Whether the probe passed.", [[[], passed === true ? 1 : 0]]),
    gauge("probe_duration_seconds", "How long the probe took.", [
      [[], observation.durationMs / 1000],
    ]),
    gauge(
      "probe_age_seconds",
      "Age of the result; a target is probed at most once in ten seconds.",
      [[[], ageMs / 1000]],
    ),
    gauge("probe_dns_lookup_time_seconds", "Time to resolve the name.", [
      [[], (phases.resolve ?? 0) / 1000],
    ]),
    gauge(
      "probe_phase_seconds",
      "Duration of each phase that was reached.",
      Object.entries(phases).map(([phase, durationMs]) => [[["phase", phase]], durationMs / 1000]),
    ),
  ];
  if (passed !== true) {
    families.push(
      gauge("probe_failure_info", "Step at which it failed, and the reason.", [
        [
          [
            ["step", step],
            ["reason", reason],
          ],
          1,
        ],
      ]),
    );
  }
  if (tls !== null) {
    const ends = neededChain(tls).map(({ notAfter }) => notAfter / 1000);
    families.push(
      gauge(
        "probe_ssl_earliest_cert_expiry",
        "Earliest expiry in the certificate chain; certificates that a verified chain does not need are ignored.",
        ends.length === 0 ? [] : [[[], Math.min(...ends)]],
      ),
      gauge(
        "probe_ssl_last_chain_info",
        "The leaf certificate.",
        tls.chain.slice(0, 1).map(({ sha256, subject, issuer, names, serial }) => [
          [
            ["fingerprint_sha256", sha256],
            ["subject", subject],
            ["issuer", issuer],
            ["subjectalternative", names.join(",")],
            ["serialnumber", serial],
          ],
          1,
        ]),
      ),
      gauge(
        "probe_tls_version_info",
        "Negotiated TLS version.",
        tls.protocol === null ? [] : [[[["version", tls.protocol]], 1]],
      ),
      gauge(
        "probe_tls_cipher_info",
        "Negotiated cipher suite.",
        tls.cipher === null ? [] : [[[["cipher", tls.cipher]], 1]],
      ),
      gauge("probe_tls_verification_info", "Result a verifying client would get.", [
        [[["result", tls.verification]], 1],
      ]),
    );
  }
  return families.join("");
}

/** Debug output: the transcript, then the metrics. Evidence is already redacted. */
function debugText(answered: Extract<ProbeAnswer, { kind: "result" }>): string {
  const { probe, observation, passed, ageMs, fresh } = answered;
  const name =
    probe.kind === "monitor" ? `monitor ${probe.monitor}` : `transaction ${probe.transaction}`;
  const where = probe.server === "" ? probe.vserver : withPort(probe.server, probe.port);
  const verdict = passed === true ? "passed" : passed === false ? "failed" : "no result";
  const lines = [
    `${name} (${probe.type}) at ${where}, vantage ${probe.vantage}: ${verdict}`,
    `outcome ${observation.outcome}, step ${observation.step}, reason ${observation.reason}`,
    fresh
      ? "made now"
      : `made ${(ageMs / 1000).toFixed(1)} s ago; a target is probed at most once in ten seconds`,
    ...Object.entries(observation.phases).map(
      ([phase, durationMs]) => `phase ${phase}: ${durationMs.toFixed(2)} ms`,
    ),
    observation.servedBy === null ? null : `answered by ${observation.servedBy}`,
    observation.backendServer === undefined ? null : `mailbox server ${observation.backendServer}`,
    observation.evidence.detail === null ? null : `detail: ${observation.evidence.detail}`,
  ].filter((line) => line !== null);
  const transcript =
    observation.evidence.transcript === ""
      ? "(no data exchanged)"
      : observation.evidence.transcript;
  return `${lines.join("\n")}\n\nTranscript:\n${transcript}\n\nMetrics:\n${answerMetrics(answered)}`;
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) {
    return "";
  }
  const lines = samples.map(([labels, value]) => {
    const pairs = labelPairs(labels);
    return `${name}${pairs === "" ? "" : `{${pairs}}`} ${sampleValue(value)}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

const MAX_TIMEOUT_MS = 60_000;
const MIN_TIMEOUT_MS = 100;
/** Subtracted from the scraper's timeout, so that the answer arrives in time. */
const TIMEOUT_OFFSET_MS = 500;

/** `/probe?target=&monitor=[&debug=true]`: one probe of the estate, as blackbox_exporter would answer. */
export function probeRoute(sources: WebSources): Route {
  const gate = createGate(sources.actions.probeNow, sources.now);
  return get("/probe", (call) => answer(sources.live(), gate, call));
}

async function answer(live: LiveState, gate: ProbeGate, call: Call): Promise<Reply> {
  const query = call.url.searchParams;
  const target = query.get("target") ?? "";
  if (target === "") {
    return problem(400, "Missing parameter: target.");
  }
  const found = findTarget(live, target);
  if (found.kind === "none") {
    return problem(403, "This target is not in the imported estate.");
  }
  if (found.kind === "ambiguous") {
    return problem(400, `Ambiguous target; candidates: ${found.candidates.join(", ")}.`);
  }
  const probes = found.kind === "member" ? found.member.probes : vipProbes(found.vserver);
  const [chosen, ...others] = selectProbes(probes, query.get("monitor"));
  if (chosen === undefined || others.length > 0) {
    const names = selectableNames(chosen === undefined ? probes : [chosen, ...others]);
    return problem(
      400,
      `Set the parameter monitor to one of its probes: ${names.length === 0 ? "it has none" : names.join(", ")}.`,
    );
  }
  const answered = await gate.ask(chosen, timeoutOf(call.headers), call.gone);
  if (answered.kind === "unavailable") {
    return problem(503, answered.message);
  }
  return query.get("debug") === "true"
    ? text(200, debugText(answered))
    : reply(200, CONTENT_TYPES.text, answerMetrics(answered), {});
}

/** A vserver means its VIP: public addresses from DNS are not imported targets. */
function vipProbes({ probes }: LiveVserver): readonly LiveProbe[] {
  return probes.filter((probe) => probe.vantage === "vip");
}

/** The probes with that name or id; without a name, all of the target. */
function selectProbes(probes: readonly LiveProbe[], name: string | null): readonly LiveProbe[] {
  return name === null || name === ""
    ? probes
    : probes.filter((probe) => probeName(probe) === name || probe.id === name);
}

/** Names of these probes; the id if the name is not unique. */
function selectableNames(probes: readonly LiveProbe[]): readonly string[] {
  const alike = groupBy(probes, probeName);
  return probes.map((probe) =>
    alike.get(probeName(probe))?.length === 1 ? probeName(probe) : probe.id,
  );
}

/** Prometheus sends its timeout; the answer must be sent before that. */
export function timeoutOf(headers: Call["headers"]): number {
  const header = headers["x-prometheus-scrape-timeout-seconds"];
  const seconds = typeof header === "string" ? Number(header) : NaN;
  if (!Number.isFinite(seconds) || seconds <= 0) {
    return MAX_TIMEOUT_MS;
  }
  return Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, seconds * 1000 - TIMEOUT_OFFSET_MS));
}
