import { neededChain } from "../../model/observation.ts";
import { labelPairs, sampleValue } from "../../exporters/prometheus/text-format.ts";
import type { Look } from "./gate.ts";

type Sample = readonly [labels: readonly (readonly [string, string])[], value: number];

/** Metrics of one look, named as blackbox_exporter names them, with our reason beside. */
export function lookMetrics(look: Extract<Look, { kind: "look" }>): string {
  const { observation, passed, ageMs } = look;
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
        "Earliest expiry in the certificate chain, without what a verified chain does not need.",
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

/** For people: the transcript, then the metrics. Evidence is redacted before it gets here. */
export function lookDebug(look: Extract<Look, { kind: "look" }>): string {
  const { probe, observation, passed, ageMs, fresh } = look;
  const name =
    probe.kind === "monitor" ? `monitor ${probe.monitor}` : `transaction ${probe.transaction}`;
  const where = probe.server === "" ? probe.vserver : `${probe.server}:${String(probe.port)}`;
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
  return `${lines.join("\n")}\n\nTranscript:\n${transcript}\n\nMetrics:\n${lookMetrics(look)}`;
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
