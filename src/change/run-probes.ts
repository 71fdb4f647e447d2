import { pause } from "../lib/timers.ts";
import type { ProbeRunner } from "../agent/probe-runner.ts";
import type { ProbeRecord } from "../agent/records/probe-record.ts";
import type { WitnessState } from "../agent/records/witness-state.ts";

/** Maximum number of concurrent probes: enough for a large estate in a minute, without overloading a server. */
export const MAX_CONCURRENT_PROBES = 64;

/** Maximum interval between retries of failing replicas. */
export const REPLICA_RETRY_MS = 1_000;

/**
 * Runs all probes until each has an opinion, with bounded concurrency. Health pages run last: an aborted one shows maintenance
 * only if another URL of the member has answered.
 */
export async function probeAll(
  probes: readonly ProbeRecord[],
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
  maxConcurrent = MAX_CONCURRENT_PROBES,
  /** Ids of finished probes. */
  ended = new Set<string>(),
): Promise<void> {
  const runnable = probes.filter((probe) => probe.planned.action.run !== null);
  const pages = runnable.filter(({ rank }) => rank === "detection");
  for (const waiting of [runnable.filter((probe) => !pages.includes(probe)), pages]) {
    const workers = Array.from({ length: Math.min(maxConcurrent, waiting.length) }, async () => {
      for (let probe = waiting.shift(); probe !== undefined; probe = waiting.shift()) {
        await runUntilDecided(probe, state, runner, signal);
        if (!signal.aborted) {
          ended.add(probe.id);
        }
      }
    });
    await Promise.all(workers);
  }
  await runWaitingLogins(runnable, state, runner, signal);
}

/** Reasons to wait for another login of the account; its result may allow the next one. */
const LOGIN_WAIT_REASONS: ReadonlySet<string> = new Set(["busy", "paced", "elsewhere_first"]);

const LOGIN_ROUNDS = 8;

const LOGIN_INTERVAL_MS = 500;

/**
 * Runs logins that had to wait for another of their account, one at a time: only a success elsewhere distinguishes a broken
 * server from a wrong password.
 */
async function runWaitingLogins(
  probes: readonly ProbeRecord[],
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
): Promise<void> {
  const confirmed = new Set<ProbeRecord>();
  const witnessesOf = (refused: ProbeRecord): readonly ProbeRecord[] =>
    probes.filter((probe) => isAcceptedAtOtherServer(probe, refused));
  const decide = async (probe: ProbeRecord): Promise<void> => {
    await pause(LOGIN_INTERVAL_MS, signal);
    await runUntilDecided(probe, state, runner, signal);
  };
  for (let round = 0; round < LOGIN_ROUNDS && !signal.aborted; round++) {
    const waiting = probes.filter((probe) => probe.opinion === "unknown" && waitsForLogin(probe));
    const refusals = probes.filter(
      (probe) => isRejectedLogin(probe) && !confirmed.has(probe) && witnessesOf(probe).length > 0,
    );
    if (waiting.length === 0 && refusals.length === 0) {
      return;
    }
    for (const probe of waiting) {
      await decide(probe);
    }
    for (const refused of refusals) {
      // One accepted login shows that all endpoints that rejected the account are broken, so their logins are no longer held
      // back.
      for (const witness of isRejectedLogin(refused) ? witnessesOf(refused) : []) {
        await decide(witness);
        // A login that has to wait again proves nothing, so another one runs first.
        if (!waitsForLogin(witness)) {
          confirmed.add(refused);
          break;
        }
      }
    }
  }
}

export function isWaitingForLogin(probe: ProbeRecord): boolean {
  return probe.opinion === "unknown" && waitsForLogin(probe);
}

function waitsForLogin({ heldBack }: ProbeRecord): boolean {
  return heldBack !== null && LOGIN_WAIT_REASONS.has(heldBack.why);
}

function isRejectedLogin({ credential, last, lastPassed }: ProbeRecord): boolean {
  return credential !== null && lastPassed === null && last?.reason === "auth_rejected";
}

/** A login that worked before, and must work again after the rejection to be conclusive. */
function isAcceptedAtOtherServer(
  { credential, server, opinion }: ProbeRecord,
  refused: ProbeRecord,
): boolean {
  return (
    opinion === "up" &&
    credential?.lockoutKey === refused.credential?.lockoutKey &&
    server !== refused.server
  );
}

/** Runs one probe until it has an opinion, up to a maximum number of runs. */
async function runUntilDecided(
  probe: ProbeRecord,
  state: WitnessState,
  runner: ProbeRunner,
  signal: AbortSignal,
): Promise<void> {
  const { action } = probe.planned;
  const tries = action.kind === "monitor" ? Math.max(action.monitor.retries, 1) : 2;
  for (let count = 1; count <= tries && !signal.aborted; count++) {
    const delayMs = await runner.run(probe, state);
    if (delayMs === null || probe.opinion !== "unknown" || isInconclusive(probe)) {
      return;
    }
    if (count < tries) {
      const pauseMs =
        action.kind === "monitor" ? Math.min(REPLICA_RETRY_MS, probe.intervalMs) : delayMs;
      await pause(pauseMs, signal);
    }
  }
}

/** Repeating does not help a login that is held back or an unreachable path; an event-loop stall passes. */
function isInconclusive({ last, lastPassed }: ProbeRecord): boolean {
  return lastPassed === null && last?.reason !== "agent_fault";
}
