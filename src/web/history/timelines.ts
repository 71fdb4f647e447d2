import { ownerKey, type TimelineEntry, type TimelineOwner } from "../../model/timeline.ts";

/** How to identify, record and compare entities of one kind. */
interface TimelineKind<Entity> {
  readonly ownerOf: (entity: Entity) => TimelineOwner;
  readonly entryOf: (entity: Entity, at: number) => TimelineEntry;
  readonly stillHolds: (entry: TimelineEntry, entity: Entity) => boolean;
}

/** Time span of a timeline. */
export const TIMELINE_MS = 24 * 3_600_000;

interface Track {
  entries: readonly TimelineEntry[];
}

/**
 * The timelines of all entities of one kind. Sampled twice a second for the whole estate: while the live state's list is the
 * same array, entities are matched by index, without look-ups or allocations.
 */
export class Timelines<Entity> {
  readonly #kind: TimelineKind<Entity>;
  readonly #maxEntries: number;
  #followed: readonly Entity[] = [];
  #tracks: readonly Track[] = [];
  #byKey = new Map<string, Track>();
  /** Entries of an earlier run, until their entity appears. */
  readonly #earlier = new Map<string, readonly TimelineEntry[]>();

  constructor(maxEntries: number, kind: TimelineKind<Entity>) {
    this.#maxEntries = maxEntries;
    this.#kind = kind;
  }

  /** Oldest first; empty when nothing is known. */
  of(entity: Entity): readonly TimelineEntry[] {
    return this.#byKey.get(this.#keyOf(entity))?.entries ?? [];
  }

  /** The current entry of each entity. */
  *current(): Iterable<{ readonly entity: Entity; readonly entry: TimelineEntry }> {
    for (const [index, entity] of this.#followed.entries()) {
      const entry = this.#tracks[index]?.entries.at(-1);
      if (entry !== undefined) {
        yield { entity, entry };
      }
    }
  }

  /** Restores entries of an earlier run, oldest first. */
  restore(owner: TimelineOwner, entries: readonly TimelineEntry[]): void {
    this.#earlier.set(ownerKey(owner), entries.slice(-this.#maxEntries));
  }

  /** Records changes, and reports each with the previous entry. */
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

  #keyOf(entity: Entity): string {
    return ownerKey(this.#kind.ownerOf(entity));
  }

  /** Removes timelines of entities that left the estate. */
  #follow(entities: readonly Entity[]): void {
    const byKey = new Map<string, Track>();
    this.#tracks = entities.map((entity) => {
      const key = this.#keyOf(entity);
      const track = this.#byKey.get(key) ?? { entries: this.#earlier.get(key) ?? [] };
      this.#earlier.delete(key);
      byKey.set(key, track);
      return track;
    });
    this.#byKey = byKey;
    this.#followed = entities;
  }
}

/** The newest of the expired entries stays, because it is valid at the start of the span. */
function recentOf(timeline: readonly TimelineEntry[], now: number): readonly TimelineEntry[] {
  return timeline.filter((_, index) => {
    const until = timeline[index + 1]?.at ?? now;
    return until >= now - TIMELINE_MS;
  });
}
