import type { LiveProbe } from "../../model/live.ts";
import type { Observation } from "../../model/observation.ts";
import type { ProbeNowResult, WebActions } from "../actions.ts";

/** What a question about a probe is answered with: a fresh look, or the last one with its age. */
export type Look =
  | {
      readonly kind: "look";
      readonly probe: LiveProbe;
      readonly observation: Observation;
      readonly passed: boolean | null;
      /** Milliseconds since it began. */
      readonly ageMs: number;
      readonly fresh: boolean;
    }
  | { readonly kind: "unavailable"; readonly message: string };

export interface Gate {
  readonly ask: (probe: LiveProbe, timeoutMs: number, signal: AbortSignal) => Promise<Look>;
}

const ONCE_PER_MS = 10_000;
const MAX_REMEMBERED = 10_000;

interface Seen {
  readonly observation: Observation;
  readonly passed: boolean | null;
}

/**
 * Lets a target be probed on demand at most once in ten seconds, however many ask and from wherever: within that time
 * the last observation is the answer, the schedule's own included, and questions during a run share it.
 */
export function createGate(probeNow: WebActions["probeNow"], now: () => number): Gate {
  const remembered = new Map<string, Seen>();
  const running = new Map<string, Promise<ProbeNowResult>>();

  function lastSeen(probe: LiveProbe): Seen | null {
    const own = remembered.get(probe.id) ?? null;
    const scheduled =
      probe.last === null ? null : { observation: probe.last, passed: probe.lastPassed };
    if (own === null || scheduled === null) {
      return own ?? scheduled;
    }
    return own.observation.startedAt > scheduled.observation.startedAt ? own : scheduled;
  }

  function remember(probe: LiveProbe, seen: Seen): void {
    remembered.delete(probe.id);
    remembered.set(probe.id, seen);
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) {
      remembered.delete(oldest);
    }
  }

  return {
    ask: async (probe, timeoutMs, signal) => {
      const last = lastSeen(probe);
      const inFlight = running.get(probe.id);
      if (inFlight === undefined && last !== null) {
        // Begun in the future: the clock has been set back since. That must not stop fresh looks until then.
        const ageMs = now() - last.observation.startedAt;
        if (ageMs >= 0 && ageMs < ONCE_PER_MS) {
          return { kind: "look", probe, ...last, ageMs, fresh: false };
        }
      }
      const started = inFlight ?? probeNow(probe.id, { timeoutMs, signal });
      running.set(probe.id, started);
      const result = await started.finally(() => running.delete(probe.id));
      if (result.kind === "unavailable") {
        return result;
      }
      const { observation, passed } = result;
      remember(probe, { observation, passed });
      const ageMs = Math.max(0, now() - observation.startedAt);
      return { kind: "look", probe, observation, passed, ageMs, fresh: true };
    },
  };
}
