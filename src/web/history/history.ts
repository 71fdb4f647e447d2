import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../../agent/live.ts";
import type { Observation } from "../../probes/probe.ts";
import { ObservationRing, type PastRun } from "./observations.ts";
import { memberEntry, sameEntry, vserverEntry, type TimelineEntry } from "./timeline.ts";

/** A verdict or opinion changed: what event streams tell. Identifiers grow by one. */
export interface Change {
  readonly id: number;
  readonly entity:
    | { readonly kind: "member"; readonly member: LiveMember }
    | { readonly kind: "vserver"; readonly vserver: LiveVserver };
  readonly entry: TimelineEntry;
  /** Null when the entity was not known before. */
  readonly previous: TimelineEntry | null;
}

/** The last hours, in memory and bounded: timelines, runs of probes, and the changes as they happen. */
export interface History {
  /** Remembers one run; for the agent to call. */
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  /** Compares the live state with what was last seen of it, and tells the changes. */
  readonly sample: (live: LiveState) => void;
  readonly runs: (probeId: string, count: number) => readonly PastRun[];
  /** Oldest first; empty when nothing is known. */
  readonly memberTimeline: (member: LiveMember) => readonly TimelineEntry[];
  readonly vserverTimeline: (vserver: LiveVserver) => readonly TimelineEntry[];
  /** Changes after an identifier, so far as they are still remembered. */
  readonly changesAfter: (id: number) => readonly Change[];
  readonly lastChangeId: () => number;
  /** Calls back with the changes of each sample that found some; returns how to end it. */
  readonly subscribe: (listener: (changes: readonly Change[]) => void) => () => void;
}

export interface HistoryOptions {
  /** Bound of the memory for runs; the rest is small and bounded by count. */
  readonly maxBytes: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

export const HISTORY_BYTES = 64 * 1024 * 1024;
/** How far back a timeline reaches. */
export const TIMELINE_MS = 12 * 3_600_000;
const MAX_ENTRIES = 500;
const MAX_CHANGES = 1_000;

export function createHistory({ maxBytes, now }: HistoryOptions): History {
  const ring = new ObservationRing(maxBytes);
  const listeners = new Set<(changes: readonly Change[]) => void>();
  let timelines = new Map<string, readonly TimelineEntry[]>();
  let changes: readonly Change[] = [];
  let lastId = 0;

  function advance(
    known: ReadonlyMap<string, readonly TimelineEntry[]>,
    key: string,
    entry: TimelineEntry,
    entity: Change["entity"],
    found: Change[],
  ): readonly TimelineEntry[] {
    const timeline = known.get(key) ?? [];
    const previous = timeline.at(-1) ?? null;
    if (previous !== null && sameEntry(previous, entry)) {
      return timeline;
    }
    lastId += 1;
    found.push({ id: lastId, entity, entry, previous });
    return bounded([...timeline, entry], entry.at);
  }

  return {
    probeFinished: (probe, observation, passed) => {
      ring.add({ probeId: probe.id, observation, passed });
    },
    sample: (live) => {
      const at = now();
      const found: Change[] = [];
      // A new map at each sample: entities that left the estate take their timelines along.
      const next = new Map<string, readonly TimelineEntry[]>();
      for (const member of live.members) {
        const key = memberKeyOf(member);
        const entity = { kind: "member", member } as const;
        next.set(key, advance(timelines, key, memberEntry(member, at), entity, found));
      }
      for (const vserver of live.vservers) {
        const key = vserverKeyOf(vserver);
        const entity = { kind: "vserver", vserver } as const;
        next.set(key, advance(timelines, key, vserverEntry(vserver, at), entity, found));
      }
      timelines = next;
      if (found.length > 0) {
        changes = [...changes, ...found].slice(-MAX_CHANGES);
        for (const listener of listeners) {
          listener(found);
        }
      }
    },
    runs: (probeId, count) => ring.last(probeId, count),
    memberTimeline: (member) => timelines.get(memberKeyOf(member)) ?? [],
    vserverTimeline: (vserver) => timelines.get(vserverKeyOf(vserver)) ?? [],
    changesAfter: (id) => changes.filter((change) => change.id > id),
    lastChangeId: () => lastId,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** The newest entries, and of those that are too old the last one: it tells what held when the span begins. */
function bounded(timeline: readonly TimelineEntry[], now: number): readonly TimelineEntry[] {
  const recent = timeline.filter((_, index) => {
    const until = timeline[index + 1]?.at ?? now;
    return until >= now - TIMELINE_MS;
  });
  return recent.slice(-MAX_ENTRIES);
}

function memberKeyOf(member: LiveMember): string {
  return `m\u0000${member.adc}\u0000${member.adcService}\u0000${member.server}\u0000${String(member.port)}`;
}

function vserverKeyOf(vserver: LiveVserver): string {
  return `v\u0000${vserver.adc}\u0000${vserver.kind}\u0000${vserver.vserver}`;
}
