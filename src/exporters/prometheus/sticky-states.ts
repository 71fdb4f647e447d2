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

/** The bits of several states of a closed list; one that is not in it has none. */
export function stateBits(states: readonly string[], held: readonly string[]): number {
  let mask = 0;
  for (const state of held) {
    const index = states.indexOf(state);
    mask |= index < 0 ? 0 : 1 << index;
  }
  return mask;
}
