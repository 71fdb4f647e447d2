import type { PlannedProbe } from "../plan/planned-probe.ts";
import { errandFor } from "./errand.ts";

/** CPU time of one exchange, on the safe side of what docs/performance.md measures: a full TLS handshake costs most. */
const PLAIN_MS = 0.2;
const TLS_MS = 1.5;
/** A thread that is busier than this starts probes late when they crowd. */
const BUSY_SHARE = 0.5;

/** How many cores the exchanges that worker threads may take over would keep busy. */
export function exchangeLoad(probes: Iterable<PlannedProbe>): number {
  let load = 0;
  for (const planned of probes) {
    const errand = errandFor(planned);
    if (errand !== null) {
      const tls = errand.action.run?.spec.tls ?? null;
      load += (tls === null ? PLAIN_MS : TLS_MS) / planned.intervalMs;
    }
  }
  return load;
}

/**
 * How many worker threads probe beside the main thread; 0: it probes by itself. `auto` leaves an estate in one thread
 * that keeps less than half a core busy: a thread costs memory and each answer a copy. Above, it takes a thread for each
 * half core of exchanges, and leaves one CPU to the main thread.
 */
export function workerCount(wanted: number | "auto", load: number, cpus: number): number {
  if (wanted !== "auto") {
    return wanted === 1 ? 0 : wanted;
  }
  return load < BUSY_SHARE || cpus < 2 ? 0 : Math.min(Math.ceil(load / BUSY_SHARE), cpus - 1);
}
