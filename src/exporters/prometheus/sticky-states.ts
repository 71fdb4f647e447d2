/**
 * Remembers which states an entity has ever held, so that their series stay (0 or 1) until the entity leaves the
 * estate: a flip then never ends one series and starts another. One bit mask per entity; fed while rendering.
 */
export class StickyStates {
  readonly #sets = new Map<string, Map<string, Held>>();
  readonly #names = new Map<string, Set<string>>();
  #generation = 0;

  /** A rendering pass; passes may overlap, as two formats can be rendered at once. */
  begin(): number {
    this.#generation += 1;
    return this.#generation;
  }

  /** All states of the closed list `states` that this entity has held so far, `current` among them, as a bit mask. */
  held(pass: number, set: string, entity: string, current: number): number {
    let entities = this.#sets.get(set);
    if (entities === undefined) {
      entities = new Map();
      this.#sets.set(set, entities);
    }
    const known = entities.get(entity);
    if (known === undefined) {
      if (current !== 0) {
        entities.set(entity, { mask: current, pass });
      }
      return current;
    }
    known.mask |= current;
    known.pass = Math.max(known.pass, pass);
    return known.mask;
  }

  /** Forgets the entities of a set that this pass, now through with it, has not met. */
  prune(pass: number, set: string): void {
    const entities = this.#sets.get(set);
    for (const [entity, known] of entities ?? []) {
      if (known.pass < pass) {
        entities?.delete(entity);
      }
    }
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

  /** Entities remembered, over all sets. */
  get size(): number {
    let size = 0;
    for (const entities of this.#sets.values()) {
      size += entities.size;
    }
    return size;
  }
}

interface Held {
  mask: number;
  pass: number;
}

/** The bit of a state in its closed list, 0 when it is not in it. */
export function stateBit(states: readonly string[], state: string): number {
  const index = states.indexOf(state);
  return index < 0 ? 0 : 1 << index;
}

/** The bits of several states. */
export function stateBits(states: readonly string[], held: readonly string[]): number {
  let mask = 0;
  for (const state of held) {
    mask |= stateBit(states, state);
  }
  return mask;
}
