import type { FailureReason } from "../model/reasons.ts";
import type { Observation } from "../model/observation.ts";
import { type TlsSettings, type TlsVersion, TLS_VERSIONS } from "../model/tls-settings.ts";
import type { Target, ProbeContext } from "./probe-context.ts";
import type { TlsDiagnosis } from "./tls-store.ts";
import { ProbeRun } from "./probe-run.ts";
import { dial } from "./dial.ts";

/** Maximum total time of all attempts. */
const MAX_MS = 3000;
/** How long a diagnosis is cached, so that not every probe repeats it. */
const DIAGNOSIS_TTL_MS = 5 * 60_000;
/** Failures that another version, name or cipher could explain; not timeouts and clear text. */
const EXPLAINABLE: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "tls_handshake",
  "tls_protocol",
  "reset",
  "closed_without_data",
]);
/**
 * Adds the cause of a failed handshake to an observation: which side refuses which version, that SNI or old ciphers would help,
 * or the clear text received. Other observations are returned unchanged. Attempts are made only after a failure, one at a time;
 * their result is cached for five minutes.
 */
export async function withTlsDiagnosis(
  observation: Observation,
  settings: TlsSettings,
  names: readonly string[],
  target: Target,
  context: ProbeContext,
): Promise<Observation> {
  const { reason, step } = observation;
  const plaintext = reason === "plaintext_on_tls_port";
  if (
    observation.outcome !== "failed" ||
    (step !== "tls" && step !== "starttls") ||
    !(plaintext || EXPLAINABLE.has(observation.reason))
  ) {
    return observation;
  }
  const make = (): Promise<TlsDiagnosis | null> =>
    plaintext ? readClearText(target, context) : diagnoseTls(settings, names, target, context);
  const { minVersion, maxVersion, serverName } = settings;
  const key = `${target.host} ${target.port} ${minVersion} ${maxVersion} ${serverName ?? ""} ${reason}`;
  const diagnosis = await context.network.tls.diagnosis(
    key,
    context.monotonic(),
    DIAGNOSIS_TTL_MS,
    make,
  );
  if (diagnosis === null) {
    return observation;
  }
  const { evidence } = observation;
  const detail = [evidence.detail, diagnosis.text].filter(Boolean).join("; ");
  return {
    ...observation,
    reason: diagnosis.reason ?? observation.reason,
    evidence: { ...evidence, detail },
  };
}
/** Tries versions one by one, then names; null if nothing works. */
async function diagnoseTls(
  settings: TlsSettings,
  names: readonly string[],
  target: Target,
  context: ProbeContext,
): Promise<TlsDiagnosis | null> {
  const until = context.monotonic() + MAX_MS;
  const attempt = (change: Partial<TlsSettings>): Promise<boolean> =>
    handshakeSucceeds(
      { ...settings, ...change, rejectUnauthorized: false },
      target,
      context,
      until,
    );

  if (await attempt({})) {
    return { reason: null, text: "the same handshake works at a second try" };
  }
  const spoken: TlsVersion[] = [];
  for (const version of TLS_VERSIONS) {
    if (await attempt({ minVersion: version, maxVersion: version, legacy: true })) {
      spoken.push(version);
    }
  }
  if (spoken.length > 0) {
    return explainVersions(spoken, settings);
  }
  for (const name of names) {
    if (name !== settings.serverName && (await attempt({ serverName: name }))) {
      return { reason: "tls_handshake", text: `works with SNI ${name}` };
    }
  }
  if (settings.serverName !== null && (await attempt({ serverName: null }))) {
    return { reason: "tls_handshake", text: "works without SNI" };
  }
  return null;
}
function explainVersions(spoken: readonly TlsVersion[], settings: TlsSettings): TlsDiagnosis {
  const offered = TLS_VERSIONS.slice(
    TLS_VERSIONS.indexOf(settings.minVersion),
    TLS_VERSIONS.indexOf(settings.maxVersion) + 1,
  );
  const common = spoken.filter((version) => offered.includes(version));
  const facts = `the server speaks ${spoken.join(", ")}, the monitor ${offered.join(", ")}`;
  if (common.length === 0) {
    const newest = TLS_VERSIONS.indexOf(spoken.at(-1) ?? "TLSv1");
    const side =
      newest < TLS_VERSIONS.indexOf(settings.minVersion)
        ? "the monitor refuses the server's older versions"
        : "the server refuses the monitor's older versions";
    return { reason: "tls_protocol", text: `${facts}: ${side}` };
  }
  return {
    reason: null,
    text: settings.legacy
      ? `${facts}: works only with ${common.join(" or ")}`
      : `${facts}: works with old ciphers and signatures only (OpenSSL's security level 0)`,
  };
}
/** Reads what a port without TLS sends first; Exchange reports a missing certificate in this way. */
async function readClearText(target: Target, context: ProbeContext): Promise<TlsDiagnosis | null> {
  const run = new ProbeRun({ ...context, timeoutMs: Math.min(context.timeoutMs, MAX_MS) });
  try {
    const dialled = await dial(run, target, { tls: null });
    const first = dialled.kind === "connected" ? await dialled.connection.read() : null;
    if (first?.kind !== "data") {
      return null;
    }
    const line = first.data.toString("latin1", 0, 200).split(/\r?\n/)[0] ?? "";
    const words = line.replace(/[^ -~]/g, "\u00b7");
    const hint = /^(\* BYE|-ERR)/.test(words) ? " (as Exchange says without a certificate)" : "";
    return { reason: null, text: `without TLS the port sends: ${words}${hint}` };
  } finally {
    run.release();
  }
}
async function handshakeSucceeds(
  settings: TlsSettings,
  target: Target,
  context: ProbeContext,
  until: number,
): Promise<boolean> {
  const timeoutMs = until - context.monotonic();
  if (timeoutMs <= 0 || context.signal.aborted) {
    return false;
  }
  const run = new ProbeRun({ ...context, timeoutMs });
  try {
    return (await dial(run, target, { tls: settings })).kind === "connected";
  } finally {
    run.release();
  }
}
