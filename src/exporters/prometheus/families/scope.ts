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

interface Held {
  readonly entity: string;
  /** One bit for each state of the closed list. */
  mask: number;
}

/**
 * Which states each entity of a state set has ever held, so that their series stay (0 or 1) until the entity leaves the
 * estate: a flip then never ends one series and starts another. Fed while rendering, pass after pass.
 */
export class StateSet {
  /** In the order of the last pass, which the next one nearly always repeats: no entity is then looked up. */
  #known: readonly Held[] = [];
  #byEntity: ReadonlyMap<string, Held> | null = null;
  #met: Held[] = [];

  begin(): void {
    this.#met = [];
  }

  /** All states that this entity has held so far, `current` among them, as a bit mask. */
  held(entity: string, current: number): number {
    const expected = this.#known[this.#met.length];
    const held = expected?.entity === entity ? expected : this.#find(entity);
    held.mask |= current;
    this.#met.push(held);
    return held.mask;
  }

  /** Forgets the entities that this pass, now through with the set, has not met. */
  end(): void {
    this.#known = this.#met;
    this.#byEntity = null;
  }

  #find(entity: string): Held {
    this.#byEntity ??= new Map(this.#known.map((held) => [held.entity, held]));
    return this.#byEntity.get(entity) ?? { entity, mask: 0 };
  }
}

/** What is remembered between passes, so that series do not come and go with what they tell. Passes follow each other. */
export class StickyStates {
  readonly #sets = new Map<string, StateSet>();
  readonly #names = new Map<string, readonly string[]>();

  /** The set of this name. */
  set(name: string): StateSet {
    const set = this.#sets.get(name) ?? new StateSet();
    this.#sets.set(name, set);
    return set;
  }

  /**
   * For entities that only show themselves while something holds: all names of a set that have shown themselves and that
   * still belong to it. At most as many as belong to it.
   */
  remember(set: string, shown: Iterable<string>, belongs: (name: string) => boolean): string[] {
    const known = new Set([...(this.#names.get(set) ?? []), ...shown]);
    const names = [...known].filter(belongs);
    this.#names.set(set, names);
    return names;
  }
}

/** A closed list of states of which each entity holds one, several or none; made once for each list. */
export interface ClosedStates {
  /** The label that names the state, with a comma before it, in the order of the list. */
  readonly texts: readonly string[];
  /** The bit of a state; one that is not in the list has none. */
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

/** A state set: each entity's states ever held, 1 for those it holds now. `current` gives the bits of those. */
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
