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
  readonly #names = new Map<string, Set<string>>();

  /** The set of this name. */
  set(name: string): StateSet {
    const set = this.#sets.get(name) ?? new StateSet();
    this.#sets.set(name, set);
    return set;
  }

  /** For entities that only show themselves while something holds: remembers a name for good, at most 1,000 of a set. */
  remember(set: string, name: string): void {
    const names = this.#names.get(set) ?? new Set<string>();
    if (names.size < 1000) {
      names.add(name);
    }
    this.#names.set(set, names);
  }

  remembered(set: string): Iterable<string> {
    return this.#names.get(set) ?? [];
  }
}

/** The bits of several states of a closed list; one that is not in it has none. */
export function stateBits(states: readonly string[], held: readonly string[]): number {
  let mask = 0;
  for (const state of held) {
    const index = states.indexOf(state);
    mask |= index < 0 ? 0 : 1 << index;
  }
  return mask;
}
