import type {
  LiveMember,
  LiveProbe,
  LiveServer,
  LiveState,
  LiveVserver,
} from "../../../model/live.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { MetricName } from "../definitions.ts";
import { type FamilyWriter, labelSuffix } from "../text-format.ts";

interface EntityState {
  readonly entity: string;
  /** Bit mask of the states of a closed list. */
  mask: number;
}

/**
 * The states that each entity of a state set has had. Their series stay (0 or 1) until the entity leaves the estate, so that a
 * change of state neither ends nor starts a series. Updated during rendering.
 */
export class StateSet {
  /** In the order of the last pass, which the next pass usually repeats, so that no look-up is needed. */
  #known: readonly EntityState[] = [];
  #byEntity: ReadonlyMap<string, EntityState> | null = null;
  #seen: EntityState[] = [];

  begin(): void {
    this.#seen = [];
  }

  /** Bit mask of all states that this entity has had, including `current`. */
  record(entity: string, current: number): number {
    const expected = this.#known[this.#seen.length];
    const held = expected?.entity === entity ? expected : this.#find(entity);
    held.mask |= current;
    this.#seen.push(held);
    return held.mask;
  }

  /** Removes the entities that did not appear in this pass. */
  end(): void {
    this.#known = this.#seen;
    this.#byEntity = null;
  }

  #find(entity: string): EntityState {
    this.#byEntity ??= new Map(this.#known.map((held) => [held.entity, held]));
    return this.#byEntity.get(entity) ?? { entity, mask: 0 };
  }
}

/** State kept between rendering passes, so that series are stable. Passes must not overlap. */
export class StickyStates {
  readonly #sets = new Map<string, StateSet>();
  readonly #names = new Map<string, readonly string[]>();

  /** The set of this name. */
  set(name: string): StateSet {
    const set = this.#sets.get(name) ?? new StateSet();
    this.#sets.set(name, set);
    return set;
  }

  /** For entities that appear only while a condition is true: all names that have appeared and still belong to the set. */
  remember(set: string, shown: Iterable<string>, belongs: (name: string) => boolean): string[] {
    const known = new Set([...(this.#names.get(set) ?? []), ...shown]);
    const names = [...known].filter(belongs);
    this.#names.set(set, names);
    return names;
  }
}

/** A closed list of states, of which an entity has any number; created once per list. */
export interface ClosedStates {
  /** The state label, with a leading comma, in the order of the list. */
  readonly texts: readonly string[];
  /** The bit of a state; 0 if it is not in the list. */
  readonly bitOf: (state: string) => number;
}

export function closedStates(label: string, states: readonly string[]): ClosedStates {
  const bits = new Map(states.map((state, index) => [state, 1 << index]));
  return {
    texts: states.map((state) => labelSuffix(label, state)),
    bitOf: (state) => bits.get(state) ?? 0,
  };
}

/**
 * Context of a rendering pass. Families are generators that yield every few entities, so that the caller can yield to the event
 * loop. Label texts are made once and shared by all families.
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

/** Entities per yield; a yield costs about as much as a sample. */
const YIELD_EVERY = 32;

/** Writes all entities, yielding in between. */
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

/** A state set: one series per state that an entity has had, 1 for the current ones. `current` returns their bits. */
export function* stateSetFamily<Entity>(
  scope: Scope,
  name: MetricName,
  { texts }: ClosedStates,
  entities: Iterable<Labelled<Entity>>,
  current: (entity: Entity) => number,
): Steps<void> {
  const { writer, sticky } = scope;
  const set = sticky.set(name);
  writer.family(name);
  set.begin();
  yield* each(entities, ({ entity, labels }) => {
    const now = current(entity);
    const held = set.record(labels, now);
    for (let index = 0; held >> index !== 0; index += 1) {
      const mask = 1 << index;
      if ((held & mask) !== 0) {
        writer.sample(`${labels}${texts[index] ?? ""}`, bit((now & mask) !== 0));
      }
    }
  });
  set.end();
}

/** A gauge or counter with one series per entity; none for null. */
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
