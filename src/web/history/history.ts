import type { LiveMember, LiveProbe, LiveState, LiveVserver } from "../../model/live.ts";
import type { Observation } from "../../model/observation.ts";
import {
  memberEntry,
  memberOwner,
  memberStillHolds,
  vserverEntry,
  vserverOwner,
  vserverStillHolds,
  type TimelineEntry,
  type TimelineOwner,
} from "../../model/timeline.ts";
import { ObservationRing, type PastRun } from "./observations.ts";
import { Timelines } from "./timelines.ts";

/** A change of a verdict or opinion, as sent by event streams. Identifiers increase by one. */
export interface Change {
  readonly id: number;
  readonly entity:
    | { readonly kind: "member"; readonly member: LiveMember }
    | { readonly kind: "vserver"; readonly vserver: LiveVserver };
  readonly owner: TimelineOwner;
  readonly entry: TimelineEntry;
  /** Null if the entity is new. */
  readonly previous: TimelineEntry | null;
}

/** The recent history, in memory and bounded: timelines, probe runs and changes. */
export interface History {
  /** Records one run; called by the agent. */
  readonly probeFinished: (
    probe: LiveProbe,
    observation: Observation,
    passed: boolean | null,
  ) => void;
  /** Compares the live state with the previous sample, and reports the changes. */
  readonly sample: (live: LiveState) => void;
  readonly runs: (probeId: string, count: number) => readonly PastRun[];
  /** Oldest first; empty when nothing is known. */
  readonly memberTimeline: (member: LiveMember) => readonly TimelineEntry[];
  readonly vserverTimeline: (vserver: LiveVserver) => readonly TimelineEntry[];
  /** The current entry of each member and vserver. */
  readonly current: () => Iterable<{
    readonly owner: TimelineOwner;
    readonly entry: TimelineEntry;
  }>;
  /** Restores entries of an earlier run, oldest first. Call it before the first sample. */
  readonly restore: (owner: TimelineOwner, entries: readonly TimelineEntry[]) => void;
  /** Changes after an identifier that are still in memory. */
  readonly changesAfter: (id: number) => readonly Change[];
  readonly lastChangeId: () => number;
  /** Calls back with the changes of each sample, if any; returns the unsubscribe function. */
  readonly subscribe: (listener: (changes: readonly Change[]) => void) => () => void;
}

export interface HistoryBounds {
  /** Memory for runs. */
  readonly maxBytes: number;
  /** Entries of one timeline. Default: 500. */
  readonly timelineEntries?: number;
  /** Changes kept for resuming event streams. Default: 1,000. */
  readonly changes?: number;
}

export interface HistoryOptions extends HistoryBounds {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
}

export const HISTORY_BYTES = 32 * 1024 * 1024;
const TIMELINE_ENTRIES = 500;
const CHANGES = 1_000;

export function createHistory({
  maxBytes,
  timelineEntries = TIMELINE_ENTRIES,
  changes: maxChanges = CHANGES,
  now,
}: HistoryOptions): History {
  const ring = new ObservationRing(maxBytes);
  const listeners = new Set<(changes: readonly Change[]) => void>();
  const members = new Timelines<LiveMember>(timelineEntries, {
    ownerOf: memberOwner,
    entryOf: memberEntry,
    stillHolds: memberStillHolds,
  });
  const vservers = new Timelines<LiveVserver>(timelineEntries, {
    ownerOf: vserverOwner,
    entryOf: vserverEntry,
    stillHolds: vserverStillHolds,
  });
  let changes: readonly Change[] = [];
  let lastId = 0;
  let sampled: { readonly list: readonly LiveMember[]; readonly revision?: number | undefined } = {
    list: [],
  };

  return {
    probeFinished: (probe, observation, passed) => {
      ring.add({ probeId: probe.id, observation, passed });
    },
    sample: (live) => {
      const { members: list, revision } = live;
      if (revision !== undefined && revision === sampled.revision && list === sampled.list) {
        return;
      }
      sampled = { list, revision };
      const at = now();
      const found: Change[] = [];
      const tell = (change: Omit<Change, "id">): void => {
        lastId += 1;
        found.push({ id: lastId, ...change });
      };
      members.sample(live.members, at, (member, entry, previous) => {
        tell({ entity: { kind: "member", member }, owner: memberOwner(member), entry, previous });
      });
      vservers.sample(live.vservers, at, (vserver, entry, previous) => {
        const owner = vserverOwner(vserver);
        tell({ entity: { kind: "vserver", vserver }, owner, entry, previous });
      });
      if (found.length > 0) {
        changes = [...changes, ...found].slice(-maxChanges);
        for (const listener of listeners) {
          listener(found);
        }
      }
    },
    runs: (probeId, count) => ring.last(probeId, count),
    memberTimeline: (member) => members.of(member),
    vserverTimeline: (vserver) => vservers.of(vserver),
    current: function* () {
      for (const { entity, entry } of members.current()) {
        yield { owner: memberOwner(entity), entry };
      }
      for (const { entity, entry } of vservers.current()) {
        yield { owner: vserverOwner(entity), entry };
      }
    },
    restore: (owner, entries) => {
      (owner.kind === "member" ? members : vservers).restore(owner, entries);
    },
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
