import type {
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../../model/live.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { MetricName } from "../definitions.ts";
import { type FamilyWriter, withLabel } from "../text-format.ts";
import { stateBits, type StickyStates } from "../sticky-states.ts";

/**
 * What one rendering pass works on. Families are generators that yield every few entities, so that the caller that drives them
 * can let the event loop breathe; each entity's label text is made once and used by all families.
 */
export interface Scope {
  readonly live: LiveState;
  readonly writer: FamilyWriter;
  readonly sticky: StickyStates;
  /** Whether the phases of each probe are exported (`metrics.phases`). */
  readonly phases: boolean;
  readonly members: readonly Labelled<LiveMember>[];
  /** The labels of each member under each of its vservers. */
  readonly memberships: readonly string[];
  readonly vservers: readonly Labelled<LiveVserver>[];
  readonly servers: readonly Labelled<LiveServer>[];
  readonly probes: readonly Labelled<LiveProbe>[];
}

export interface Labelled<Entity> {
  entity: Entity;
  readonly labels: string;
}

/** Between two yields so many entities are written: a yield costs about as much as a sample. */
const YIELD_EVERY = 32;

/** Writes entity after entity. */
export function* each<Entity>(
  entities: Iterable<Entity>,
  write: (entity: Entity) => void,
): Steps<void> {
  let written = 0;
  for (const entity of entities) {
    write(entity);
    written += 1;
    if (written % YIELD_EVERY === 0) {
      yield;
    }
  }
}

/** A state set: each entity's states ever held, 1 for those it holds now. */
export function* stateSetFamily<Entity>(
  scope: Scope,
  name: MetricName,
  label: string,
  states: readonly string[],
  entities: Iterable<Labelled<Entity>>,
  current: (entity: Entity) => readonly string[],
): Steps<void> {
  const { writer, sticky } = scope;
  const set = sticky.set(name);
  const texts = states.map((state) => `,${withLabel("", label, state)}`);
  writer.family(name);
  set.begin();
  yield* each(entities, ({ entity, labels }) => {
    const now = stateBits(states, current(entity));
    const held = set.held(labels, now);
    for (let index = 0; held >> index !== 0; index += 1) {
      const mask = 1 << index;
      if ((held & mask) !== 0) {
        writer.sample(`${labels}${texts[index] ?? ""}`, bit((now & mask) !== 0));
      }
    }
  });
  set.end();
}

/** A gauge or counter with one series per entity; null leaves it out. */
export function* valueFamily<Entity>(
  scope: Scope,
  name: MetricName,
  entities: Iterable<Labelled<Entity>>,
  value: (entity: Entity) => number | null,
): Steps<void> {
  scope.writer.family(name);
  yield* each(entities, ({ entity, labels }) => {
    const number = value(entity);
    if (number !== null) {
      scope.writer.sample(labels, number);
    }
  });
}

export function bit(value: boolean): number {
  return value ? 1 : 0;
}

/** Milliseconds since the epoch to seconds; null stays null. */
export function seconds(atMs: number | null): number | null {
  return atMs === null ? null : atMs / 1000;
}
