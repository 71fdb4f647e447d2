import type { LiveMember, LiveVserver } from "../../model/live.ts";
import type { Reason, Step } from "../../model/reasons.ts";
import type { AdcOpinion, ReplicaOpinion, ServiceOpinion, Verdict } from "../../model/verdicts.ts";

/** What was said from one moment on, until the next entry. */
export interface TimelineEntry {
  readonly at: number;
  readonly adc: AdcOpinion;
  /** Of a vserver: null. */
  readonly replica: ReplicaOpinion | null;
  /** Of a vserver: what answers at the VIP. */
  readonly service: ServiceOpinion | "protected";
  readonly verdict: Verdict;
  readonly step: Step | null;
  readonly reason: Reason | null;
}

export function memberEntry(member: LiveMember, at: number): TimelineEntry {
  return {
    at,
    adc: member.adcOpinion,
    replica: member.replica,
    service: member.service,
    verdict: member.verdict,
    step: member.step,
    reason: member.reason,
  };
}

export function vserverEntry(vserver: LiveVserver, at: number): TimelineEntry {
  return {
    at,
    adc: vserver.adcOpinion,
    replica: null,
    service: vserver.vip,
    verdict: vserver.verdict,
    step: null,
    reason: vserver.reason,
  };
}

/** Whether an entry still tells what holds: a reader would see no difference. */
export function memberStillHolds(entry: TimelineEntry, member: LiveMember): boolean {
  return (
    entry.verdict === member.verdict &&
    entry.adc === member.adcOpinion &&
    entry.replica === member.replica &&
    entry.service === member.service &&
    entry.reason === member.reason
  );
}

export function vserverStillHolds(entry: TimelineEntry, vserver: LiveVserver): boolean {
  return (
    entry.verdict === vserver.verdict &&
    entry.adc === vserver.adcOpinion &&
    entry.service === vserver.vip &&
    entry.reason === vserver.reason
  );
}

/** How entities of one kind are told apart, written down and compared with what was written last. */
interface TimelineKind<Entity> {
  readonly keyOf: (entity: Entity) => string;
  readonly entryOf: (entity: Entity, at: number) => TimelineEntry;
  readonly stillHolds: (entry: TimelineEntry, entity: Entity) => boolean;
}

/** How far back a timeline reaches. */
export const TIMELINE_MS = 12 * 3_600_000;

interface Track {
  entries: readonly TimelineEntry[];
}

/**
 * The timelines of all entities of one kind. Looked at twice a second for the whole estate: as long as the live state's
 * list is the same array, its entities are followed by their places in it, without a look-up or an allocation each.
 */
export class Timelines<Entity> {
  readonly #kind: TimelineKind<Entity>;
  readonly #maxEntries: number;
  #followed: readonly Entity[] = [];
  #tracks: readonly Track[] = [];
  #byKey = new Map<string, Track>();

  constructor(maxEntries: number, kind: TimelineKind<Entity>) {
    this.#maxEntries = maxEntries;
    this.#kind = kind;
  }

  /** Oldest first; empty when nothing is known. */
  of(entity: Entity): readonly TimelineEntry[] {
    return this.#byKey.get(this.#kind.keyOf(entity))?.entries ?? [];
  }

  /** Writes down what has changed, and tells each change with the entry before it. */
  sample(
    entities: readonly Entity[],
    at: number,
    changed: (entity: Entity, entry: TimelineEntry, previous: TimelineEntry | null) => void,
  ): void {
    if (entities !== this.#followed) {
      this.#follow(entities);
    }
    for (const [index, track] of this.#tracks.entries()) {
      const entity = entities[index];
      const previous = track.entries.at(-1) ?? null;
      if (entity === undefined || (previous !== null && this.#kind.stillHolds(previous, entity))) {
        continue;
      }
      const entry = this.#kind.entryOf(entity, at);
      track.entries = recentOf([...track.entries, entry], at).slice(-this.#maxEntries);
      changed(entity, entry, previous);
    }
  }

  /** Entities that left the estate take their timelines along. */
  #follow(entities: readonly Entity[]): void {
    const byKey = new Map<string, Track>();
    this.#tracks = entities.map((entity) => {
      const key = this.#kind.keyOf(entity);
      const track = this.#byKey.get(key) ?? { entries: [] };
      byKey.set(key, track);
      return track;
    });
    this.#byKey = byKey;
    this.#followed = entities;
  }
}

/** Of the entries that are too old the last one stays: it tells what held when the span begins. */
function recentOf(timeline: readonly TimelineEntry[], now: number): readonly TimelineEntry[] {
  return timeline.filter((_, index) => {
    const until = timeline[index + 1]?.at ?? now;
    return until >= now - TIMELINE_MS;
  });
}
